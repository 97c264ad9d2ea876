"""The options of a plugin: each a command-line option, a form's field and a line of help."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import annotated_types

from lepton_platform.config import Config, option_name
from lepton_platform.errors import ConfigError, UnknownNameError
from lepton_platform.testing.check import BOTH, Fault, NotApplicable, check
from lepton_platform.testing.subject import Subject

BOUNDS = (
    annotated_types.Ge,
    annotated_types.Gt,
    annotated_types.Le,
    annotated_types.Lt,
    annotated_types.MultipleOf,
)


def _config(subject: Subject) -> type[Config]:
    if subject.config is None:
        raise NotApplicable("it has no options of its own")
    return subject.config


def _own(subject: Subject) -> dict[str, Any]:
    """Return the fields that are the plugin's own, not its task's."""
    fields = dict(_config(subject).model_fields)
    if not subject.extends:
        for name in subject.participants.task.config.model_fields.keys() & fields.keys():
            del fields[name]
    if not fields:
        raise NotApplicable("it has no options of its own")
    return fields


@check("bronze", of=BOTH)
def options_documented(subject: Subject) -> None:
    """Every option has a description.

    It is the option's help on the command line and its label in the form; without it a user has to
    guess the meaning and the unit.

    To mend: `Field(8.0, gt=0, description="price of one retention offer, EUR")`.
    """
    for name, field in _own(subject).items():
        if not (field.description or "").strip():
            raise Fault(f"option {option_name(name)} ({subject.offer.module}) has no description")


@check("silver", of=BOTH)
def options_bounded(subject: Subject) -> None:
    """Every option that is a number says how small or how large it may be, and holds to it.

    A negative price or a share of 300 % is a typing error; without a bound it becomes a wrong decision.

    To mend: give `Field` a bound (`gt`, `ge`, `lt`, `le`); where every number makes sense, bound it by
    what is physically possible.
    """
    config = _config(subject)
    for name, field in _own(subject).items():
        if not _is_number(field.annotation):
            continue
        bounds = [bound for bound in field.metadata if isinstance(bound, BOUNDS)]
        if not bounds:
            raise Fault(f"option {option_name(name)} is a number without a bound")
        for value in _beyond(bounds):
            _refuses(config, name, value)


def _is_number(annotation: Any) -> bool:
    parts = getattr(annotation, "__args__", (annotation,))
    return any(part in (int, float) for part in parts)


def _beyond(bounds: list[Any]) -> Iterator[float]:
    for bound in bounds:
        if (low := getattr(bound, "ge", getattr(bound, "gt", None))) is not None:
            yield low - 1
        if (high := getattr(bound, "le", getattr(bound, "lt", None))) is not None:
            yield high + 1


def _refuses(config: type[Config], name: str, value: float) -> None:
    try:
        config.checked({name: value})
    except ConfigError:
        return
    raise Fault(f"option {option_name(name)} takes {value:g}, which is beyond its bound")


@check("bronze", of=BOTH)
def options_refuse_unknown(subject: Subject) -> None:
    """An unknown option is refused, and options cannot be changed once a run has begun.

    A misspelt option that is taken silently leaves the default in force; a config that hooks change
    makes the run's record of its options untrue.

    To mend: derive the config from `lepton_platform.Config` and leave its `model_config` alone.
    """
    config = _config(subject)
    try:
        config.checked({"no_such_option": 1})
    except UnknownNameError:
        pass
    else:
        raise Fault(f"{config.__name__} takes an option that it does not have")
    if not config.model_config.get("frozen") or config.model_config.get("extra") != "forbid":
        raise Fault(f"{config.__name__}.model_config is not frozen, or allows more than its fields")


@check("bronze")
def options_named_apart(subject: Subject) -> None:
    """No option has the name of one that every run has.

    `--seed` or `--data` can mean one thing only; the command line refuses such an application.

    To mend: rename the option.
    """
    from lepton_platform.cli.run import RESERVED

    if taken := sorted(RESERVED & _config(subject).model_fields.keys()):
        raise Fault(f"{', '.join(map(option_name, taken))}: every run has an option of that name")
