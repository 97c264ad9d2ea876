"""The mean of several forecasts, weighed for each kind of demand, with widths that held before."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone

from lepton_platform.errors import RunError
from lepton_platform.tasks.forecast.conformal import ConformalWidths
from lepton_platform.tasks.forecast.newcomers import with_newcomers
from lepton_platform.tasks.forecast.panel import Future, Panel

Floats = NDArray[np.float64]

KINDS = ("smooth", "erratic", "intermittent", "lumpy")
"""Kinds of demand by how often and how evenly it comes (Syntetos, Boylan and Croston 2005)."""


def kinds_of(values: Floats) -> NDArray[np.intp]:
    """Return the kind of each series, a position in ``KINDS``.

    ``values`` has shape (series, periods). Demand is intermittent from 1.32 periods between sales
    on, erratic from a squared coefficient of variation of 0.49 of what is sold on, lumpy if both.

    >>> [KINDS[kind] for kind in kinds_of(np.array([[5.0, 6, 5, 6], [0, 1, 0, 1], [1, 1, 1, 9]]))]
    ['smooth', 'intermittent', 'erratic']
    """
    known = ~np.isnan(values)
    sold = known & (values != 0)
    count = np.maximum(sold.sum(axis=1), 1)
    interval = known.sum(axis=1) / count
    mean = np.where(sold, values, 0).sum(axis=1) / count
    variance = np.where(sold, (values - mean[:, None]) ** 2, 0).sum(axis=1) / count
    variation = np.divide(variance, mean**2, out=np.zeros_like(mean), where=mean != 0)
    return np.asarray(2 * (interval >= 1.32) + (variation >= 0.49), dtype=np.intp)


class ForecastBlend(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Weighed mean of the members' means and quantiles.

    Parameters
    ----------
    members : list of (name, estimator)
    weights : ndarray of shape (kinds, members)
        Rows add up to 1.
    widths : ConformalWidths
    least : the least value a forecast may have, or ``None``
    frequency : of the times, see ``periods``
    """

    def __init__(
        self,
        members: list[tuple[str, Any]],
        weights: Floats,
        widths: ConformalWidths,
        least: float | None = None,
        frequency: str = "1",
    ) -> None:
        self.members = members
        self.weights = weights
        self.widths = widths
        self.least = least
        self.frequency = frequency

    def fit(self, X: pd.DataFrame, y: pd.Series[Any]) -> Self:
        """Fit each member on rows indexed by (series, time)."""
        return self.adopt([clone(member).fit(X, y) for _, member in self.members], X, y)

    def adopt(self, fitted: list[Any], X: pd.DataFrame, y: pd.Series[Any]) -> Self:
        """Take members that are fitted already, in order, on these rows."""
        self.fitted_ = fitted
        panels = (
            member[-1].panel_ for member in fitted if len(member) == 1 and hasattr(member[-1], "panel_")
        )
        return self._look_at(next(panels, None) or Panel.of(X, y, self.frequency))

    def renew(self, panel: Panel) -> Self:
        """Forecast from the end of a panel of the same series and length.

        Weights and widths stay as they were learned; so does what a member learned of all series.
        """
        for (name, _), member in zip(self.members, self.fitted_, strict=True):
            if len(member) > 1 or not hasattr(member[-1], "renew"):  # steps before it would not be taken
                raise RunError(f"the model {name} cannot take newer values; make a new run on them")
            member[-1].renew(panel)
        return self._look_at(panel)

    def _look_at(self, panel: Panel) -> Self:
        self.panel_ = panel
        self.kinds_ = kinds_of(panel.values)
        self.constant_ = _constant(panel.values)
        return self

    def predict(self, X: pd.DataFrame) -> Floats:
        """Return mean and quantiles, shape (rows, 1 + quantiles), in order and not below ``least``."""
        return with_newcomers(self._predict_known, X, self.panel_)

    def _predict_known(self, X: pd.DataFrame) -> Floats:
        future = Future.of(X, self.panel_)
        weights = self.weights[self.kinds_[future.row]]
        total = sum(
            weights[:, [position]] * member.predict(X) for position, member in enumerate(self.fitted_)
        )
        forecast = finished(np.asarray(total), self.widths, future.step, self.least)
        constant = self.constant_[future.row][:, None]
        return np.where(np.isnan(constant), forecast, constant)


def _constant(values: Floats) -> Floats:
    """Return the value of each series that has never changed in three or more periods; else NaN."""
    known = ~np.isnan(values)
    low, high = np.where(known, values, np.inf).min(axis=1), np.where(known, values, -np.inf).max(axis=1)
    return np.where((known.sum(axis=1) >= 3) & (low == high), low, np.nan)


def finished(
    forecast: Floats, widths: ConformalWidths, step: NDArray[np.int64], least: float | None
) -> Floats:
    """Return a blended forecast with its widths set right, in order, and not below ``least``."""
    quantiles = widths.apply(forecast[:, 1:], step)
    whole = np.column_stack([forecast[:, 0], quantiles])
    return whole if least is None else np.maximum(whole, least)
