"""Logs too long to be read at once, and logs that go on.

A moment's features depend on a unit's first and last rows only (``windows``), so a fleet is watched in
memory that does not grow with its age, and the answer is that of the whole log.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from lepton_platform.data.dataset import Finding
from lepton_platform.errors import DataError
from lepton_platform.tasks.remaining_life.records import checked, named
from lepton_platform.tasks.remaining_life.roles import Roles
from lepton_platform.tasks.remaining_life.windows import BEGINNING, reach


class FleetMemory(BaseEstimator):  # type: ignore[misc]
    """The rows of a fleet's log that later rows of its units are scored with.

    Parameters
    ----------
    units : ndarray of str, shape (rows,)
    rows : ndarray of shape (rows, 1 + sensors)
        Times and sensors, gaps filled from before, in the order of time within each unit.
    """

    def __init__(self, units: NDArray[np.str_], rows: NDArray[np.float64]) -> None:
        self.units = units
        self.rows = rows

    @classmethod
    def empty(cls, roles: Roles) -> FleetMemory:
        return cls(np.empty(0, dtype=str), np.empty((0, 1 + len(roles.sensors))))

    def log(self, roles: Roles) -> pd.DataFrame:
        """Return what is remembered as a log."""
        table = pd.DataFrame(self.rows, columns=[roles.time, *roles.sensors])
        table.insert(0, roles.unit, self.units.astype(object))
        return table

    def with_rows(self, batch: pd.DataFrame, roles: Roles, window: int) -> FleetMemory:
        """Return what is remembered after a compact batch: each unit's first and last rows."""
        whole = pd.concat([self.log(roles), batch], ignore_index=True)
        units = whole.groupby(roles.unit, sort=False)
        place, size = units.cumcount(), units[roles.unit].transform("size")
        kept = (place < BEGINNING) | (place >= size - reach(window))
        sensors = list(roles.sensors)
        filled = whole.assign(**units[sensors].ffill())[kept]
        names = filled[roles.unit].to_numpy(dtype=str)
        return FleetMemory(names, filled[[roles.time, *sensors]].to_numpy(dtype=float))


def compact(table: pd.DataFrame, roles: Roles, source: str) -> pd.DataFrame:
    """Return a log with units as text, times and sensors as numbers; dates are days since 1970.

    Raises
    ------
    DataError
        As ``read_records``.
    """
    clock, values = checked(table, roles, source)
    found = pd.DataFrame(values, columns=list(roles.sensors)).assign(**{roles.time: clock})
    found.insert(0, roles.unit, named(table[roles.unit]))
    return found


def whole_units(batches: Iterable[pd.DataFrame], unit: str) -> Iterator[pd.DataFrame]:
    """Yield the rows of some batches again, none of a unit in two of them.

    Raises
    ------
    DataError
        Rows of a unit do not stand together.
    """
    waiting: pd.DataFrame | None = None
    closed: set[Any] = set()
    for batch in batches:
        rows = batch if waiting is None else pd.concat([waiting, batch])
        if unit not in rows:  # told with all other faults when it is read
            yield rows
            continue
        goes_on = rows[unit] == rows[unit].iloc[-1]
        done = rows[~goes_on]
        if apart := closed & set(rows[unit]):
            said = f"rows of {min(map(str, apart))} do not stand together"
            raise DataError([Finding("error", said, unit, (), "Sort the log by unit")])
        closed |= set(done[unit])
        if len(done):
            yield done
        waiting = rows[goes_on]
    if waiting is not None:
        yield waiting
