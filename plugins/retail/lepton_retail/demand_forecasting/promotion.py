"""Demand as a level times the response to what is planned: promotions, prices, holidays."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin

from lepton_platform.tasks.forecast.direct import Scale, held, rolling_mean
from lepton_platform.tasks.forecast.error_quantiles import ErrorQuantiles
from lepton_platform.tasks.forecast.panel import Future, Panel, groups_of
from lepton_platform.tasks.forecast.response import Response

Floats = NDArray[np.float64]

WIDTH = 13
"""Periods that the level is the mean of: a quarter of weeks."""


class PromotionRidge(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """The recent level without promotions, and the ridge response to the plan.

    ``predict`` returns shape (rows, 1 + quantiles): the mean, then the quantiles.
    """

    def __init__(self, horizon: int = 1, frequency: str = "1") -> None:
        self.horizon = horizon
        self.frequency = frequency

    def fit(self, X: pd.DataFrame, y: pd.Series[Any]) -> Self:
        """Learn from rows indexed by (series, time): the plan in ``X``, demand in ``y``."""
        panel = Panel.of(X, y, self.frequency)
        self.scale_ = Scale.learn(panel.values)
        self.response_ = Response().fit(self.scale_.to(panel.values), panel.covariates, groups_of(panel))
        return self.renew(panel)

    def renew(self, panel: Panel) -> Self:
        """Take the levels from this panel, of the same series, and the response as it was learned."""
        self.panel_ = panel
        scaled = self.scale_.to(panel.values)
        effect = self.response_.effect(panel.covariates)
        levels = held(rolling_mean(scaled - effect, WIDTH))
        self.level_ = np.nan_to_num(levels[:, -1], nan=float(np.nanmedian(levels)))
        before = min(self.horizon, panel.periods - 1)
        point = levels[:, [-before - 1]] + effect[:, -before:]
        self.errors_ = ErrorQuantiles().fit(scaled[:, -before:], point)
        return self

    def predict(self, X: pd.DataFrame) -> Floats:
        """Return the mean and the quantiles of rows after the panel's end."""
        future = Future.of(X, self.panel_)
        point = self.level_[future.row] + self.response_.effect(future.covariates, future.row)
        quantiles = self.scale_.back(self.errors_.around(point, future.row)[:, 1:])
        return np.column_stack([quantiles.mean(axis=1), quantiles])
