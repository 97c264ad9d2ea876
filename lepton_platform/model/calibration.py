"""Makes a score mean what it says.

Platt's logistic calibration (Platt 1999, "Probabilistic outputs for support vector machines"), on
log-odds: two parameters, so it holds on small data, keeps the order of the cases, and adds nothing
that a linear explanation of the log-odds could not carry.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

FloatArray = NDArray[np.float64]
EXTREME = 1e-9
"""Probabilities are kept this far from 0 and 1, so that their log-odds are finite."""


def log_odds(probability: FloatArray) -> FloatArray:
    """Return ln(p / (1 - p)) with p kept off 0 and 1 by ``EXTREME``.

    >>> log_odds(np.array([0.5, 0.0])).round(3)
    array([  0.   , -20.723])
    """
    return np.asarray(logit(np.clip(probability, EXTREME, 1 - EXTREME)), dtype=float)


class LogisticCalibration:
    """P(y = 1) = expit(slope * score + intercept), by maximum likelihood.

    Attributes
    ----------
    slope_, intercept_ : float
        A slope of 1 and an intercept of 0 leave log-odds as they are.
    covariance_ : ndarray of shape (2, 2)
        Of (slope, intercept), the inverse Fisher information.
    """

    def fit(self, score: FloatArray, y: NDArray[np.int_]) -> Self:
        """Learn from out-of-fold scores, shape (n,), and outcomes 0 or 1."""
        design = np.column_stack([score, np.ones_like(score)])
        # two pseudo-cases at the ends keep the likelihood's maximum finite when one score parts
        # the classes perfectly (Platt's smoothed targets serve the same purpose)
        positives, negatives = y.sum(), len(y) - y.sum()
        targets = np.where(y == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))

        def loss(parameters: FloatArray) -> float:
            margin = design @ parameters
            return float((np.logaddexp(0, margin) - targets * margin).sum())

        # from a slope of 0, where nothing saturates, and never uphill: with scores far from 0, as hard
        # classifiers give, plain Newton steps jump between slopes of both signs
        parameters = np.zeros(2)
        for _ in range(100):
            fitted = expit(design @ parameters)
            weights = np.maximum(fitted * (1 - fitted), 1e-12)
            information = design.T @ (design * weights[:, None]) + 1e-9 * np.eye(2)
            step = np.linalg.solve(information, design.T @ (targets - fitted))
            while np.abs(step).max() > 1e-10 and loss(parameters + step) > loss(parameters):
                step = step / 2
            parameters = parameters + step
            if np.abs(step).max() < 1e-10:
                break
        self.slope_, self.intercept_ = (float(value) for value in parameters)
        self.covariance_ = np.linalg.inv(information)
        return self

    def predict_proba(self, score: FloatArray) -> FloatArray:
        """Return the calibrated probabilities, shape (n,)."""
        return np.asarray(expit(self.slope_ * score + self.intercept_), dtype=float)

    def interval(self, score: FloatArray, z: float = 1.959964) -> tuple[FloatArray, FloatArray]:
        """Return the 95 % limits of the probability that the calibration's own uncertainty leaves.

        By the delta method on the log-odds: how far the curve could lie elsewhere had other cases
        of the same kind been seen. It does not include what the members could have learned else.
        """
        a, b, c = self.covariance_[0, 0], self.covariance_[0, 1], self.covariance_[1, 1]
        spread = z * np.sqrt(np.maximum(a * score**2 + 2 * b * score + c, 0))
        centre = self.slope_ * score + self.intercept_
        return expit(centre - spread), expit(centre + spread)
