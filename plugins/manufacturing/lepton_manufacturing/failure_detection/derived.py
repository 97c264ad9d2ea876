"""Boosted trees that look for quantities between columns: products, ratios and differences.

A failure often depends on a quantity that no column holds: torque times speed is power, a difference
of two temperatures drives the cooling. A tree cuts one column at a time and needs many cuts for what one
cut of the right quantity does. All pairs of the strongest columns are tried; how many of the derived
columns are kept is chosen by cross-validation inside the training cases.
"""

from __future__ import annotations

from itertools import combinations
from typing import Self

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

Floats = NDArray[np.float64]
Pair = tuple[str, str, str]
"""An operation and the names of the two columns."""

OPERATIONS = ("*", "/", "-")
MOST_COLUMNS = 12
"""Columns, the strongest by gain, whose pairs are tried."""
SIZES = (0, 4, 8, 16, 32)
"""How many derived columns are tried, the strongest by gain first."""
PARTS = 4


class DerivedBoosting(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """LightGBM on a cleaned table and on the derived columns that help.

    Parameters
    ----------
    seeds : int
        Fits whose probabilities are averaged.

    Attributes
    ----------
    pairs_ : list of Pair
        The derived columns that were kept, the strongest first.
    losses_ : dict of int to float
        Inner log loss by how many derived columns there were.
    """

    def __init__(
        self,
        n_estimators: int = 300,
        learning_rate: float = 0.05,
        num_leaves: int = 15,
        seeds: int = 3,
        random_state: int = 0,
    ) -> None:
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.seeds = seeds
        self.random_state = random_state

    def fit(self, X: pd.DataFrame, y: ArrayLike) -> Self:
        """Fit on numbers and pandas categories, and outcomes 0 or 1."""
        outcome = np.asarray(y)
        ranked = self._ranked(X, outcome)
        sizes = sorted({min(size, len(ranked)) for size in SIZES})
        self.losses_ = {size: self._loss(with_derived(X, ranked[:size]), outcome) for size in sizes}
        self.pairs_ = ranked[: min(self.losses_, key=lambda size: self.losses_[size])]
        table = with_derived(X, self.pairs_)
        self.models_ = [self._one(number).fit(table, outcome) for number in range(self.seeds)]
        self.classes_ = np.array([0, 1])
        return self

    def _one(self, number: int) -> LGBMClassifier:
        return LGBMClassifier(
            n_estimators=self.n_estimators, learning_rate=self.learning_rate, num_leaves=self.num_leaves,
            min_child_samples=20, subsample=0.8, subsample_freq=1, colsample_bytree=0.8,
            random_state=self.random_state + number, n_jobs=1, deterministic=True, force_col_wise=True,
            verbose=-1,
        )  # fmt: skip

    def _ranked(self, X: pd.DataFrame, y: NDArray[np.int_]) -> list[Pair]:
        """Return the pairs by how much a fit gains from them, among the pairs of the strongest columns."""
        numbers = [str(name) for name in X.columns if pd.api.types.is_numeric_dtype(X[name])]
        if len(numbers) > MOST_COLUMNS:
            gains = _gains(self._one(0).fit(X, y), X)
            numbers = sorted(numbers, key=lambda name: -gains[name])[:MOST_COLUMNS]
        pairs = [(sign, a, b) for a, b in combinations(numbers, 2) for sign in OPERATIONS]
        table = with_derived(X, pairs)
        gains = _gains(self._one(0).fit(table, y), table)
        return sorted(pairs, key=lambda pair: gains[named(pair)], reverse=True)

    def _loss(self, X: pd.DataFrame, y: NDArray[np.int_]) -> float:
        splitter = StratifiedKFold(PARTS, shuffle=True, random_state=self.random_state)
        told = np.empty(len(y))
        for learned, held in splitter.split(X, y):
            model = self._one(0).fit(X.iloc[learned], y[learned])
            told[held] = np.asarray(model.predict_proba(X.iloc[held]))[:, 1]
        return float(log_loss(y, told))

    def predict_proba(self, X: pd.DataFrame) -> Floats:
        """Return the probabilities, shape (n, 2)."""
        table = with_derived(X, self.pairs_)
        return np.asarray(np.mean([one.predict_proba(table) for one in self.models_], axis=0), dtype=float)


def named(pair: Pair) -> str:
    """Return the name of a derived column.

    >>> named(("*", "torque", "speed"))
    'torque * speed'
    """
    sign, a, b = pair
    return f"{a} {sign} {b}"


def with_derived(X: pd.DataFrame, pairs: list[Pair]) -> pd.DataFrame:
    """Return the table with a column per pair; what is divided by 0 is missing.

    >>> table = pd.DataFrame({"a": [6.0, 1.0], "b": [2.0, 0.0]})
    >>> with_derived(table, [("/", "a", "b"), ("-", "a", "b")])
         a    b  a / b  a - b
    0  6.0  2.0    3.0    4.0
    1  1.0  0.0    NaN    1.0
    """
    values = {name: X[name].to_numpy(dtype=float) for _, *names in pairs for name in names}
    found = {}
    for sign, a, b in pairs:
        left, right = values[a], values[b]
        if sign == "/":
            result = np.divide(left, right, out=np.full_like(left, np.nan), where=right != 0)
        else:
            result = left * right if sign == "*" else left - right
        found[named((sign, a, b))] = result
    return X.assign(**found)


def _gains(model: LGBMClassifier, X: pd.DataFrame) -> dict[str, float]:
    """Return the gain of each column by its own name, which LightGBM may have altered."""
    gains = model.booster_.feature_importance("gain")
    return dict(zip(map(str, X.columns), map(float, gains), strict=True))
