"""How much to have: quantiles of demand at the level that the costs or the service ask for.

Quantities are in the unit of the values. Nothing is said of stock at hand or on the way: an order
is the order-up-to level less both, which is the business of inventory.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_platform.tasks.forecast.quantiles import COLUMNS, LEVELS

Floats = NDArray[np.float64]


def order_up_to(predictions: pd.DataFrame, level: float) -> Floats:
    """Return the quantile of each row at ``level``, on a straight line between its neighbours.

    >>> frame = pd.DataFrame({name: [level] for name, level in zip(COLUMNS, LEVELS)})
    >>> order_up_to(frame, 0.93).round(2)
    array([0.93])
    """
    right = int(np.clip(np.searchsorted(LEVELS, level), 1, len(LEVELS) - 1))
    share = (level - LEVELS[right - 1]) / (LEVELS[right] - LEVELS[right - 1])
    low, high = (predictions[COLUMNS[place]].to_numpy(dtype=float) for place in (right - 1, right))
    return np.asarray(low * (1 - share) + high * share, dtype=float)


def whole_horizon(
    predictions: pd.DataFrame, level: float, earlier: pd.DataFrame, truth: Floats, origin: NDArray[np.intp]
) -> pd.DataFrame:
    """Return per series the demand of the whole horizon: ``mean``, ``median`` and ``order_up_to``.

    Periods err together, so the quantile of a sum is neither the sum of quantiles nor its root: the
    sum's distance from the median is multiplied by the factor with which it would have lasted, at
    that level, on ``earlier`` forecasts: their rows, each row's truth, and the number of its origin.
    """
    factor = _factor(_sums(earlier, level, origin, truth), level)
    sums = _sums(predictions, level, np.zeros(len(predictions), dtype=np.intp))
    up_to = sums["median"] + factor * (sums["up_to"] - sums["median"])
    return pd.DataFrame({"mean": sums["mean"], "median": sums["median"], "order_up_to": up_to}).droplevel(
        "origin"
    )


def _sums(
    predictions: pd.DataFrame, level: float, origin: NDArray[np.intp], truth: Floats | None = None
) -> pd.DataFrame:
    rows = pd.DataFrame(
        {
            "mean": predictions["mean"].to_numpy(),
            "median": predictions["median"].to_numpy(),
            "up_to": order_up_to(predictions, level),
            "truth": np.nan if truth is None else truth,
        }
    )
    series = predictions.index.get_level_values(0)
    return rows.groupby([series, pd.Index(origin, name="origin")], sort=False).sum(min_count=1)


def _factor(sums: pd.DataFrame, level: float) -> float:
    spread = (sums["up_to"] - sums["median"]).to_numpy()
    over = (sums["truth"] - sums["median"]).to_numpy()
    wide = (spread > 0) & np.isfinite(over)
    if level <= 0.5 or wide.sum() < 20:
        return 1.0
    return float(np.clip(np.quantile(over[wide] / spread[wide], level), 0.2, 2.0))
