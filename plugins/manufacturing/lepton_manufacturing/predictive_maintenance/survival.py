"""What reliability engineers do without machine learning: a Weibull on age, a Cox model on few sensors.

The fits are lifelines' (Davidson-Pilon 2019). Both use units that had not failed for what they outlived.
A prediction is the mean of what is left, counted up to the cap: the integral of the survival function
from now to the cap, given that the unit is alive now.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter, WeibullFitter
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lepton_platform.tasks.remaining_life.censoring import is_known
from lepton_platform.tasks.remaining_life.history import ages

Floats = NDArray[np.float64]

STEPS = 200
"""Moments between now and the cap that the integral is taken over."""
PARTS = 5
"""Principal components that the Cox model sees: a few, so that the partial likelihood is sure of them."""
MOMENTS = 20
"""Moments of each unit that it learns from."""


class WeibullAge(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Mean of what is left of a Weibull life at this age.

    Attributes
    ----------
    shape_, scale_ : float
    """

    def __init__(self, cap: float = 125.0) -> None:
        self.cap = cap

    def fit(self, X: pd.DataFrame, y: pd.Series[Any]) -> Self:
        """Learn from the last case of each unit: its age there, and whether it failed then."""
        age, left = ages(X), np.asarray(y, dtype=float)
        last = pd.Series(age).groupby(np.asarray(X.index)).idxmax().to_numpy()
        ended = age[last] + np.abs(left[last])
        fitted = WeibullFitter().fit(ended, is_known(left[last]))
        self.shape_, self.scale_ = float(fitted.rho_), float(fitted.lambda_)
        return self

    def predict(self, X: pd.DataFrame) -> Floats:
        """Return the mean life left, shape (cases,)."""
        age = ages(X)[:, None]
        wait = np.linspace(0, self.cap, STEPS)
        survived = np.exp((age / self.scale_) ** self.shape_ - ((age + wait) / self.scale_) ** self.shape_)
        return np.asarray(np.trapezoid(survived, wait, axis=1), dtype=float)


class CoxLandmarks(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Cox model of what is left, on principal components of the recent past.

    Each of some moments of a unit is a life of its own that begins there (van Houwelingen 2007,
    "Dynamic prediction by landmarking in event history analysis").
    """

    def __init__(self, cap: float = 125.0, penalty: float = 0.01) -> None:
        self.cap = cap
        self.penalty = penalty

    def fit(self, X: pd.DataFrame, y: pd.Series[Any]) -> Self:
        """Learn from a table indexed by unit, and what each row has left; at the cap it is outlived."""
        left = np.asarray(y, dtype=float)
        place = pd.Series(np.arange(len(X))).groupby(np.asarray(X.index))
        size = place.transform("size").to_numpy()
        order = place.cumcount().to_numpy()
        chosen = (order % np.maximum(size // MOMENTS, 1) == 0) & (left != 0)
        self.compress_ = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), PCA(PARTS))
        parts = self.compress_.fit_transform(X.to_numpy(dtype=float)[chosen])
        frame = pd.DataFrame(parts, columns=[f"part {n}" for n in range(parts.shape[1])])
        frame["left"] = np.abs(left[chosen])
        frame["failed"] = (left[chosen] > 0) & (left[chosen] < self.cap)
        cox = CoxPHFitter(penalizer=self.penalty).fit(frame, "left", "failed")
        hazard = cox.baseline_cumulative_hazard_.iloc[:, 0]
        self.wait_ = np.linspace(0, self.cap, STEPS)
        self.hazard_ = np.interp(self.wait_, hazard.index.to_numpy(float), hazard.to_numpy(float))
        self.coefficients_ = cox.params_.to_numpy(float)
        self.centre_ = cox._norm_mean.to_numpy(float)[: len(self.coefficients_)]
        return self

    def predict(self, X: pd.DataFrame) -> Floats:
        """Return the mean life left, shape (rows,)."""
        parts = self.compress_.transform(X.to_numpy(dtype=float))
        risk = np.exp(np.clip((parts - self.centre_) @ self.coefficients_, -30, 30))
        survived = np.exp(-risk[:, None] * self.hazard_)
        return np.asarray(np.trapezoid(survived, self.wait_, axis=1), dtype=float)
