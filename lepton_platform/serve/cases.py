"""Cases as JSON: what each field may hold, and the table that they become."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from lepton_platform.data.schema import Column, Schema
from lepton_platform.errors import did_you_mean
from lepton_platform.serve.problem import INVALID, Place, Problem

MOST_PLACES = 100
"""Faults that one answer names."""


class CaseReader:
    """Checks cases against a schema and makes a table of them.

    Parameters
    ----------
    schema : Schema
        The columns that the model learned from; every case gives each of them, ``null`` for missing.
    identifier : str, optional
        Field that names a case, beside the columns.
    """

    def __init__(self, schema: Schema, identifier: str | None = None) -> None:
        self.schema = schema
        self.identifier = identifier
        self._columns = {column.name: column for column in schema.columns}
        named = {} if identifier is None else {identifier: "identifier"}
        self._kinds: dict[str, str] = {**named, **{name: one.kind for name, one in self._columns.items()}}
        self._read = [(name, _READ[kind]) for name, kind in self._kinds.items()]
        self._ordinary = None if identifier else _ordinary(schema)

    def read(self, cases: Sequence[Any]) -> tuple[list[dict[str, Any]], list[Place]]:
        """Return cases as training saw them, numbers as such and categories as text, and remarks.

        A remark is of a value that training never saw; it is scored all the same.

        Raises
        ------
        Problem
            With every fault: a case that is no object; a field that is missing, unknown or of another type.
        """
        if self._ordinary is not None and all(map(self._ordinary, cases)):
            return list(cases), []
        faults = [place for row, case in enumerate(cases) for place in self._faults(row, case)]
        if faults:
            more = f", and {len(faults) - MOST_PLACES} more" if len(faults) > MOST_PLACES else ""
            first = "; ".join(_told(place) for place in faults[:3])
            message = f"{len(faults)} faults in the cases: {first}{' ...' if len(faults) > 3 else ''}{more}"
            raise Problem(INVALID, "invalid_cases", message, faults[:MOST_PLACES])
        read = [{name: read(case[name]) for name, read in self._read} for case in cases]
        remarks = (place for row, case in enumerate(read) for place in self._remarks(row, case))
        return read, [place for _, place in zip(range(MOST_PLACES), remarks, strict=False)]

    def table(self, cases: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        """Return cases that were read as a table, one row each."""
        types = {name: np.float64 if kind == "number" else object for name, kind in self._kinds.items()}
        return pd.DataFrame(
            {name: np.array([case[name] for case in cases], dtype) for name, dtype in types.items()}
        )

    def _faults(self, row: int, case: Any) -> list[Place]:
        if not isinstance(case, dict):
            return [Place(row, None, f"is {_kind(case)}, not an object with a field per column")]
        faults = []
        if case.keys() != self._kinds.keys():
            missing = [name for name in self._kinds if name not in case]
            unknown = [name for name in case if name not in self._kinds]
            faults += [Place(row, name, "is missing; null says that it is not known") for name in missing]
            faults += [
                Place(row, name[:80], f"is no field. {did_you_mean(name, missing)}".strip())
                for name in unknown
            ]
        if self.identifier is not None and not isinstance(case.get(self.identifier, ""), str | int):
            faults.append(Place(row, self.identifier, "names the case: it must be text or a whole number"))
        for name, column in self._columns.items():
            if (value := case.get(name)) is not None and (fault := _fault(column, value)):
                faults.append(Place(row, name, fault))
        return faults

    def _remarks(self, row: int, case: Mapping[str, Any]) -> list[Place]:
        return [
            Place(row, name, remark)
            for name, column in self._columns.items()
            if (value := case[name]) is not None and (remark := _remark(column, value))
        ]


def _ordinary(schema: Schema) -> Callable[[Any], bool]:
    """Return what tells a case whose every value is of the right type and was met in training.

    Nearly all cases are, and for them nothing more need be asked, nor converted.
    """
    ranges = [(one.name, *one.unsurprising) for one in schema.columns if one.kind == "number"]
    levels = [(one.name, frozenset(one.levels)) for one in schema.columns if one.kind != "number"]
    names = {one.name for one in schema.columns}

    def ordinary(case: Any) -> bool:
        if type(case) is not dict or case.keys() != names:
            return False
        for name, least, most in ranges:
            value = case[name]
            if (type(value) is not float and type(value) is not int) or not least <= value <= most:
                return False
        return all(type(case[name]) is str and case[name] in known for name, known in levels)

    return ordinary


def _fault(column: Column, value: Any) -> str:
    """Return why a column cannot hold a value; nothing if it can."""
    if column.kind == "number":
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"must be a number or null, not {_kind(value)}"
        return "" if math.isfinite(_number(value)) else f"must be finite, not {value!r}"
    if isinstance(value, list | dict):
        return f"must be text or null, not {_kind(value)}"
    if column.kind == "date" and not _is_date(value):
        return f"must be a date as 2026-01-31 or null, not {str(value)[:40]!r}"
    return ""


def _remark(column: Column, value: Any) -> str:
    if column.kind == "category" and value not in column.levels:
        return f"{value[:40]!r} was never seen in training: scored as unknown"
    if column.kind == "number" and column.low is not None and column.high is not None:
        least, most = column.unsurprising
        if (value < least or value > most) and value not in column.special:
            return f"{value:g} is far from what training saw ({column.low:g} to {column.high:g})"
    return ""


def _is_date(value: Any) -> bool:
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


def _number(value: Any) -> float:
    try:
        return math.nan if value is None else float(value)
    except OverflowError:  # a whole number beyond the range of a float
        return math.inf


def _text(value: Any) -> str | None:
    """Return a category as the readers of files do: 3 and 3.0 are one.

    >>> _text(3.0), _text(" own "), _text(None)
    ('3', 'own', None)
    """
    if value is None:
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


_READ: dict[str, Callable[[Any], Any]] = {
    "number": _number,
    "category": _text,
    "date": lambda value: value,
    "identifier": lambda value: value,
}


def _kind(value: Any) -> str:
    names = {bool: "true or false", str: "text", list: "a list", dict: "an object", type(None): "null"}
    return names.get(type(value), "a number")


def _told(place: Place) -> str:
    field = f" {place.field!r}" if place.field is not None else ""
    return f"row {place.row}{field} {place.text}"
