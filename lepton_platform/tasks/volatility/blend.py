"""The model of a run: several rolling forecasts, averaged."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lepton_platform.tasks.volatility.filters import Filter, Forecast
from lepton_platform.tasks.volatility.panel import Day, Panel
from lepton_platform.tasks.volatility.rolling import RollingForecast

Floats = NDArray[np.float64]
LAGS = 10
"""Days over which losses of two forecasts may be correlated (Newey and West 1987, Bartlett weights)."""
CRITICAL = 3.0
"""Of the statistic by which a model is left out: about one in a thousand. Some months' weakness says little
of the next months, and equal weights are hard to beat (Timmermann 2006, "Forecast combinations")."""


@dataclass(frozen=True)
class Averaged:
    """Filters side by side: VaR and ES are their weighted means, volatility their geometric mean.

    The mean of coherent measures is coherent, and ES stays beyond VaR.
    """

    filters: tuple[Filter, ...]
    weights: tuple[float, ...]
    of_realised: int
    """Place of the filter whose forecast of realised variance counts."""

    def forecast(self) -> Forecast:
        """Return the average; ``fallback`` says that one of the filters was refused."""
        told = [one.forecast() for one in self.filters]

        def mean(parts: list[Floats]) -> Floats:
            return np.asarray(sum(share * part for share, part in zip(self.weights, parts, strict=True)))

        return Forecast(
            np.exp(mean([np.log(one.volatility) for one in told])),
            mean([one.var for one in told]),
            mean([one.es for one in told]),
            np.any([one.fallback for one in told], axis=0),
            told[self.of_realised].realised,
        )

    def step(self, day: Day) -> Averaged:
        """Return the filters after one more day."""
        return replace(self, filters=tuple(one.step(day) for one in self.filters))


class VolatilityBlend(RollingForecast):
    """Rolling forecasts of several models, averaged.

    Parameters
    ----------
    members : list of (str, RollingForecast)
        The models by name; they need not be fitted.
    weights : list of float
        Shares of the members; they sum to 1.
    of_realised : str or None
        Member whose forecast of realised variance counts; without it, the first.
    """

    def __init__(
        self,
        members: list[tuple[str, RollingForecast]],
        weights: list[float],
        *,
        levels: tuple[float, ...],
        es_levels: tuple[float, ...],
        window: int = 1000,
        refit_every: int = 20,
        of_realised: str | None = None,
    ) -> None:
        super().__init__(levels=levels, es_levels=es_levels, window=window, refit_every=refit_every)
        self.members = members
        self.weights = weights
        self.of_realised = of_realised

    def refit(self, past: Panel) -> Averaged:
        """Estimate each member on the window."""
        names = [name for name, _ in self.members]
        place = names.index(self.of_realised) if self.of_realised is not None else 0
        filters = tuple(member.refit(past) for _, member in self.members)
        return Averaged(filters, tuple(self.weights), place)


def not_worse(losses: Floats, critical: float = CRITICAL) -> NDArray[np.bool_]:
    """Return which models are not shown to be worse than the best, shape (models,).

    Parameters
    ----------
    losses : shape (days, models)
        Lower is better; days with a NaN are left out.
    critical : float
        Of the statistic of Diebold and Mariano (1995, "Comparing predictive accuracy"): the mean
        difference over its standard error, which allows for correlation over ``LAGS`` days.
    """
    known = losses[np.isfinite(losses).all(axis=1)]
    if len(known) < 5 * LAGS:
        return np.ones(losses.shape[1], dtype=bool)
    best = int(known.mean(axis=0).argmin())
    worse = [_diebold_mariano(known[:, place] - known[:, best]) for place in range(known.shape[1])]
    return np.asarray(worse) <= critical


def _diebold_mariano(difference: ArrayLike) -> float:
    d = np.asarray(difference, dtype=float)
    centred = d - d.mean()
    variance = centred @ centred / len(d)
    for lag in range(1, LAGS + 1):
        variance += 2 * (1 - lag / (LAGS + 1)) * (centred[lag:] @ centred[:-lag]) / len(d)
    return 0.0 if variance <= 0 else float(d.mean() / np.sqrt(variance / len(d)))
