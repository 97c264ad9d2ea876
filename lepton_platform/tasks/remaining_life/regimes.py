"""Ways of running a unit: found in the settings, and taken out of the sensors.

Where a fleet is run in a few ways (heights, speeds, products), a sensor says more of the way than of
the wear. A setting is a column whose values lie in a few tight groups, that does not drift with age,
and that moves other columns; the combinations of its groups are the regimes. Each sensor is then
measured from the mean of its regime, in deviations of its regime.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

Floats = NDArray[np.float64]

GAP = 0.05
"""Share of a column's range that parts two groups of its values."""
MOST_GROUPS = 20
TIGHT = 0.01
"""Of a column's range: the spread within its groups, at most, on average."""
DRIFT = 0.1
"""Correlation with age, at most, of a setting."""
MOVES = 0.5
"""Share of some other column's variance that the groups of a setting explain, at least."""
FEWEST_ROWS = 30
"""Rows below which a combination of settings has no statistics of its own."""
STILL = 1e-7
"""Deviation against size below which a sensor is constant."""


class Regimes(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Measures each column from what is usual in its regime.

    Parameters
    ----------
    settings : sequence of int or None
        Columns that say how a unit is run; ``None``: they are looked for, ``()``: there are none.

    Attributes
    ----------
    settings_ : list of int
    cuts_ : list of ndarray
        For each setting, the values that part its groups.
    codes_ : ndarray of shape (regimes, settings)
    mean_, deviation_ : ndarray of shape (regimes, columns)
        A deviation of 0 says that the column is constant in that regime.
    """

    def __init__(self, settings: Sequence[int] | None = None) -> None:
        self.settings = settings

    def fit(self, X: Floats, age: Floats) -> Self:
        """Learn from rows of all units, shape (rows, columns), and their ages, shape (rows,)."""
        if self.settings is None:
            self.settings_, self.cuts_ = _found(X, age)
        else:
            self.settings_ = list(self.settings)
            self.cuts_ = [_cuts(X[:, column]) for column in self.settings_]
        groups = self._groups(X)
        codes, count = np.unique(groups, axis=0, return_counts=True)
        usual = count >= min(FEWEST_ROWS, count.max())
        self.codes_ = codes[usual]
        regime = self._regime(groups)
        self.mean_ = np.array([_mean(X[regime == one]) for one in range(len(self.codes_))])
        self.deviation_ = np.array(
            [_mean((X[regime == one] - mean) ** 2) ** 0.5 for one, mean in enumerate(self.mean_)]
        )
        still = self.deviation_ <= STILL * np.maximum(np.abs(self.mean_), STILL)
        self.deviation_ = np.where(still, 0.0, self.deviation_)
        return self

    @property
    def moving(self) -> NDArray[np.bool_]:
        """Which columns vary within some regime, shape (columns,)."""
        return np.asarray((self.deviation_ > 0).any(axis=0), dtype=bool).reshape(-1)

    def _groups(self, X: Floats) -> NDArray[np.intp]:
        """Return the group of each row in each setting, shape (rows, settings)."""
        found = [
            np.searchsorted(cut, X[:, column]) for column, cut in zip(self.settings_, self.cuts_, strict=True)
        ]
        return np.column_stack(found) if found else np.zeros((len(X), 1), dtype=np.intp)

    def _regime(self, groups: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the number of each row's regime: its own or, if it has none, the nearest in groups."""
        distance = np.abs(groups[:, None, :] - self.codes_[None]).sum(axis=2)
        return np.asarray(distance.argmin(axis=1), dtype=np.intp)

    def regimes_of(self, X: Floats) -> NDArray[np.intp]:
        """Return the number of each row's regime, shape (rows,)."""
        return self._regime(self._groups(X))

    def transform(self, X: Floats) -> Floats:
        """Return the columns in deviations from the mean of each row's regime; constant ones are 0."""
        regime = self.regimes_of(X)
        deviation = self.deviation_[regime]
        away = X - self.mean_[regime]
        found: Floats = np.divide(away, deviation, out=np.zeros_like(away), where=deviation > 0)
        return found


def _mean(X: Floats) -> Floats:
    known = ~np.isnan(X)
    return np.asarray(np.where(known, X, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1), dtype=float)


def _cuts(values: Floats) -> Floats:
    """Return what parts the groups of a column's values; empty if it has one group, or many.

    >>> _cuts(np.array([0.0, 0.01, 10.0, 10.02, 20.0, 0.02])).round(2)
    array([ 5.01, 15.01])
    """
    known = np.unique(values[~np.isnan(values)])
    if len(known) < 2:
        return np.empty(0)
    wide = np.flatnonzero(np.diff(known) > GAP * (known[-1] - known[0]))
    if len(wide) == 0 or len(wide) >= MOST_GROUPS:
        return np.empty(0)
    return np.asarray((known[wide] + known[wide + 1]) / 2, dtype=float)


def _found(X: Floats, age: Floats) -> tuple[list[int], list[Floats]]:
    """Return the columns that are settings, the tightest first, and what parts the groups of each.

    Sensors that follow a setting closely look like one; a column that tells no more regimes apart than
    those before it is left out.
    """
    cuts = {column: _cuts(X[:, column]) for column in range(X.shape[1])}
    spread = {column: _spread(X[:, column], cut) for column, cut in cuts.items() if len(cut)}
    settings: list[int] = []
    code, regimes = np.zeros(len(X), dtype=np.intp), 1
    for column in sorted(spread, key=lambda one: spread[one]):
        if spread[column] > TIGHT or not _is_setting(X, column, cuts[column], age):
            continue
        finer = np.unique(
            code * MOST_GROUPS + np.searchsorted(cuts[column], X[:, column]), return_inverse=True
        )
        count = int((np.bincount(finer[1]) >= FEWEST_ROWS).sum())
        if count > regimes:
            settings, code, regimes = [*settings, column], finer[1], count
    return settings, [cuts[column] for column in settings]


def _spread(values: Floats, cut: Floats) -> float:
    """Return the deviation within groups as a share of the column's range."""
    known = values[~np.isnan(values)]
    group = np.searchsorted(cut, known)
    within = known - (np.bincount(group, known) / np.maximum(np.bincount(group), 1))[group]
    return float(np.sqrt(np.mean(within**2)) / np.ptp(known))


def _is_setting(X: Floats, column: int, cut: Floats, age: Floats) -> bool:
    known = ~np.isnan(X[:, column])
    values = X[known, column]
    group = np.searchsorted(cut, values)
    count = np.bincount(group)
    if count[count > 0].min() < FEWEST_ROWS or abs(np.corrcoef(values, age[known])[0, 1]) > DRIFT:
        return False
    others = np.delete(X[known], column, axis=1)
    return bool((_explained(others, group) > MOVES).any())


def _explained(X: Floats, group: NDArray[np.intp]) -> Floats:
    """Return the share of each column's variance that lies between groups (eta squared)."""
    filled = np.where(np.isnan(X), _mean(X), X)
    whole = filled.var(axis=0)
    count = np.bincount(group)
    means = np.array([np.bincount(group, column) for column in filled.T]).T / np.maximum(count, 1)[:, None]
    between = (count[:, None] * (means - filled.mean(axis=0)) ** 2).sum(axis=0) / len(filled)
    moving = whole > (STILL * np.abs(filled.mean(axis=0))) ** 2
    found: Floats = np.divide(between, whole, out=np.zeros_like(whole), where=moving)
    return found
