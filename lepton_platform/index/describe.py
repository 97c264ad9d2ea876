"""Imports one entry and says what it declares; this runs in a child process (``contained``)."""

from __future__ import annotations

import re
import sys
import sysconfig
import time
from collections.abc import Mapping, Set
from typing import Any

from lepton_platform.allowed import HOST
from lepton_platform.config import Config, config_of, option_name
from lepton_platform.errors import PluginError, PluginLoadError, did_you_mean
from lepton_platform.index import Entry, Fault, Option, Stamps, stamp
from lepton_platform.plugins import Offer

_INSTALLED = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))


def describe(piece: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry with what it declares, its options, and the stamps of the files that say so.

    ``piece`` holds the ``entry`` and, by name, the entries of the ``tasks`` there are.
    """
    offer = Offer(*Entry.parsed(piece["entry"]))
    tasks = {name: Offer(*Entry.parsed(row)) for name, row in piece["tasks"].items()}
    before, begun = set() if offer.distribution == HOST else set(sys.modules), time.time_ns()
    options: list[Option] = []
    try:
        entry, options = _declared(offer, tasks)
    except PluginError as error:
        entry = offer._replace(fault=Fault.of(error, offer.distribution))
    except BaseException as error:  # a plugin may raise whatever it likes
        entry = offer._replace(fault=Fault.of(offer.load_error(error), offer.distribution))
    return {"entry": entry, "options": options, "files": _files(before, begun, offer.module)}


def _declared(offer: Offer, tasks: Mapping[str, Offer]) -> tuple[Entry, list[Option]]:
    declared = offer.declaration()
    if offer.kind == "tasks":
        return offer._replace(summary=declared.summary), []
    if offer.kind == "extensions":
        brought = offer.click_commands(declared)
        commands = tuple((str(command.name), command.get_short_help_str(80)) for command in brought)
        entry = offer._replace(target=declared.target, api=declared.api, commands=commands)
        return entry, [] if declared.config is None else _options(declared.config, f"{offer.name}.")
    entry = offer._replace(summary=declared.summary, task=declared.task, api=declared.api)
    config = config_of(declared, _task(offer, declared.task, tasks).declaration())
    return entry, _options(config)


def _task(offer: Offer, name: str, tasks: Mapping[str, Offer]) -> Offer:
    if name not in tasks:
        cause = f"there is no task {name!r}"
        raise PluginLoadError(str(offer), cause, offer.module, did_you_mean(name, tasks))
    if (fault := tasks[name].fault) is not None:
        raise PluginLoadError(
            str(offer), f"its task {name} is broken: {fault.cause}", fault.place, fault.remedy
        )
    return tasks[name]


def _options(config: type[Config], prefix: str = "") -> list[Option]:
    return [_option(prefix + name, field) for name, field in config.model_fields.items()]


def _option(key: str, field: Any) -> Option:
    default = field.default
    shown = ",".join(default) if isinstance(default, tuple) else default
    said = f"{field.description or ''}{f'  [default: {shown}]' if shown not in (None, '') else ''}"
    return Option(key, option_name(key), field.annotation is bool, _metavar(field.annotation), said)


def _metavar(annotation: Any) -> str:
    text = str(annotation)
    if "Literal" in text:
        return "|".join(re.findall(r"'([^']+)'", text))
    kinds = {"tuple": "A,B", "float": "NUMBER", "int": "N"}
    return next((shown for kind, shown in kinds.items() if kind in text), "TEXT")


def _files(before: Set[str], begun: int, module: str) -> Stamps:
    """Return the stamps of the plugin's files that were imported since ``before``.

    Those are the files of its package and, where it is not installed but developed, whatever else it
    imports from outside of ``site-packages``.
    """
    stamps: Stamps = {}
    for name in sys.modules.keys() - before:
        file = getattr(sys.modules[name], "__dict__", {}).get("__file__")
        own = name.partition(".")[0] == module.partition(".")[0]
        if file and (own or not file.startswith(_INSTALLED)) and (known := stamp(file)) is not None:
            changed_meanwhile = begun <= known[0] <= time.time_ns()
            stamps[file] = [0, 0] if changed_meanwhile else known  # unlike any file's: described again
    return stamps
