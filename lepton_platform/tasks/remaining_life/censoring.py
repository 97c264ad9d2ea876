"""Targets of units that had not failed when the record ends, and how to learn from them.

A target is what was left, at most the cap; a negative one says that the unit outlived that much and
no more is known (the sign convention of XGBoost's ``survival:cox``). A unit that outlived the cap is
known as well as any: its target is the cap.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone

Floats = NDArray[np.float64]


def is_known(target: ArrayLike) -> NDArray[np.bool_]:
    """Return where the target is what was left, and no lower bound.

    >>> is_known([3.0, -3.0, 0.0])
    array([ True, False,  True])
    """
    return np.asarray(target, dtype=float) >= 0


class BuckleyJames(MetaEstimatorMixin, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Any regressor, taught what is expected where only a lower bound is known.

    One step of Buckley and James (1979), "Linear regression with censored data": what a fit on the
    known cases foresees for the others, but no less than they outlived, is their target in a second.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> age, left = np.array([[0.0], [2.0], [4.0]]), np.array([8.0, 6.0, -1.0])
    >>> BuckleyJames(LinearRegression()).fit(age, left).predict([[4.0]])
    array([4.])
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Fit on rows of any kind that the estimator takes, and targets of shape (rows,)."""
        target = np.array(y, dtype=float)
        known = is_known(target)
        rows = X.iloc if isinstance(X, pd.DataFrame) else X
        first = clone(self.estimator).fit(rows[known], target[known])
        target[~known] = np.maximum(first.predict(rows[~known]), -target[~known])
        self.estimator_ = clone(self.estimator).fit(X, target)
        return self

    def predict(self, X: Any) -> Floats:
        """Return what each row has left, shape (rows,)."""
        return np.asarray(self.estimator_.predict(X), dtype=float)
