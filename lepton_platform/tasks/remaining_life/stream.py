"""Logs too long to be read at once, and logs that go on.

A moment's features depend on a unit's first and last rows only (``windows``), so a fleet is watched in
memory that does not grow with its age, and the answer is that of the whole log.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from lepton_platform.data.dataset import Finding
from lepton_platform.errors import DataError
from lepton_platform.tasks.remaining_life.roles import Roles
from lepton_platform.tasks.remaining_life.windows import BEGINNING, reach


def remembered(log: pd.DataFrame, roles: Roles, window: int) -> pd.DataFrame:
    """Return the rows of a log that later rows of its units are scored with, gaps filled from before.

    Rows are in the order of time within each unit. Add later rows below, and ask again: the next table
    holds what is still needed of both.
    """
    units = log.groupby(roles.unit, sort=False)
    sensors = list(roles.sensors)
    place, size = units.cumcount(), units[roles.unit].transform("size")
    kept = (place < BEGINNING) | (place >= size - reach(window))
    return log.assign(**units[sensors].ffill())[kept]


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
