"""Quantiles set right by what earlier forecasts missed.

Each quantile's distance from the median is multiplied by the factor with which it would have held
on forecasts from earlier origins (conformal prediction with the distance as the measure of
difficulty: Romano, Patterson and Candès 2019, "Conformalized quantile regression"; Lei et al. 2018,
section 5.2), by blocks of steps ahead, for what is far away is missed by more.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from lepton_platform.tasks.forecast.quantiles import LEVELS, MEDIAN

Floats = NDArray[np.float64]

BLOCKS = 4
FEWEST = 1_000
"""Forecasts that a block needs for factors of its own."""
BOUNDS = (0.5, 4.0)
"""Factors beyond these would say that the model is wrong, not its width."""


class ConformalWidths:
    """Factors of the quantiles' distances from the median.

    Attributes
    ----------
    ends_ : ndarray of shape (blocks,)
        The last step of each block.
    factors_ : ndarray of shape (blocks, levels)
    """

    def fit(self, truth: Floats, quantiles: Floats, step: NDArray[np.int64]) -> Self:
        """Learn from forecasts made without the truth: shapes (rows,), (rows, levels), (rows,)."""
        count = int(np.clip(len(truth) // FEWEST, 1, min(BLOCKS, step.max())))
        self.ends_ = np.ceil(step.max() * np.arange(1, count + 1) / count)
        block = np.searchsorted(self.ends_, step)
        self.factors_ = np.array(
            [_factors(truth[block == one], quantiles[block == one]) for one in range(count)]
        )
        return self

    def apply(self, quantiles: Floats, step: NDArray[np.int64]) -> Floats:
        """Return the quantiles with their distances set right, in order."""
        block = np.minimum(np.searchsorted(self.ends_, step), len(self.ends_) - 1)
        median = quantiles[:, [MEDIAN]]
        return np.sort(median + (quantiles - median) * self.factors_[block], axis=1)


def _factors(truth: Floats, quantiles: Floats) -> Floats:
    """Return the factor of each level: that share of the truths then lies below the quantile."""
    away = truth - quantiles[:, MEDIAN]
    found = np.ones(len(LEVELS))
    for position, level in enumerate(LEVELS):
        distance = quantiles[:, position] - quantiles[:, MEDIAN]
        wide = distance != 0
        if position == MEDIAN or wide.mean() < 0.1:
            continue
        times = away[wide] / distance[wide]
        # of truths on the quantile's side, as many are beyond it as its level says of all rows; rows
        # without a distance hold as they are and count as right
        beyond = min(level, 1 - level)
        found[position] = np.quantile(times, 1 - beyond, method="higher")
    return np.clip(found, *BOUNDS)
