"""Quantities between columns: products, ratios and differences, as many as help.

A failure often depends on a quantity that no column holds: torque times speed is power, a difference
of two temperatures drives the cooling. A tree cuts one column at a time and needs many cuts for what one
cut of the right quantity does; a linear model cannot say it at all. All pairs of the strongest columns
are tried; how many of the derived columns are kept is chosen by cross-validation inside the training
cases. No column name plays a part.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any, Self

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

Floats = NDArray[np.float64]
Pair = tuple[str, str, str]
"""An operation and the names of the two columns."""

OPERATIONS = ("*", "/", "-")
MOST_COLUMNS = 12
"""Columns, the strongest by gain, whose pairs are tried."""
SIZES = (0, 4, 8)
"""How many derived columns are tried, the strongest by gain first."""
PARTS = 4


class DerivedQuantities(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Adds the derived columns that help boosted trees to a cleaned table.

    Attributes
    ----------
    pairs_ : list of Pair
        The derived columns that were kept, the strongest first.
    losses_ : dict of int to float
        Inner log loss by how many derived columns there were.
    """

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(self, X: pd.DataFrame, y: ArrayLike) -> Self:
        """Choose on numbers and pandas categories, and outcomes 0 or 1."""
        outcome = np.asarray(y)
        self.columns_ = list(map(str, X.columns))
        ranked = self._ranked(X, outcome)
        sizes = sorted({min(size, len(ranked)) for size in SIZES})
        self.losses_ = {size: self._loss(with_derived(X, ranked[:size]), outcome) for size in sizes}
        self.pairs_ = ranked[: min(self.losses_, key=lambda size: self.losses_[size])]
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the table with the derived columns behind its own."""
        return with_derived(X, self.pairs_)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the names of the table's columns."""
        return np.array([*self.columns_, *map(named, self.pairs_)], dtype=object)

    def _model(self) -> LGBMClassifier:
        return LGBMClassifier(
            n_estimators=120, learning_rate=0.1, num_leaves=15, subsample=0.8, subsample_freq=1,
            colsample_bytree=0.8, random_state=self.random_state, n_jobs=1, deterministic=True,
            force_col_wise=True, verbose=-1,
        )  # fmt: skip

    def _ranked(self, X: pd.DataFrame, y: NDArray[np.int_]) -> list[Pair]:
        """Return the pairs by how much a fit gains from them, among the pairs of the strongest columns."""
        numbers = [str(name) for name in X.columns if pd.api.types.is_numeric_dtype(X[name])]
        if len(numbers) > MOST_COLUMNS:
            gains = self._gains(X, y)
            numbers = sorted(numbers, key=lambda name: gains[name], reverse=True)[:MOST_COLUMNS]
        pairs = [(sign, a, b) for a, b in combinations(numbers, 2) for sign in OPERATIONS]
        gains = self._gains(with_derived(X, pairs), y)
        return sorted(pairs, key=lambda pair: gains[named(pair)], reverse=True)

    def _gains(self, X: pd.DataFrame, y: NDArray[np.int_]) -> dict[str, float]:
        """Return the gain of each column by its own name, which LightGBM may alter."""
        gains = self._model().fit(X, y).booster_.feature_importance("gain")
        return dict(zip(map(str, X.columns), map(float, gains), strict=True))

    def _loss(self, X: pd.DataFrame, y: NDArray[np.int_]) -> float:
        fewest = int(np.bincount(y).min())
        splitter = StratifiedKFold(min(PARTS, fewest), shuffle=True, random_state=self.random_state)
        told = np.empty(len(y))
        for learned, held in splitter.split(X, y):
            model = self._model().fit(X.iloc[learned], y[learned])
            told[held] = np.asarray(model.predict_proba(X.iloc[held]))[:, 1]
        return float(log_loss(y, told))


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
