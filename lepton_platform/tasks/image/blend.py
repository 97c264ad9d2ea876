"""The model of the image task: its members' log-probabilities, weighed and calibrated."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from lepton_platform.tasks.image.calibration import BiasCorrectedTemperature, Temperature

Floats = NDArray[np.float64]
LEAST = 1e-9
"""Probabilities are kept this far from 0, so that their logarithms are finite."""


def scores_of(model: Any, cases: pd.DataFrame) -> Floats:
    """Return any fitted classifier's scores: log-probabilities up to a constant, shape (n, classes).

    A margin m between two classes counts as log-odds of m, the scores -m/2 and m/2; where it is on
    another scale, calibration finds that out.
    """
    if hasattr(model, "predict_proba"):
        return np.asarray(np.log(np.maximum(model.predict_proba(cases), LEAST)))
    margins = np.asarray(model.decision_function(cases), dtype=float)
    return np.stack([-margins / 2, margins / 2], axis=1) if margins.ndim == 1 else margins


class Blend(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Weighted mean of its members' calibrated log-probabilities, at one temperature.

    Parameters
    ----------
    members : list of (name, classifier)
        Unfitted; each is cloned and fitted on all rows.
    weights : list of float
        One per member, summing to 1.
    calibrations : list of BiasCorrectedTemperature
        One per member, already fitted on its out-of-fold scores.
    temperature : Temperature
        Already fitted, on the weighted mean of the calibrated out-of-fold scores.
    """

    def __init__(
        self,
        members: list[tuple[str, Any]],
        weights: list[float],
        calibrations: list[BiasCorrectedTemperature],
        temperature: Temperature,
    ) -> None:
        self.members = members
        self.weights = weights
        self.calibrations = calibrations
        self.temperature = temperature

    def fit(self, X: pd.DataFrame, y: ArrayLike) -> Self:
        """Fit every member on all rows; ``y`` holds classes 0, 1, ..."""
        return self.adopt([clone(member).fit(X, y) for _, member in self.members], np.unique(y))

    def adopt(self, fitted: list[Any], classes: NDArray[Any]) -> Self:
        """Take members that were already fitted on all rows, in the order of ``members``."""
        self.fitted_ = fitted
        self.classes_ = classes
        return self

    @property
    def named_members(self) -> dict[str, Any]:
        """The fitted members by name."""
        return dict(zip((name for name, _ in self.members), self.fitted_, strict=True))

    def predict_proba(self, X: pd.DataFrame) -> Floats:
        """Return the calibrated probabilities, shape (n, classes)."""
        members = zip(self.weights, self.calibrations, self.fitted_, strict=True)
        pooled = sum(
            weight * calibration.transform(scores_of(member, X)) for weight, calibration, member in members
        )
        return np.asarray(softmax(self.temperature.transform(np.asarray(pooled)), axis=1))

    def predict(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return the most probable class of each picture."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])
