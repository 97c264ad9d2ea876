"""Rolling forecasts: parameters from the last window, estimated anew every some days, filtered between.

The forecast of a day is made before its return is looked at: day by day the filter speaks first and
learns after. So whatever later rows hold, no earlier forecast can change.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from lepton_platform.tasks.volatility.filters import (
    SAMPLE,
    Filter,
    Forecast,
    HistoricalSimulation,
    RiskMetrics,
)
from lepton_platform.tasks.volatility.gate import Gated
from lepton_platform.tasks.volatility.panel import Panel


class RollingForecast(BaseEstimator):  # type: ignore[misc]
    """Forecasts each case's day from the days before it.

    Parameters
    ----------
    levels, es_levels : tuple of float
        Tail probabilities of VaR and ES, the smallest first.
    window : int
        Days that parameters are estimated on.
    refit_every : int
        Days after which they are estimated anew, from the first case's day on.

    Attributes
    ----------
    panel_ : Panel
        The returns that were given to ``fit``: the history before the cases.
    """

    def __init__(
        self,
        *,
        levels: tuple[float, ...],
        es_levels: tuple[float, ...],
        window: int = 1000,
        refit_every: int = 20,
    ) -> None:
        self.levels = levels
        self.es_levels = es_levels
        self.window = window
        self.refit_every = refit_every

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:
        """Keep the returns of ``X`` as the history; parameters are estimated when days are forecast."""
        self.panel_ = Panel.of(X)
        return self

    @abstractmethod
    def refit(self, past: Panel) -> Filter:
        """Return a filter with parameters estimated on ``past``, which holds at most ``window`` days."""

    def filter_after(self, past: Panel) -> Filter:
        """Return the filter that forecasts the day after ``past``, however long that is."""
        return self.refit(past.before(len(past), self.window))

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the forecast of each case, a row each: columns as ``forecast_columns``."""
        panel, first = self.panel_.followed_by(X)
        told: list[Forecast] = []
        current: Filter | None = None
        for t in range(first, len(panel)):
            if current is None or (t - first) % self.refit_every == 0:
                current = self.filter_after(panel.before(t))
            told.append(current.forecast())
            current = current.step(panel.day(t))
        return _cases_of(told, panel, first, X.index, self.levels, self.es_levels)


def forecast_columns(levels: tuple[float, ...], es_levels: tuple[float, ...]) -> list[str]:
    """Return the names of what is forecast.

    >>> forecast_columns((0.01, 0.05), (0.025,))
    ['volatility', 'var_0.01', 'var_0.05', 'es_0.025', 'fallback', 'realised_variance']
    """
    var, es = (
        [f"{what}_{level:g}" for level in chosen] for what, chosen in (("var", levels), ("es", es_levels))
    )
    return ["volatility", *var, *es, "fallback", "realised_variance"]


def _cases_of(
    told: list[Forecast],
    panel: Panel,
    first: int,
    index: pd.Index,
    levels: tuple[float, ...],
    es_levels: tuple[float, ...],
) -> pd.DataFrame:
    names = forecast_columns(levels, es_levels)
    if not told:
        return pd.DataFrame(columns=names, index=index, dtype=float).astype({"fallback": bool})
    row = pd.Index(panel.dates[first:]).get_indexer(index.get_level_values(0))
    column = pd.Index(panel.instruments).get_indexer(index.get_level_values(1).astype(str))
    parts = [np.array([getattr(one, name) for one in told])[row, column] for name in Forecast._fields]
    volatility, var, es, fallback, realised = parts
    table = np.column_stack([volatility, var, es, fallback, realised])
    return pd.DataFrame(table, index=index, columns=names).astype({"fallback": bool})


class FilteredHistoricalSimulation(RollingForecast):
    """RiskMetrics' variance with the tails of the returns that it standardised."""

    def refit(self, past: Panel) -> RiskMetrics:
        """Filter the window."""
        return RiskMetrics.fit(past, self.levels, self.es_levels)


class HistoricalReturns(RollingForecast):
    """The last 500 days' returns as they were: what is done where nothing is modelled."""

    def filter_after(self, past: Panel) -> HistoricalSimulation:
        """Take the last days, whatever the window."""
        return self.refit(past)

    def refit(self, past: Panel) -> HistoricalSimulation:
        """Keep the last days."""
        return HistoricalSimulation(past.returns[-SAMPLE:], self.levels, self.es_levels)


class GatedForecast(RollingForecast):
    """A model whose forecasts pass the sanity gate, or give way to RiskMetrics."""

    @abstractmethod
    def estimate(self, past: Panel) -> Filter:
        """Return the model's filter, estimated on ``past``; NaN where there was nothing to estimate."""

    def refit(self, past: Panel) -> Gated:
        """Estimate on the window, and compare with RiskMetrics."""
        return Gated.check(self.estimate(past), RiskMetrics.fit(past, self.levels, self.es_levels))
