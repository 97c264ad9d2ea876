"""Greedy ensemble selection over out-of-fold scores, and the blend it chooses.

Caruana, Niculescu-Mizil, Crew and Ksikes, "Ensemble selection from libraries of models", ICML 2004.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from lepton_platform.model.calibration import LogisticCalibration, log_odds

FloatArray = NDArray[np.float64]


def greedy_weights(
    scores: Mapping[str, FloatArray], loss: Callable[[FloatArray], float], rounds: int = 25
) -> dict[str, float]:
    """Return the weights of the members whose mean score has the least ``loss``.

    Adds, with replacement, whichever member improves the mean most, ``rounds`` times, and keeps the
    best of the means on the way. Members that were never added are left out.

    Parameters
    ----------
    scores : name → array of shape (n,)
        Out-of-fold scores of each member on the same cases.
    loss : function of a score of shape (n,)
        Lower is better.

    Examples
    --------
    >>> target = np.array([0.0, 1.0])
    >>> members = {"low": target - 1, "high": target + 1, "far": target + 9}
    >>> greedy_weights(members, lambda score: float(((score - target) ** 2).sum()))
    {'low': 0.5, 'high': 0.5}
    """
    picked: list[str] = []
    best, best_loss = 0, np.inf
    total = np.zeros_like(next(iter(scores.values())), dtype=float)
    for size in range(1, rounds + 1):
        losses = {name: loss((total + score) / size) for name, score in scores.items()}
        choice = min(losses, key=lambda name: losses[name])
        picked.append(choice)
        total = total + scores[choice]
        if losses[choice] < best_loss - 1e-12:
            best, best_loss = size, losses[choice]
    counts = {name: picked[:best].count(name) for name in scores}
    return {name: count / best for name, count in counts.items() if count}


def shrunk_weights(
    weights: Mapping[str, float],
    losses: Mapping[str, float],
    baseline_loss: float,
    rarer: int,
    prior: int = 300,
) -> dict[str, float]:
    """Return ``weights`` drawn towards equal shares of all members that are nearly as good as the best.

    On few cases greedy weights follow noise, and plain averages are hard to beat (Clemen 1989,
    "Combining forecasts"); on many they deserve trust. The share of the average is
    prior / (prior + rarer).

    Parameters
    ----------
    baseline_loss : float
        Of the baseline. Nearly as good means to gain on it at least 70 % of what the best member gains.
    rarer : int
        Cases with the rarer outcome: they limit what can be told apart.

    Examples
    --------
    >>> losses = {"a": 0.50, "b": 0.51, "far": 0.59}
    >>> shrunk_weights({"a": 1.0}, losses, baseline_loss=0.60, rarer=300)
    {'a': 0.75, 'b': 0.25}
    """
    gains = {name: baseline_loss - loss for name, loss in losses.items()}
    best = max(gains.values())
    near = [name for name, gain in gains.items() if gain >= best - 0.3 * abs(best)]
    share = prior / (prior + rarer)
    drawn = {
        name: (1 - share) * weights.get(name, 0.0) + (share / len(near) if name in near else 0.0)
        for name in losses
    }
    return {name: weight for name, weight in drawn.items() if weight > 0}


def without_negligible(weights: Mapping[str, float], least: float = 0.02) -> dict[str, float]:
    """Return the members with at least ``least`` times the heaviest's weight, summing to 1 again.

    A member below that hardly moves an answer, and takes as long to fit, save and ask as any other.

    Examples
    --------
    >>> without_negligible({"a": 0.66, "b": 0.33, "c": 0.01})
    {'a': 0.6666666666666667, 'b': 0.33333333333333337}
    """
    heaviest = max(weights.values())
    kept = {name: weight for name, weight in weights.items() if weight >= least * heaviest}
    total = sum(kept.values())
    return {name: weight / total for name, weight in kept.items()}


class Blend(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Weighted mean of its members' log-odds, calibrated.

    Parameters
    ----------
    members : list of (name, classifier)
        Unfitted; each is cloned and fitted on all rows.
    weights : list of float
        One per member, summing to 1.
    calibration : LogisticCalibration
        Already fitted, on out-of-fold scores: the members' scores on the rows they were fitted on
        are too sure of themselves to calibrate with.
    """

    def __init__(
        self,
        members: list[tuple[str, Any]],
        weights: list[float],
        calibration: LogisticCalibration,
    ) -> None:
        self.members = members
        self.weights = weights
        self.calibration = calibration

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Fit every member on all rows."""
        return self.adopt([clone(member).fit(X, y) for _, member in self.members])

    def adopt(self, fitted: list[Any]) -> Self:
        """Take members that were already fitted on all rows, in the order of ``members``."""
        self.fitted_ = fitted
        self.classes_ = np.array([0, 1])
        return self

    @property
    def named_members(self) -> dict[str, Any]:
        """The fitted members by name."""
        return dict(zip((name for name, _ in self.members), self.fitted_, strict=True))

    def decision_function(self, X: pd.DataFrame) -> FloatArray:
        """Return the weighted mean of the members' log-odds, shape (n,), before calibration."""
        if len(X) == 0:  # which scikit-learn's estimators refuse
            return np.empty(0)
        return np.asarray(
            sum(
                weight * log_odds(member.predict_proba(X)[:, 1])
                for weight, member in zip(self.weights, self.fitted_, strict=True)
            ),
            dtype=float,
        )

    def predict_proba(self, X: pd.DataFrame) -> FloatArray:
        """Return the calibrated probabilities, shape (n, 2)."""
        positive = self.calibration.predict_proba(self.decision_function(X))
        return np.column_stack([1 - positive, positive])

    def predict(self, X: pd.DataFrame) -> NDArray[np.int_]:
        """Return 1 where the probability is at least one half."""
        return (self.predict_proba(X)[:, 1] >= 0.5).astype(int)
