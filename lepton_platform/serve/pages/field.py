"""One field of a form: made from an option of a run, or from a column of a case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from lepton_platform.config import config_of
from lepton_platform.data.schema import Column
from lepton_platform.plugins import Participants

MOST_CHOICES = 50
"""Categories that are offered; further ones can be typed."""


class FormField(NamedTuple):
    """What a form asks for."""

    name: str
    label: str
    kind: Literal["number", "text", "choice", "flag", "date"]
    value: str = ""
    """What stands in it at first."""
    help: str = ""
    low: float | None = None
    high: float | None = None
    whole: bool = False
    """Whether a number has no fraction."""
    choices: tuple[str, ...] = ()
    """Of a choice: all there are; of a text: suggestions."""
    blank: str | None = None
    """Of a choice: what choosing none of them means; ``None``: one of them has to be chosen."""

    def filled(self, sent: Mapping[str, Any] | None) -> FormField:
        """Return the field as it was sent; unchanged, if nothing was."""
        return self if sent is None else self._replace(value=str(sent.get(self.name, "")))


class Group(NamedTuple):
    """Fields that belong together."""

    title: str
    fields: list[FormField]


# ------------------------------------------------------------------------------- options of a run


def option_groups(participants: Participants) -> list[Group]:
    """Return the options of an application, of its task, and of each extension that has some of its own."""
    schema = config_of(participants.application, participants.task).model_json_schema()
    fields = {name: _option(name, one, schema) for name, one in schema["properties"].items()}
    of_task = participants.task.config.model_fields
    groups = [
        Group("How to read and split the data", [one for name, one in fields.items() if name in of_task]),
        Group(
            f"Options of {participants.offer.name}",
            [one for name, one in fields.items() if name not in of_task],
        ),
        *_extensions(participants),
    ]
    return [group for group in groups if group.fields]


def _extensions(participants: Participants) -> Iterator[Group]:
    for layer in participants.layers:
        if layer.config is not None:
            schema = layer.config.model_json_schema()
            options = schema["properties"].items()
            yield Group(
                f"Options of {layer.name}",
                [_option(f"{layer.name}.{name}", one, schema) for name, one in options],
            )


def _option(key: str, described: Mapping[str, Any], schema: Mapping[str, Any]) -> FormField:
    """Return the field of an option that pydantic describes as JSON schema."""
    kind = _resolved(described, schema)
    low = kind.get("minimum", kind.get("exclusiveMinimum"))
    high = kind.get("maximum", kind.get("exclusiveMaximum"))
    said = [str(described.get("description", "")), *_bounds(kind)]
    field = FormField(
        key,
        key.rpartition(".")[2].replace("_", " "),
        "text",
        _shown(described.get("default")),
        "; ".join(part for part in said if part),
    )
    if "enum" in kind:
        blank = "none" if described.get("default") is None else None
        return field._replace(kind="choice", choices=tuple(map(str, kind["enum"])), blank=blank)
    if kind.get("type") == "boolean":
        return field._replace(kind="flag")
    if kind.get("type") in ("integer", "number"):
        return field._replace(kind="number", low=low, high=high, whole=kind["type"] == "integer")
    if kind.get("type") == "array":
        return field._replace(help=f"{field.help}; several with commas between".removeprefix("; "))
    return field


def _resolved(described: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what an option is if it is given at all: of ``float | None``, the number."""
    if "anyOf" in described:
        described = next(one for one in described["anyOf"] if one.get("type") != "null")
    if "$ref" in described:
        return schema["$defs"][described["$ref"].rpartition("/")[2]]  # type: ignore[no-any-return]
    return described


def _bounds(kind: Mapping[str, Any]) -> Iterator[str]:
    words = {
        "exclusiveMinimum": "above",
        "minimum": "at least",
        "exclusiveMaximum": "below",
        "maximum": "at most",
    }
    bounds = [f"{word} {kind[name]:g}" for name, word in words.items() if name in kind]
    if bounds:
        yield " and ".join(bounds)


def _shown(default: Any) -> str:
    if isinstance(default, bool):
        return "true" if default else ""
    if isinstance(default, list):
        return ",".join(map(str, default))
    return number_text(default) if isinstance(default, float) else "" if default is None else str(default)


def chosen(groups: list[Group], sent: Mapping[str, Any]) -> dict[str, str]:
    """Return the options that were sent and are not the defaults; a flag that was not sent is not set.

    >>> groups = [Group("", [FormField("folds", "folds", "number", "5"), FormField("fast", "fast", "flag")])]
    >>> chosen(groups, {"folds": "5", "fast": "true"}), chosen(groups, {"folds": " 3 "})
    ({'fast': 'true'}, {'folds': '3'})
    """
    options = {}
    for field in (field for group in groups for field in group.fields):
        if field.kind == "flag" or field.name in sent:
            value = str(sent.get(field.name, "")).strip()
            if value != field.value:
                options[field.name] = value or ("false" if field.kind == "flag" else "")
    return options


# ----------------------------------------------------------------------------- columns of a case


def column_field(column: Column) -> FormField:
    """Return the field of a column; at first it holds what is typical."""
    name, gaps = column.name, f"{column.missing:.0%} of the training rows had none" if column.missing else ""
    label = name.replace("_", " ")
    if column.kind == "date":
        return FormField(name, label, "date", help=gaps)
    if column.kind == "number":
        seen = "" if column.low is None else f"training saw {column.low:g} to {column.high:g}"
        codes = f"codes: {', '.join(f'{code:g}' for code in column.special)}" if column.special else ""
        said = "; ".join(part for part in (seen, codes, gaps) if part)
        return FormField(name, label, "number", number_text(column.typical), said)
    kind: Literal["choice", "text"] = "choice" if len(column.levels) <= MOST_CHOICES else "text"
    typical = "" if column.typical is None else str(column.typical)
    return FormField(name, label, kind, typical, gaps, choices=column.levels[:500], blank="not known")


def number_text(value: Any) -> str:
    """Write a number for a field: no digit is lost, and a whole one has no point.

    >>> number_text(36.0), number_text(0.1), number_text(None)
    ('36', '0.1', '')
    """
    if value is None:
        return ""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
