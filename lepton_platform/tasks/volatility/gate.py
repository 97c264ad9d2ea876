"""The sanity gate: a forecast that cannot be right is refused, and a simpler one speaks in its place.

A fit may fail without an error: the optimiser stops early, the persistence reaches one, a recursion
explodes days later. So every forecast of every day, not only the fit, is compared with that of
RiskMetrics on the same days. Where it is refused, RiskMetrics with filtered historical simulation
stands in until the next refit, and the column ``fallback`` says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lepton_platform.tasks.volatility.filters import Filter, Forecast, RiskMetrics
from lepton_platform.tasks.volatility.panel import Day

FACTOR = 4.0
"""By how much a forecast of the volatility may be above or below that of RiskMetrics."""


@dataclass(frozen=True)
class Gated:
    """A filter, and the one that stands in for instruments where it was refused."""

    filter: Filter
    fallback: RiskMetrics
    refused: NDArray[np.bool_]

    @classmethod
    def check(cls, filter: Filter, fallback: RiskMetrics) -> Gated:
        """Refuse what the filter's first forecast gives away."""
        return cls(filter, fallback, ~plausible(filter.forecast(), fallback.forecast()))

    def forecast(self) -> Forecast:
        """Return the forecast; ``fallback`` says where the filter was refused."""
        told, safe = self.filter.forecast(), self.fallback.forecast()
        by_row = self.refused[:, None]
        return Forecast(
            np.where(self.refused, safe.volatility, told.volatility),
            np.where(by_row, safe.var, told.var),
            np.where(by_row, safe.es, told.es),
            self.refused | told.fallback,
            np.where(self.refused, safe.realised, told.realised),
        )

    def step(self, day: Day) -> Gated:
        """Return the filter after one more day; who was refused stays so until the next refit."""
        after, safe = self.filter.step(day), self.fallback.step(day)
        refused = self.refused | ~plausible(after.forecast(), safe.forecast())
        return replace(self, filter=after, fallback=safe, refused=refused)


def plausible(told: Forecast, safe: Forecast) -> NDArray[np.bool_]:
    """Return for each instrument whether a forecast can be right, shape (instruments,).

    It is finite and positive, within ``FACTOR`` of the RiskMetrics volatility, no ES is below a VaR of
    the same or a greater probability, and no VaR below one of a greater probability.
    """
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        ratio = told.volatility / safe.volatility
        ordered = (np.diff(told.var, axis=1) <= 0).all(axis=1) & (told.es >= told.var[:, -1:]).all(axis=1)
        bounded = (np.abs(told.var) < 40 * told.volatility[:, None]).all(axis=1)
    finite = np.isfinite(told.var).all(axis=1) & np.isfinite(told.es).all(axis=1) & np.isfinite(ratio)
    return np.asarray(finite & ordered & bounded & (ratio > 1 / FACTOR) & (ratio < FACTOR))
