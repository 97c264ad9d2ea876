"""Whether the cases that come in, and what is decided on them, still look like the training data."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_platform.data.schema import Column, Schema
from lepton_platform.model.stability import CHANGE, SHIFT, psi

FEWEST = 200
"""Cases below which an index is chance: of 11 bins it is .05 on average without any shift."""
WAITING = 500
"""Cases that are kept before they are counted: counting many at once is cheap."""


class Shift(NamedTuple):
    """How far one field has moved from the training data."""

    field: str
    psi: float
    """Population stability index."""
    status: str
    """``stable``, ``changed``, ``shifted``, or ``too few cases``."""


class Drift:
    """Counts the cases of one served run by bin, and compares them with the training data's shares."""

    def __init__(self, schema: Schema) -> None:
        self._columns = [column for column in schema.columns if column.shares]
        self._counts = {column.name: np.zeros(len(_expected(column))) for column in self._columns}
        self._waiting: list[Mapping[str, Any]] = []
        self._lock = threading.Lock()
        self.cases = 0
        self.decisions: Counter[str] = Counter()

    def add(self, cases: Sequence[Mapping[str, Any]], decisions: Iterable[Mapping[str, Any]]) -> None:
        """Count cases that were decided, and the values of the column ``decision``, if there is one."""
        self.decisions.update(str(one["decision"]) for one in decisions if "decision" in one)
        with self._lock:
            self.cases += len(cases)
            self._waiting += cases
            if len(self._waiting) >= WAITING:
                self._count()

    def decided(self, decisions: pd.DataFrame) -> None:
        """Count the values of the column ``decision`` of a table, if there is one."""
        if "decision" in decisions:
            self.decisions.update(decisions["decision"].astype(str))

    def add_table(self, table: pd.DataFrame) -> None:
        """Count the cases of a table, as a file's reader gave it."""
        with self._lock:
            self.cases += len(table)
            self._count_table(table)

    def shifts(self) -> list[Shift]:
        """Return the index of every field, the greatest first."""
        with self._lock:
            self._count()
            shifts = [self._shift(column) for column in self._columns]
        return sorted(shifts, key=lambda shift: -shift.psi)

    def _count(self) -> None:
        if self._waiting:
            self._count_table(pd.DataFrame(self._waiting))
            self._waiting = []

    def _count_table(self, table: pd.DataFrame) -> None:
        for column in self._columns:
            bins = _bins(column, table[column.name])
            self._counts[column.name] += np.bincount(bins, minlength=len(self._counts[column.name]))

    def _shift(self, column: Column) -> Shift:
        counts, expected = self._counts[column.name], _expected(column)
        if self.cases < FEWEST:
            return Shift(column.name, 0.0, "too few cases")
        # half a case in each bin, so that one that was never met has a logarithm
        actual = (counts + 0.5) / (counts.sum() + 0.5 * len(counts))
        expected = (expected + 0.5 / FEWEST) / (expected + 0.5 / FEWEST).sum()
        index = psi(expected, actual)
        status = "shifted" if index > SHIFT else "changed" if index > CHANGE else "stable"
        return Shift(column.name, index, status)


def _expected(column: Column) -> NDArray[np.float64]:
    """Return the training rows' shares: of each bin or level, and of all else (missing, codes, new)."""
    return np.array([*column.shares, max(0.0, 1 - sum(column.shares))])


def _bins(column: Column, values: pd.Series[Any]) -> NDArray[np.intp]:
    """Return the bin of each value; the last is for all else."""
    if column.kind == "category":
        text = values.astype(object).where(values.notna(), None)
        found = pd.Index(column.levels).get_indexer(
            pd.Index([None if one is None else str(one) for one in text])
        )
        return np.where(found < 0, len(column.levels), found)
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64)
    found = np.searchsorted(column.edges, numbers, side="right")
    return np.where(np.isnan(numbers) | np.isin(numbers, column.special), len(column.shares), found)
