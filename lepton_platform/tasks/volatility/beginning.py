"""Where a stream begins: on the day before its first tick, or after the days that the run learned from.

A feed that goes on where the run's file ended begins after all of its days. One that brings the run's
held-out days once more begins before the first of these: parameters are estimated on the window before it, as
they would have been then.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from lepton_platform.tasks.volatility.backtests import YEAR
from lepton_platform.tasks.volatility.blend import VolatilityBlend
from lepton_platform.tasks.volatility.filters import Filter

Floats = NDArray[np.float64]


class Start(NamedTuple):
    """What is known of the instruments when a stream begins."""

    filter: Filter
    time: float
    """Of the last day before it, in seconds."""
    times: Floats
    """Of each instrument's last return, shape (instruments,); NaN of what is not watched."""
    prices: Floats
    """Of each instrument on that day, shape (instruments,); NaN where returns are watched."""
    returns: Floats
    """Of the last ``YEAR`` days, shape (days, instruments)."""
    var: Floats
    """What was forecast of them, shape (days, instruments, levels); NaN where nothing was."""


class Beginning(BaseEstimator):  # type: ignore[misc]
    """A run's model and days, from which a stream can begin on any held-out day or after them.

    Parameters
    ----------
    model : VolatilityBlend
        With its history.
    prices : array of shape (instruments,)
        The last ones; NaN where returns are watched.
    watched : array of shape (instruments,)
        Whether ticks of the instrument can come; they do not of a portfolio.
    var : array of shape (held-out days, instruments, levels)
        Forecasts of the run.
    learned : int
        Days that the run learned from.
    """

    def __init__(
        self, model: VolatilityBlend, prices: Floats, watched: NDArray[np.bool_], var: Floats, learned: int
    ) -> None:
        self.model = model
        self.prices = prices
        self.watched = watched
        self.var = var
        self.learned = learned
        self.last_: tuple[int, Filter] | None = None

    def before(self, time: float) -> Start:
        """Return what was known before a tick of that time, in seconds."""
        panel = self.model.panel_
        seconds = seconds_of(pd.Index(panel.dates))
        k = int(np.clip(np.searchsorted(seconds, time), self.learned, len(panel)))
        if (
            self.last_ is None or self.last_[0] != k
        ):  # asked twice: to decide the first ticks, and to take them in
            self.last_ = k, self.model.filter_after(panel.before(k))
        known = np.isfinite(panel.returns[:k])
        last = k - 1 - known[::-1].argmax(axis=0)
        forecast = np.full((len(panel), *self.var.shape[1:]), np.nan)
        forecast[len(panel) - len(self.var) :] = self.var
        return Start(
            self.last_[1],
            float(seconds[k - 1]),
            np.where(known.any(axis=0) & self.watched, seconds[last], np.nan),
            self.prices * np.exp(-np.nansum(panel.returns[k:], axis=0)),
            panel.returns[max(0, k - YEAR) : k],
            forecast[max(0, k - YEAR) : k],
        )


def seconds_of(dates: pd.Index[Any]) -> Floats:
    """Return dates as seconds since 1970, numbers as they are; NaN where there is none."""
    if isinstance(dates, pd.DatetimeIndex):
        seconds = dates.to_numpy().astype("datetime64[ns]").astype(np.int64) / 1e9
        return np.where(dates.isna(), np.nan, seconds)
    return pd.Series(dates).pipe(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
