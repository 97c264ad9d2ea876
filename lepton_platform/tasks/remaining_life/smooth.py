"""A smooth function of the recent past: what trees, which answer in steps, are blended with."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

Floats = NDArray[np.float64]


class SmoothLife(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Ridge regression in a Gaussian kernel's features, approximated on some of the rows.

    Williams and Seeger 2001, "Using the Nystroem method to speed up kernel machines": its cost grows
    linearly in the rows.

    Parameters
    ----------
    width : float
        Of the kernel: exp(-width * mean squared distance of the standardised columns).
    rows : int
        Rows that the kernel is approximated on.
    ridge : float
    """

    def __init__(
        self, width: float = 0.25, rows: int = 600, ridge: float = 0.1, random_state: int = 0
    ) -> None:
        self.width = width
        self.rows = rows
        self.ridge = ridge
        self.random_state = random_state

    def fit(self, X: pd.DataFrame, y: ArrayLike) -> Self:
        """Learn from a table and what each row has left, shape (rows,)."""
        kernel = Nystroem(
            gamma=self.width / X.shape[1],
            n_components=min(self.rows, len(X)),
            random_state=self.random_state,
        )
        filled = SimpleImputer(keep_empty_features=True)
        self.pipeline_ = make_pipeline(filled, StandardScaler(), kernel, Ridge(self.ridge))
        self.pipeline_.fit(X.to_numpy(dtype=float), np.asarray(y, dtype=float))
        return self

    def predict(self, X: pd.DataFrame) -> Floats:
        """Return what each row has left, shape (rows,)."""
        return np.asarray(self.pipeline_.predict(X.to_numpy(dtype=float)), dtype=float)
