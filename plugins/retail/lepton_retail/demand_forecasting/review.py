"""Which forecasts a planner should look at, and why."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_platform.tasks.forecast.panel import Panel

SHORT = 2
"""Horizons of history below which a series is called short."""
JUMP = 3.0
"""Usual changes by which the last horizon may differ from the one before."""


def reasons(names: pd.Index[str], panel: Panel, horizon: int) -> NDArray[np.str_]:
    """Return why each named series needs a look, empty if it does not.

    ``new``: it was never seen; ``ended``: nothing is known of its last horizon; ``short``: little is
    known; ``nothing sold``; ``level changed``: the last horizon is unlike the one before.
    """
    values = panel.values
    last, before = values[:, -horizon:], values[:, -2 * horizon : -horizon]
    known = ~np.isnan(values)
    said = np.full(len(values), "", dtype="<U14")
    said[_jumped(last, before)] = "level changed"
    said[np.nansum(np.abs(values), axis=1) == 0] = "nothing sold"
    said[known.sum(axis=1) < SHORT * horizon] = "short"
    said[~known[:, -horizon:].any(axis=1)] = "ended"
    row = pd.Index(panel.series).get_indexer(names)
    return np.where(row < 0, "new", said[row])


def _jumped(last: NDArray[np.float64], before: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return where the two means differ by several standard errors, each over at least four values."""
    both = np.minimum((~np.isnan(last)).sum(axis=1), (~np.isnan(before)).sum(axis=1))
    result = np.zeros(len(last), dtype=bool)
    enough = both >= 4
    if enough.any():
        difference = np.nanmean(last[enough], axis=1) - np.nanmean(before[enough], axis=1)
        spread = np.sqrt((np.nanvar(last[enough], axis=1) + np.nanvar(before[enough], axis=1)) / both[enough])
        result[enough] = np.abs(difference) > JUMP * np.maximum(spread, 1e-12)
    return result
