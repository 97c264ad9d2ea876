"""What was recorded of units, and what of it was known at a moment.

A case of the remaining-life task is a unit at a moment. Its one column, ``past``, holds a ``Past``:
the rows up to that moment and no later one, so that nothing that comes after can be learned from.
Many cases share the record of one unit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PAST = "past"
"""The column of the cases."""


@dataclass(frozen=True, eq=False)
class History:
    """All that was recorded of one unit.

    ``time`` has shape (rows,) and rises; ``values`` has shape (rows, sensors), gaps filled with the
    last value before them, NaN where there is none.
    """

    unit: str
    time: Floats
    values: Floats


@dataclass(frozen=True, eq=False)
class Past:
    """The first ``rows`` rows of a unit's history."""

    _history: History
    rows: int

    @property
    def unit(self) -> str:
        return self._history.unit

    @property
    def time(self) -> Floats:
        return self._history.time[: self.rows]

    @property
    def values(self) -> Floats:
        return self._history.values[: self.rows]

    @property
    def age(self) -> float:
        """The time of the moment itself."""
        return float(self._history.time[self.rows - 1])


def before(cases: pd.DataFrame) -> pd.DataFrame:
    """Return the moment before each case; a unit's first moment has none, and is left out."""
    pasts = [Past(past._history, past.rows - 1) for past in cases[PAST] if past.rows > 1]
    index = pd.Index([past.unit for past in pasts], name=cases.index.name, dtype=object)
    return pd.DataFrame({PAST: pd.Series(pasts, index, dtype=object)})


def cases_at(history: History, rows: NDArray[np.intp]) -> list[Past]:
    """Return the pasts that end with each of these numbers of rows."""
    return [Past(history, int(count)) for count in rows]


def ages(cases: pd.DataFrame) -> Floats:
    """Return the age of each case, shape (cases,)."""
    return np.array([past.age for past in cases[PAST]], dtype=float)


def by_unit(cases: pd.DataFrame) -> Iterator[tuple[NDArray[np.intp], Past, NDArray[np.intp]]]:
    """Yield, per record, the positions of its cases, the longest past, and each case's last row in it."""
    pasts = cases[PAST].to_numpy()
    of_record: dict[int, list[int]] = {}
    for position, past in enumerate(pasts):
        of_record.setdefault(id(past._history), []).append(position)
    for positions in of_record.values():
        ends = np.array([pasts[position].rows - 1 for position in positions])
        yield np.array(positions), pasts[positions[int(ends.argmax())]], ends


def retraced(cases: pd.DataFrame) -> pd.DataFrame:
    """Return all moments up to each case, in order: what would have been asked along the way."""
    pasts = [Past(past._history, rows + 1) for past in cases[PAST] for rows in range(past.rows)]
    index = pd.Index([past.unit for past in pasts], name=cases.index.name, dtype=object)
    return pd.DataFrame({PAST: pd.Series(pasts, index, dtype=object)})
