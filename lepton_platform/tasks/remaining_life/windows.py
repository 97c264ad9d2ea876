"""What the recent past of a unit looks like, against its own beginning: a table for any estimator.

All of it is causal: a row at a moment depends on rows up to it. Per sensor: mean, deviation, least
and greatest value of the last ``window`` rows; mean of the last few rows, and how far that has drifted
from the unit's first rows; the change over the window. Beside these the age, and a wear index: the one
combination of sensors that says most of the life left. Averaging over sensors takes noise off, so it
can be followed over more and over fewer rows than a single sensor.

Nothing depends on more than a unit's first ``BEGINNING`` and its last ``reach`` rows: who keeps these
can forget the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import Ridge

from lepton_platform.tasks.remaining_life.censoring import is_known
from lepton_platform.tasks.remaining_life.history import Past, ages, by_unit
from lepton_platform.tasks.remaining_life.regimes import Regimes

Floats = NDArray[np.float64]

SHORT = 5
"""Rows of the short mean."""
FIRST = 10
"""Rows of a unit that stand for how it was when new."""
BEGINNING = 2 * FIRST
"""Rows of a unit that stand for how its wear index was when new."""
STATISTICS = ("mean", "deviation", "least", "greatest", "short mean", "drift", "change")
AGE = "age"
INDEX = "wear index"
INDEX_WINDOWS = (5, 10, 20, 40, 80)
"""Rows that the wear index is averaged over."""
LEVEL = INDEX_WINDOWS.index(10)
"""Of these, the mean whose changes are followed."""
INDEX_STATISTICS = (
    *(f"mean of {rows}" for rows in INDEX_WINDOWS),
    *(f"change over {rows}" for rows in INDEX_WINDOWS[1:]),
    "when new", "against new", "deviation",
)  # fmt: skip
RIDGE = 10.0
"""Strength of the ridge regression that finds the wear index; it decides nothing but collinear sensors."""


class WindowFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Table of what the recent past of each case looks like, its regime taken out.

    Parameters
    ----------
    sensors : sequence of str
        Names of the columns of a past.
    window : int
        Rows looked back on.
    settings : sequence of int or None
        Passed to ``Regimes``.
    """

    def __init__(
        self, sensors: Sequence[str] = (), window: int = 30, settings: Sequence[int] | None = None
    ) -> None:
        self.sensors = sensors
        self.window = window
        self.settings = settings

    def fit(self, X: pd.DataFrame, y: ArrayLike) -> Self:
        """Learn regimes, which sensors vary, and the wear index from the cases and what each had left."""
        self.regimes_ = regimes_of(X, self.settings)
        self.kept_ = np.flatnonzero(self.regimes_.moving)
        left = np.asarray(y, dtype=float)
        known = is_known(left)
        moments = np.empty((len(X), len(self.kept_)))
        for positions, longest, ends in by_unit(X):
            moments[positions] = rolling_mean(self._sensors(longest), SHORT)[ends]
        self.wear_ = np.asarray(Ridge(RIDGE).fit(np.nan_to_num(moments[known]), left[known]).coef_)
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return one row per case, indexed by unit."""
        found = np.empty((len(X), len(self._names())))
        for positions, longest, ends in by_unit(X):
            sensors = self._sensors(longest)
            index = sum(np.nan_to_num(sensors).T * self.wear_[:, None])  # sensor by sensor: in one order
            own = described(sensors, ends, self.window)
            found[positions] = np.column_stack([own, followed(index, ends), longest.time[ends]])
        return pd.DataFrame(found, index=X.index, columns=self._names())

    def _sensors(self, past: Past) -> Floats:
        """Return the kept sensors of a past in deviations from their regime, shape (rows, kept)."""
        return self.regimes_.transform(past.values)[:, self.kept_]

    def _names(self) -> list[str]:
        kept = [self.sensors[int(sensor)] for sensor in self.kept_]
        own = [f"{sensor}: {name}" for name in STATISTICS for sensor in kept]
        return [*own, *(f"{INDEX}: {name}" for name in INDEX_STATISTICS), AGE]

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the names of the table's columns."""
        return np.array(self._names(), dtype=object)


def regimes_of(cases: pd.DataFrame, settings: Sequence[int] | None) -> Regimes:
    """Return the regimes of all rows that the cases look back on."""
    longest = [past for _, past, _ in by_unit(cases)]
    values = np.concatenate([past.values for past in longest])
    return Regimes(settings).fit(values, np.concatenate([past.time for past in longest]))


