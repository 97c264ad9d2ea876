"""What every forecast is compared with: the last season again; nothing sold."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.base import BaseEstimator, RegressorMixin

from lepton_platform.tasks.forecast.direct import held, known_mean
from lepton_platform.tasks.forecast.panel import Future, Panel
from lepton_platform.tasks.forecast.quantiles import LEVELS

Floats = NDArray[np.float64]


class SeasonalNaive(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """The last known value of the same season, with normal quantiles.

    Their standard deviation is that of the seasonal differences, times the root of the number of
    seasons ahead (Hyndman and Athanasopoulos, Forecasting: Principles and Practice, section 5.5).

    ``predict`` returns shape (rows, 1 + quantiles): the mean, then the quantiles of ``LEVELS``.
    """

    def __init__(self, season: int = 1, frequency: str = "1") -> None:
        self.season = season
        self.frequency = frequency

    def fit(self, X: pd.DataFrame, y: pd.Series[Any]) -> Self:
        """Keep the panel of rows indexed by (series, time)."""
        return self.renew(Panel.of(X, y, self.frequency))

    def renew(self, panel: Panel) -> Self:
        """Forecast from the end of this panel."""
        self.panel_ = panel
        values, season = panel.values, min(self.season, max(panel.periods - 1, 1))
        squares = (values[:, season:] - values[:, :-season]) ** 2
        known = ~np.isnan(squares)
        self.deviation_ = np.sqrt(np.where(known, squares, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))
        self.season_ = season
        last = held(held(values, season), 1)[:, -season:]  # a phase never seen: what was seen before it
        mean = np.nan_to_num(known_mean(values))[:, None]
        self.last_ = np.where(np.isnan(last), mean, last)
        return self

    def predict(self, X: pd.DataFrame) -> Floats:
        """Return the mean and the quantiles of rows after the panel's end."""
        future = Future.of(X, self.panel_)
        point = self.last_[future.row, (future.step - 1) % self.season_]
        ahead = np.sqrt((future.step - 1) // self.season_ + 1)
        spread = (self.deviation_[future.row] * ahead)[:, None] * norm.ppf(LEVELS)
        return np.column_stack([point, point[:, None] + spread])


class Zero(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Nothing at all: of intermittent demand it wins the absolute error, and is of no use."""

    def fit(self, X: pd.DataFrame, y: pd.Series[Any]) -> Self:
        """Learn nothing."""
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: pd.DataFrame) -> Floats:
        """Return zeros of shape (rows, 1 + quantiles)."""
        return np.zeros((len(X), 1 + len(LEVELS)))
