"""Volatility from realised variance: the heterogeneous autoregression in logarithms, and boosted trees.

Tomorrow's log realised variance is regressed on the logs of its means over the last day, five and 22 days
(Corsi 2009, "A simple approximate long-memory model of realized volatility"), on those of the second and
third last day, and on the negative part of
returns, yesterday's and its five-day mean, over the root of the 22-day mean (Corsi and Reno 2012,
"Discrete-time volatility forecasting with persistent leverage effect"). Half the residual variance is added
before the exponential; a forecast stays within what the window has seen. Of two days ``HALF_LIFE`` apart, the
later counts twice.

Realised variance leaves out what happens while the market is closed: returns are standardised by the
forecast, and their own spread and tails are those of the window.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from lightgbm import LGBMRegressor
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from lepton_platform.tasks.volatility.filters import FEWEST, LEAST, Forecast, Tails, empirical_tails
from lepton_platform.tasks.volatility.panel import Day, Panel
from lepton_platform.tasks.volatility.rolling import GatedForecast

Floats = NDArray[np.float64]

MONTH, WEEK = 22, 5
"""Days."""
HALF_LIFE = 500.0
"""Days after which a day counts half in the regression."""
LOGS = 5
"""Features that are logs of realised variance; they stand behind the constant."""
TREES: dict[str, Any] = {
    "n_estimators": 60,
    "learning_rate": 0.05,
    "num_leaves": 8,
    "min_child_samples": 30,
    "subsample": 0.8,
    "subsample_freq": 1,
    "n_jobs": 1,
    "verbose": -1,
}


def features(realised: Floats, returns: Floats) -> Floats:
    """Return what a day is forecast by, from the ``MONTH`` days before it on the last axis; shape (..., 8).

    A constant, logs of three means of the realised variance and of two single days, two negative returns.
    """
    month = realised[..., -MONTH:].mean(axis=-1)
    week = realised[..., -WEEK:].mean(axis=-1)
    levels = realised[..., -1], week, month, realised[..., -2], realised[..., -3]
    falls = np.minimum(returns, 0.0)
    root = np.sqrt(month)
    leverage = falls[..., -1] / root, falls[..., -WEEK:].mean(axis=-1) / root
    return np.stack([np.ones_like(month), *map(np.log, levels), *leverage], axis=-1)


@dataclass(frozen=True)
class RealisedFilter:
    """The last ``MONTH`` days of each instrument and how tomorrow follows from them; NaN where unknown."""

    realised: Floats
    """Shape (instruments, MONTH), the latest last; above 0."""
    returns: Floats
    """Shape (instruments, MONTH)."""
    regression: Regression
    bounds: Floats
    """Least and greatest realised variance of the window, shape (2, instruments)."""
    ratio: Floats
    """Mean squared return over forecast realised variance in the window, shape (instruments,)."""
    tails: Tails

    def forecast(self) -> Forecast:
        """Return the forecast of the next day."""
        expected = np.clip(self.regression.expected(features(self.realised, self.returns)), *self.bounds)
        volatility = np.sqrt(expected * self.ratio)
        var, es = (multiple * volatility[:, None] for multiple in self.tails)
        return Forecast(volatility, var, es, np.zeros(len(volatility), dtype=bool), expected)

    def step(self, day: Day) -> RealisedFilter:
        """Return the filter after one more day; without a realised variance it stays as it is."""
        known = (np.isfinite(day.returns) & (day.realised > 0))[:, None]
        grown = (
            np.where(known, np.column_stack([old[:, 1:], new]), old)
            for old, new in ((self.realised, day.realised), (self.returns, day.returns))
        )
        realised, returns = grown
        return replace(self, realised=realised, returns=returns)


@dataclass(frozen=True)
class Regression:
    """Log realised variance as a function of the features, of each instrument."""

    coefficients: Floats
    """Shape (instruments, 8)."""
    spread: Floats
    """Variance of the residuals, shape (instruments,)."""

    @classmethod
    def fit(cls, X: list[Floats], y: list[Floats]) -> Self:
        """Estimate by least squares; NaN where there are fewer than ``FEWEST`` days."""
        rows, spread = [], []
        for a, b in zip(X, y, strict=True):
            root = np.sqrt(_weights(len(b)))
            enough = len(b) >= FEWEST
            found = (
                np.linalg.lstsq(a * root[:, None], b * root, rcond=None)[0]
                if enough
                else np.full(a.shape[1], np.nan)
            )
            rows.append(found)
            spread.append(np.average((b - a @ found) ** 2, weights=root**2) if enough else np.nan)
        return cls(np.array(rows), np.array(spread))

    def expected(self, X: Floats) -> Floats:
        """Return the expected realised variance, shape (..., instruments), of X (..., instruments, 8)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(np.exp((X * self.coefficients).sum(axis=-1) + self.spread / 2))


