"""What every model is compared with: what units of that age still had, on average."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin

from lepton_platform.tasks.remaining_life.history import ages

Floats = NDArray[np.float64]


class AgeOnly(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Mean capped life that was left to the units that lived longer than this age.

    Beyond the age of all of them, nothing is left. Units that were still alive at the end count by
    what they are known to have outlived, so that it is too low where many were.

    Attributes
    ----------
    ends_ : ndarray of shape (units,)
        Age of each unit at its end, in order.
    """

    def __init__(self, cap: float = 125.0) -> None:
        self.cap = cap

    def fit(self, X: pd.DataFrame, y: pd.Series[Any]) -> Self:
        """Learn the age at which each unit ended, from its last case."""
        reached = pd.Series(ages(X) + np.abs(np.asarray(y, dtype=float)))
        units = np.asarray(X.index)
        self.ends_ = np.sort(reached.groupby(units).max().to_numpy())
        return self

    def predict(self, X: pd.DataFrame) -> Floats:
        """Return the mean life left, shape (cases,)."""
        left = [np.minimum(self.ends_[self.ends_ > age] - age, self.cap) for age in ages(X)]
        return np.array([part.mean() if len(part) else 0.0 for part in left])
