"""Quantiles of a point forecast from the errors it made before."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from lepton_platform.tasks.forecast.direct import known_mean
from lepton_platform.tasks.forecast.quantiles import LEVELS

Floats = NDArray[np.float64]

FEW = 4.0
"""Errors that the typical series' counts as, when a series' own mean error is estimated."""


class ErrorQuantiles(BaseEstimator):  # type: ignore[misc]
    """Empirical quantiles of errors in units of each series' mean absolute error.

    A series' own mean error is drawn towards that of all series, so that a few lucky forecasts do
    not make a narrow band (split conformal with a measure of difficulty: Lei et al. 2018).

    Attributes
    ----------
    scale_ : ndarray of shape (series,)
    quantiles_ : ndarray of shape (levels,)
    """

    def fit(self, truth: Floats, point: Floats) -> Self:
        """Learn from forecasts that had not seen the truth, shape (series, steps); NaN where unknown."""
        errors = truth - point
        mean, count = known_mean(np.abs(errors)), (~np.isnan(errors)).sum(axis=1)
        size = known_mean(np.abs(point)) + 1e-12
        size = np.where(np.isnan(size), np.nanmedian(size) if np.isfinite(size).any() else 1.0, size)
        usual = float(np.nanmean(mean / size)) if np.isfinite(mean).any() else 0.0
        drawn = np.nan_to_num(mean) * count + usual * size * FEW
        self.scale_ = drawn / (count + FEW)
        with np.errstate(divide="ignore", invalid="ignore"):
            scaled = errors / self.scale_[:, None]
        known = scaled[np.isfinite(scaled)]
        self.quantiles_ = np.quantile(known, LEVELS) if len(known) else np.zeros(len(LEVELS))
        return self

    def around(self, point: Floats, row: NDArray[np.intp]) -> Floats:
        """Return point and quantiles, shape (rows, 1 + levels), for rows of the series at ``row``."""
        spread = self.scale_[row][:, None] * self.quantiles_
        return np.column_stack([point, point[:, None] + spread])
