"""The weighed mean of several predictions of remaining life, and its spread."""

from __future__ import annotations

from copy import copy
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone

from lepton_platform.tasks.remaining_life.intervals import LifeSpread
from lepton_platform.tasks.remaining_life.stream import FleetMemory

Floats = NDArray[np.float64]


class LifeBlend(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Weighed mean of its members, between 0 and the cap.

    Parameters
    ----------
    members : list of (name, estimator)
    weights : list of float
        One per member, summing to 1.
    spread : LifeSpread
        Already fitted, on cross-validated predictions of the blend.
    """

    def __init__(self, members: list[tuple[str, Any]], weights: list[float], spread: LifeSpread) -> None:
        self.members = members
        self.weights = weights
        self.spread = spread
        self.memory_: FleetMemory | None = None  # of a watched stream

    def fit(self, X: pd.DataFrame, y: pd.Series[Any]) -> Self:
        """Fit every member on all cases."""
        return self.adopt([clone(member).fit(X, y) for _, member in self.members])

    def adopt(self, fitted: list[Any]) -> Self:
        """Take members that were already fitted on all cases, in the order of ``members``."""
        self.fitted_ = fitted
        return self

    def remembering(self, memory: FleetMemory) -> Self:
        """Return the same model with another memory of the fleet that it watches."""
        model = copy(self)
        model.memory_ = memory
        return model

    @property
    def named_members(self) -> dict[str, Any]:
        """The fitted members by name."""
        return dict(zip((name for name, _ in self.members), self.fitted_, strict=True))

    def predict(self, X: pd.DataFrame) -> Floats:
        """Return what each case has left, shape (cases,)."""
        members = zip(self.weights, self.fitted_, strict=True)
        mean = np.sum([weight * member.predict(X) for weight, member in members], axis=0)
        return np.asarray(np.clip(mean, 0, self.spread.cap), dtype=float)
