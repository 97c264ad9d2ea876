"""Scoring a unit as its rows come in: what must be kept of its log, and no more.

A moment's features depend on a unit's first and last rows only (``windows``), so a fleet is watched in
memory that does not grow with its age, and the answer is that of the whole log.
"""

from __future__ import annotations

import pandas as pd

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
