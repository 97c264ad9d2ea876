"""ABC by how much is sold, XYZ by how steadily: the classes that planners think in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lepton_platform.tasks.forecast.panel import Panel

SHARES = (0.8, 0.95)
"""Of all that is sold: A sells the first 80 %, B up to 95 %, C the rest."""
VARIATIONS = (0.5, 1.0)
"""Coefficients of variation that part X, Y and Z."""


def abc_xyz(panel: Panel) -> pd.Series[Any]:
    """Return the class of each series by its name, for instance ``AX``.

    >>> values = np.array([[80.0, 80, 80], [15, 15, 16], [0, 9, 0]])
    >>> nothing = np.empty((3, 3, 0)), (), np.empty((3, 0), dtype=str), ()
    >>> abc_xyz(Panel(np.array(["a", "b", "c"]), values, *nothing, 3, "1")).tolist()
    ['AX', 'BX', 'CZ']
    """
    known = ~np.isnan(panel.values)
    count = np.maximum(known.sum(axis=1), 1)
    total = np.where(known, panel.values, 0).sum(axis=1)
    order = np.argsort(-total, kind="stable")
    before = np.empty(len(total))
    before[order] = (np.cumsum(total[order]) - total[order]) / max(total.sum(), 1e-300)
    mean = total / count
    deviation = np.sqrt((np.where(known, panel.values - mean[:, None], 0) ** 2).sum(axis=1) / count)
    variation = np.divide(deviation, mean, out=np.full(len(mean), np.inf), where=mean > 0)
    volume = np.array(list("ABC"))[np.searchsorted(SHARES, before, side="right")]
    steadiness = np.array(list("XYZ"))[np.searchsorted(VARIATIONS, variation, side="right")]
    return pd.Series(np.char.add(volume, steadiness), panel.series)
