"""Filters: what is known of each instrument at the end of a day, and the forecast that follows from it.

A filter is a value. ``forecast()`` speaks of the next day; ``step(day)`` returns the filter after that
day. Nothing in it grows with the length of the history, so a day costs the same after ten years as
after one. The run, ``lepton decide`` and ``lepton watch`` all go through these two methods.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from lepton_platform.tasks.volatility.panel import Day, Panel

Floats = NDArray[np.float64]

FEWEST = 100
"""Returns of an instrument below which nothing is forecast."""
DECAY = 0.94
"""Of the daily exponential average (J.P. Morgan/Reuters, RiskMetrics - Technical Document, 1996, 5.3.2)."""
SAMPLE = 500
"""Days of historical simulation."""
LEAST = 1e-10
"""Volatility below which a series counts as one that does not move; no forecast is smaller."""


class Forecast(NamedTuple):
    """Of the next day, by instrument; losses are positive, all in the unit of the returns."""

    volatility: Floats
    """Standard deviation, shape (instruments,)."""
    var: Floats
    """Value at risk, shape (instruments, VaR levels)."""
    es: Floats
    """Expected shortfall, shape (instruments, ES levels)."""
    fallback: NDArray[np.bool_]
    """Where the model was refused, and RiskMetrics with filtered historical simulation speaks."""
    realised: Floats
    """Realised variance; NaN of models that do not forecast it."""


class Filter(Protocol):
    """What every filter can do."""

    def forecast(self) -> Forecast:
        """Return the forecast of the next day."""

    def step(self, day: Day) -> Self:
        """Return the filter after one more day; an instrument without a return stays as it is."""


class Tails(NamedTuple):
    """Losses of a standardised return: its VaR and ES as multiples of the volatility."""

    var: Floats
    """Shape (instruments, VaR levels)."""
    es: Floats
    """Shape (instruments, ES levels)."""


def empirical_tails(z: Floats, levels: tuple[float, ...], es_levels: tuple[float, ...]) -> Tails:
    """Return the tails of standardised returns, shape (days, instruments), as they were.

    Filtered historical simulation (Barone-Adesi, Giannopoulos and Vosper 1999, "VaR without
    correlations for portfolios of derivative securities"). The ES is the mean of what lies at or
    below the quantile.
    """
    quantile = np.nanquantile if np.isnan(z).any() else np.quantile
    shape = (z.shape[1], len(levels))
    if not np.isfinite(z).any(axis=0).all():  # an instrument without any return
        known = np.isfinite(z).any(axis=0)
        part = empirical_tails(z[:, known], levels, es_levels) if known.any() else None
        var, es = np.full(shape, np.nan), np.full((shape[0], len(es_levels)), np.nan)
        if part is not None:
            var[known], es[known] = part
        return Tails(var, es)
    cuts = np.atleast_2d(quantile(z, levels, axis=0))
    beyond = [
        np.nanmean(np.where(z <= cut, z, np.nan), axis=0)
        for cut in np.atleast_2d(quantile(z, es_levels, axis=0))
    ]
    return Tails(-cuts.T, -np.array(beyond).T)


@dataclass(frozen=True)
class RiskMetrics:
    """Exponentially weighted variance, and the tails of what it standardised in the window.

    Its recursion starts from the mean square of the window's returns.
    """

    variance: Floats
    tails: Tails

    @classmethod
    def fit(cls, past: Panel, levels: tuple[float, ...], es_levels: tuple[float, ...]) -> RiskMetrics:
        """Filter the window; instruments with fewer than ``FEWEST`` returns have no forecast."""
        returns = past.returns
        enough = np.isfinite(returns).sum(axis=0) >= FEWEST
        square = np.where(np.isfinite(returns), returns**2, 0.0)
        variance = square.sum(axis=0) / np.maximum(np.isfinite(returns).sum(axis=0), 1)
        variance = np.where(enough, np.maximum(variance, LEAST**2), np.nan)
        z = np.empty_like(returns)
        for t, (squared, value) in enumerate(zip(square, returns, strict=True)):
            z[t] = value / np.sqrt(variance)
            variance = _smoothed(variance, squared, value)
        return cls(variance, empirical_tails(z, levels, es_levels))

    def forecast(self) -> Forecast:
        """Return the forecast; the mean return counts as zero."""
        volatility = np.sqrt(self.variance)
        var, es = (np.maximum(multiple, LEAST) * volatility[:, None] for multiple in self.tails)
        nobody = np.zeros(len(volatility), dtype=bool)
        return Forecast(volatility, var, es, nobody, np.full(len(volatility), np.nan))

    def step(self, day: Day) -> RiskMetrics:
        """Return the filter after one more day."""
        return replace(self, variance=_smoothed(self.variance, day.returns**2, day.returns))


def _smoothed(variance: Floats, squared: Floats, returns: Floats) -> Floats:
    after = np.maximum(DECAY * variance + (1 - DECAY) * squared, LEAST**2)
    return np.where(np.isfinite(returns), after, variance)


@dataclass(frozen=True)
class HistoricalSimulation:
    """The last ``SAMPLE`` days' returns as the distribution of the next."""

    returns: Floats
    levels: tuple[float, ...]
    es_levels: tuple[float, ...]

    def forecast(self) -> Forecast:
        """Return the forecast: quantiles and deviation of the returns themselves."""
        var, es = empirical_tails(self.returns, self.levels, self.es_levels)
        count = np.isfinite(self.returns).sum(axis=0)
        centred = self.returns - np.nansum(self.returns, axis=0) / np.maximum(count, 1)
        volatility = np.sqrt(np.nansum(centred**2, axis=0) / np.maximum(count, 1))
        volatility = np.where(count >= FEWEST, np.maximum(volatility, LEAST), np.nan)
        nobody = np.zeros(len(volatility), dtype=bool)
        return Forecast(volatility, var, np.maximum(es, LEAST), nobody, np.full(len(volatility), np.nan))

    def step(self, day: Day) -> HistoricalSimulation:
        """Return the filter after one more day; the oldest goes."""
        return replace(self, returns=np.vstack([self.returns[-SAMPLE + 1 :], day.returns]))
