"""Gradient boosting of remaining life: the mean of several fits, each stopped on units of its own.

LightGBM. How many rounds a fit takes is told by units that it does not learn from; every unit is
such a one once, so that all are learned from and the result hangs on no single draw.
"""

from __future__ import annotations

from typing import Self

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import GroupKFold

Floats = NDArray[np.float64]


class LifeBoosting(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Mean of boosted trees, one fit per part of the units.

    Parameters
    ----------
    parts : int
        Parts of the units; each stops the fit on the others.
    learning_rate, leaves, least, l2 : of the trees: shrinkage, leaves, rows in a leaf, ridge
    most_rounds, patience : int
        Trees at most, and without a gain at the end.

    Attributes
    ----------
    boosters_ : list of lightgbm.Booster
    names_ : list of str
    """

    def __init__(
        self,
        parts: int = 5,
        learning_rate: float = 0.05,
        leaves: int = 31,
        least: int = 40,
        l2: float = 1.0,
        most_rounds: int = 1000,
        patience: int = 40,
        random_state: int = 0,
    ) -> None:
        self.parts = parts
        self.learning_rate = learning_rate
        self.leaves = leaves
        self.least = least
        self.l2 = l2
        self.most_rounds = most_rounds
        self.patience = patience
        self.random_state = random_state

    def fit(self, X: pd.DataFrame, y: ArrayLike) -> Self:
        """Learn from a table indexed by unit and what each row has left, shape (rows,)."""
        self.names_ = list(map(str, X.columns))
        units, values, y = np.asarray(X.index), X.to_numpy(dtype=np.float64), np.asarray(y, dtype=float)
        parts = min(self.parts, len(np.unique(units)))
        splitter = GroupKFold(parts, shuffle=True, random_state=self.random_state)
        self.boosters_ = [
            self._one(values[learned], y[learned], values[kept], y[kept], number)
            for number, (learned, kept) in enumerate(splitter.split(values, y, units))
        ]
        return self

    def _one(self, X: Floats, y: Floats, X_kept: Floats, y_kept: Floats, number: int) -> lgb.Booster:
        parameters = {
            "objective": "regression", "learning_rate": self.learning_rate, "num_leaves": self.leaves,
            "min_data_in_leaf": self.least, "bagging_fraction": 0.8, "bagging_freq": 1,
            "feature_fraction": 0.5, "lambda_l2": self.l2, "seed": self.random_state + number,
            "deterministic": True, "force_col_wise": True, "num_threads": 1, "verbose": -1,
        }  # fmt: skip
        data = lgb.Dataset(X, y)
        kept = lgb.Dataset(X_kept, y_kept, reference=data)
        stop = lgb.early_stopping(self.patience, verbose=False)
        found = lgb.train(parameters, data, self.most_rounds, valid_sets=[kept], callbacks=[stop])
        return lgb.Booster(model_str=found.model_to_string(num_iteration=found.best_iteration))

    def predict(self, X: pd.DataFrame) -> Floats:
        """Return what each row has left, shape (rows,)."""
        values = X.to_numpy(dtype=np.float64)
        return np.asarray(np.mean([one.predict(values) for one in self.boosters_], axis=0), dtype=float)

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return what each column adds to each prediction (TreeSHAP; Lundberg and Lee 2017)."""
        values = X.to_numpy(dtype=np.float64)
        parts = np.mean([one.predict(values, pred_contrib=True) for one in self.boosters_], axis=0)
        return pd.DataFrame(np.asarray(parts)[:, :-1], X.index, self.names_)