@dataclass(frozen=True)
class BoostedRegression:
    """The same by boosted trees over all instruments, of the distance to an instrument's own mean log."""

    trees: LGBMRegressor
    level: Floats
    """Mean log realised variance of each instrument's window."""
    spread: Floats

    @classmethod
    def fit(cls, X: list[Floats], y: list[Floats], seed: int = 0) -> Self:
        """Grow the trees; instruments with fewer than ``FEWEST`` days have no level."""
        level = np.array([b.mean() if len(b) >= FEWEST else np.nan for b in y])
        known = [place for place in range(len(y)) if np.isfinite(level[place])]
        centred = [_centred(X[place], level[place]) for place in known]
        targets = [y[place] - level[place] for place in known]
        trees = LGBMRegressor(random_state=seed, **TREES)
        if known:
            trees.fit(np.concatenate(centred), np.concatenate(targets))
        spread = np.full(len(y), np.nan)
        for place, a, b in zip(known, centred, targets, strict=True):
            spread[place] = np.var(b - trees.predict(a))
        return cls(trees, level, spread)

    def expected(self, X: Floats) -> Floats:
        """Return the expected realised variance, shape (..., instruments), of X (..., instruments, 8)."""
        level = np.broadcast_to(self.level, X.shape[:-1])
        told = np.full(level.shape, np.nan)
        known = np.isfinite(level) & np.isfinite(X).all(axis=-1)
        if known.any():
            told[known] = self.trees.predict(_centred(X[known], level[known][:, None]))
        return np.asarray(np.exp(told + self.level + self.spread / 2))


def _centred(X: Floats, level: Any) -> Floats:
    return np.column_stack([X[:, 1 : 1 + LOGS] - level, X[:, 1 + LOGS :]])


def _weights(days: int) -> Floats:
    """Return how much each of the days counts, the latest 1."""
    return np.asarray(0.5 ** (np.arange(days)[::-1] / HALF_LIFE))


class RealisedForecast(GatedForecast):
    """Forecasts from realised variance.

    Parameters
    ----------
    boosted : bool
        Boosted trees in place of the linear regression.
    """

    def __init__(
        self,
        boosted: bool = False,
        *,
        levels: tuple[float, ...],
        es_levels: tuple[float, ...],
        window: int = 1000,
        refit_every: int = 20,
        random_state: int = 0,
    ) -> None:
        super().__init__(levels=levels, es_levels=es_levels, window=window, refit_every=refit_every)
        self.boosted = boosted
        self.random_state = random_state

    def estimate(self, past: Panel) -> RealisedFilter:
        """Estimate on the window's days that have a return and a realised variance."""
        days = [_known_days(past, place) for place in range(len(past.instruments))]
        X, y = zip(*(_regressors(*one) for one in days), strict=True)
        if self.boosted:
            regression: Any = BoostedRegression.fit(list(X), list(y), self.random_state)
        else:
            regression = Regression.fit(list(X), list(y))
        empty = np.full(MONTH, np.nan)
        realised, returns = (
            np.array([series[-MONTH:] if len(series) >= MONTH else empty for series in part])
            for part in zip(*days, strict=True)
        )
        bounds = np.array([[s.min(), s.max()] if len(s) else [np.nan, np.nan] for s, _ in days]).T
        ratio, tails = self._standardised(days, X, regression, bounds)
        return RealisedFilter(realised, returns, regression, bounds, ratio, tails)

    def _standardised(
        self, days: list[tuple[Floats, Floats]], X: Any, regression: Any, bounds: Floats
    ) -> tuple[Floats, Tails]:
        """Return the spread and the tails of returns standardised by the window's own forecasts."""
        longest = max((len(a) for a in X), default=0)
        n = len(days)
        padded = np.full((longest, n, X[0].shape[1]), np.nan)
        returns = np.full((longest, n), np.nan)
        for place, (a, (_, r)) in enumerate(zip(X, days, strict=True)):
            if len(a):
                padded[-len(a) :, place], returns[-len(a) :, place] = a, r[MONTH:]
        told = np.clip(regression.expected(padded), *bounds)
        square = returns**2 / told
        count = np.isfinite(square).sum(axis=0)
        ratio = np.where(count >= FEWEST, np.nansum(square, axis=0) / np.maximum(count, 1), np.nan)
        z = returns / np.sqrt(told * np.maximum(ratio, LEAST))
        return ratio, empirical_tails(z, self.levels, self.es_levels)


def _known_days(past: Panel, place: int) -> tuple[Floats, Floats]:
    """Return realised variances and returns of the days on which both are known."""
    realised, returns = past.realised[:, place], past.returns[:, place]
    known = np.isfinite(returns) & (realised > 0)
    return realised[known], returns[known]


def _regressors(realised: Floats, returns: Floats) -> tuple[Floats, Floats]:
    """Return the features of each day after the first month, and its log realised variance."""
    if len(realised) <= MONTH:
        return np.empty((0, 3 + LOGS)), np.empty(0)
    windows = (sliding_window_view(part, MONTH)[:-1] for part in (realised, returns))
    return features(*windows), np.log(realised[MONTH:])
