"""How far predictions were off on units they had not seen, by what was predicted: the spread of a life.

Split conformal prediction (Lei et al. 2018, "Distribution-free predictive inference for regression"),
localised in the prediction and by unit: near each predicted value, the quantiles of what cross-validated
predictions missed, every unit weighing the same however many rows it has there. So a prediction near
the end of life gets a narrow interval, one amid life a wide one.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

Floats = NDArray[np.float64]

LEVELS = (0.005, 0.01, 0.025, *(round(0.05 * step, 2) for step in range(1, 20)), 0.975, 0.99, 0.995)
"""Probabilities that the life left is at most the quantile."""
LOW, HIGH = LEVELS.index(0.05), LEVELS.index(0.95)
"""Positions of the ends of the 90 % interval."""
KNOTS = 16
REACH = 1.5
"""Distance, in knots, from which an error no longer counts for a knot."""
FEWEST_UNITS = 15
"""Units that a knot needs errors of; with fewer, it takes in the nearest errors from farther away."""


class LifeSpread(BaseEstimator):  # type: ignore[misc]
    """Quantiles of the life left around a prediction, between 0 and the cap.

    Attributes
    ----------
    knots_ : ndarray of shape (knots,)
        Predicted values.
    errors_ : ndarray of shape (knots, levels)
        Quantiles of truth less prediction there.
    """

    def __init__(self, cap: float = 125.0) -> None:
        self.cap = cap

    def fit(self, predicted: Floats, truth: Floats, units: ArrayLike) -> Self:
        """Learn from predictions made without the truth, shape (rows,) each."""
        unit = np.unique(np.asarray(units), return_inverse=True)[1]
        self.knots_ = np.linspace(0, self.cap, KNOTS)
        self.errors_ = np.array(
            [_quantiles(*_near(predicted, unit, knot, self.cap), truth - predicted) for knot in self.knots_]
        )
        return self

    def quantiles(self, predicted: Floats) -> Floats:
        """Return the quantiles of ``LEVELS``, shape (rows, levels), in order."""
        errors = np.column_stack([np.interp(predicted, self.knots_, part) for part in self.errors_.T])
        return np.sort(np.clip(predicted[:, None] + errors, 0, self.cap), axis=1)

    def interval(self, predicted: Floats) -> tuple[Floats, Floats]:
        """Return the ends of the 90 % interval, which holds the prediction."""
        quantiles = self.quantiles(predicted)
        return np.minimum(quantiles[:, LOW], predicted), np.maximum(quantiles[:, HIGH], predicted)


def _near(predicted: Floats, unit: NDArray[np.intp], knot: float, cap: float) -> tuple[Floats, int]:
    """Return what each row's error weighs at a knot, and how many units have a say there."""
    distance = np.abs(predicted - knot)
    nearest = np.full(unit.max() + 1, np.inf)
    np.minimum.at(nearest, unit, distance)
    enough = np.sort(nearest)[min(FEWEST_UNITS, len(nearest)) - 1]
    reach = max(REACH * cap / (KNOTS - 1), enough * 1.001)
    weight = np.maximum(1 - distance / reach, 0)
    of_unit = np.bincount(unit, weight)
    shared = np.divide(weight, of_unit[unit], out=np.zeros_like(weight), where=weight > 0)
    return shared, int((of_unit > 0).sum())


def _quantiles(weight: Floats, units: int, errors: Floats) -> Floats:
    """Return weighted quantiles at ``LEVELS``, moved outwards as few units demand."""
    order = np.argsort(errors)
    share = np.cumsum(weight[order]) / weight.sum()
    levels = np.array(LEVELS)
    outward = np.where(levels < 0.5, levels - (1 - levels) / units, levels + levels / units)
    place = np.minimum(np.searchsorted(share, np.clip(outward, 0, 1)), len(errors) - 1)
    return np.asarray(errors[order][place], dtype=float)