def described(values: Floats, ends: NDArray[np.intp], window: int) -> Floats:
    """Return the statistics of a unit at some of its rows, shape (ends, statistics * sensors).

    ``values`` has shape (rows, sensors), ``ends`` are numbers of rows, from 0.
    """
    short, mean = rolling_mean(values, SHORT), rolling_mean(values, window)
    start = np.cumsum(values[:FIRST], axis=0) / np.arange(1, len(values[:FIRST]) + 1)[:, None]
    began = start[np.minimum(np.arange(len(values)), FIRST - 1)]
    before = short[np.maximum(np.arange(len(values)) - window + SHORT, 0)]
    parts = [
        mean,
        rolling_deviation(values, window, mean),
        rolling_extreme(values, window, np.minimum),
        rolling_extreme(values, window, np.maximum),
        short,
        short - began,
        short - before,
    ]
    return np.column_stack([part[ends] for part in parts])


def followed(index: Floats, ends: NDArray[np.intp]) -> Floats:
    """Return the statistics of a unit's wear index at some of its rows, shape (ends, statistics)."""
    rows = np.arange(len(index))
    means = [rolling_mean(index[:, None], count)[:, 0] for count in INDEX_WINDOWS]
    level = means[LEVEL]
    changes = [level - level[np.maximum(rows - count, 0)] for count in INDEX_WINDOWS[1:]]
    first = np.cumsum(index[:BEGINNING]) / np.arange(1, len(index[:BEGINNING]) + 1)
    new = first[np.minimum(rows, BEGINNING - 1)]
    middle = INDEX_WINDOWS[LEVEL + 1]
    deviation = rolling_deviation(index[:, None], middle, means[LEVEL + 1][:, None])[:, 0]
    parts = [*means, *changes, new, means[LEVEL + 1] - new, deviation]
    return np.column_stack([part[ends] for part in parts])


def rolling_mean(values: Floats, window: int) -> Floats:
    """Return the mean of the last ``window`` rows at each row; at the start, of what there is.

    Rows are added in one order, the newest first, however many there are: what is remembered of a log
    gives the very numbers that the whole log gives.

    >>> rolling_mean(np.array([[1.0], [3.0], [5.0]]), 2).ravel()
    array([1., 2., 4.])
    """
    return _over_lags(values, window, lambda lagged, _: lagged)


def rolling_deviation(values: Floats, window: int, mean: Floats) -> Floats:
    """Return the deviation of the last ``window`` rows from their mean, likewise.

    >>> steps = np.array([[1.0], [3.0]])
    >>> rolling_deviation(steps, 2, rolling_mean(steps, 2)).ravel()
    array([0., 1.])
    """
    return np.sqrt(_over_lags(values, window, lambda lagged, rows: (lagged - mean[rows]) ** 2))


def _over_lags(values: Floats, window: int, term: Callable[[Floats, slice], Floats]) -> Floats:
    """Return the mean of a term over the lags from 0 to ``window - 1`` that there are."""
    total = np.zeros_like(values)
    for lag in range(min(window, len(values))):
        total[lag:] += term(values[: len(values) - lag], slice(lag, None))
    count = np.minimum(np.arange(len(values)) + 1, window)
    return np.asarray(total / count[:, None], dtype=float)


def rolling_extreme(values: Floats, window: int, extreme: np.ufunc) -> Floats:
    """Return ``np.minimum`` or ``np.maximum`` over the last ``window`` rows at each row.

    >>> rolling_extreme(np.array([[3.0], [1.0], [2.0], [2.5]]), 2, np.minimum).ravel()
    array([3., 1., 1., 2.])
    """
    found = values.copy()
    for lag in range(1, min(window, len(values))):
        extreme(found[lag:], values[: len(values) - lag], out=found[lag:])
    return found


def reach(window: int) -> int:
    """Return how many of a unit's last rows the table of a moment depends on."""
    return max(window + SHORT, max(INDEX_WINDOWS) + INDEX_WINDOWS[LEVEL])


class Sequences(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """The last ``window`` rows of each case, their regime taken out: for networks.

    Shape (cases, window, kept sensors + 1): the last channel is the age against the oldest case
    learned from. Rows before a unit's first repeat it; unknown values count as usual, 0.
    """

    def __init__(self, window: int = 30, settings: Sequence[int] | None = None) -> None:
        self.window = window
        self.settings = settings

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Learn regimes, and which sensors vary, from the rows of all cases."""
        self.regimes_ = regimes_of(X, self.settings)
        self.kept_ = np.flatnonzero(self.regimes_.moving)
        self.oldest_ = max(float(ages(X).max()), 1e-9)
        return self

    def transform(self, X: pd.DataFrame) -> NDArray[np.float32]:
        """Return the rows before each case, the newest last."""
        found = np.empty((len(X), self.window, len(self.kept_) + 1), dtype=np.float32)
        for positions, longest, ends in by_unit(X):
            values = np.nan_to_num(self.regimes_.transform(longest.values)[:, self.kept_])
            channels = np.column_stack([values, longest.time / self.oldest_])
            rows = np.maximum(ends[:, None] - np.arange(self.window)[::-1], 0)
            found[positions] = channels[rows]
        return found
