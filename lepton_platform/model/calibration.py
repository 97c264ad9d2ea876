"""Makes a score mean what it says.

Platt's logistic calibration (Platt 1999, "Probabilistic outputs for support vector machines") on
log-odds, and beta calibration, which can bend one end more than the other: two and three parameters,
so that they hold on small data and keep the order of the cases.
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
        parameters, self.covariance_ = _maximum_likelihood(self._design(score), y)
        self.slope_, self.intercept_ = (float(value) for value in parameters)
        return self

    def _design(self, score: FloatArray) -> FloatArray:
        return np.column_stack([score, np.ones_like(score)])

    def _parameters(self) -> FloatArray:
        return np.array([self.slope_, self.intercept_])

    def predict_proba(self, score: FloatArray) -> FloatArray:
        """Return the calibrated probabilities, shape (n,)."""
        return np.asarray(expit(self._design(score) @ self._parameters()), dtype=float)

    def interval(self, score: FloatArray, z: float = 1.959964) -> tuple[FloatArray, FloatArray]:
        """Return the 95 % limits of the probability that the calibration's own uncertainty leaves.

        By the delta method on the log-odds: how far the curve could lie elsewhere had other cases
        of the same kind been seen. It does not include what the members could have learned else.
        """
        design = self._design(score)
        variance = np.einsum("ij,jk,ik->i", design, self.covariance_, design)
        centre, spread = design @ self._parameters(), z * np.sqrt(np.maximum(variance, 0))
        return expit(centre - spread), expit(centre + spread)


class BetaCalibration(LogisticCalibration):
    """P(y = 1) = expit(a ln p - b ln(1 - p) + c) with p = expit(score), by maximum likelihood.

    Kull, Silva Filho and Flach (2017), "Beta calibration". With a = b it is the logistic curve; else
    it bends one end more than the other. It keeps the order of the cases while a and b are positive.

    Attributes
    ----------
    coefficients_ : ndarray of shape (3,)
        a, b and c.
    covariance_ : ndarray of shape (3, 3)
    """

    def fit(self, score: FloatArray, y: NDArray[np.int_]) -> Self:
        """Learn from out-of-fold scores, shape (n,), and outcomes 0 or 1."""
        self.coefficients_, self.covariance_ = _maximum_likelihood(self._design(score), y)
        return self

    def _design(self, score: FloatArray) -> FloatArray:
        return np.column_stack([-np.logaddexp(0, -score), np.logaddexp(0, score), np.ones_like(score)])

    def _parameters(self) -> FloatArray:
        return self.coefficients_


def best_calibration(score: FloatArray, y: NDArray[np.int_], parts: int = 5) -> LogisticCalibration:
    """Return the beta calibration where it foresees left-out parts better, else the logistic one.

    Judged by log loss on the same out-of-fold scores, each fifth by a curve fitted on the others:
    the beta curve's gain must exceed its standard error. A beta curve that would turn the order of
    cases round is never taken.
    """
    part = np.arange(len(y)) % parts

    def losses(curve: type[LogisticCalibration]) -> FloatArray:
        foreseen = np.empty(len(y))
        for left_out in range(parts):
            rest, here = part != left_out, part == left_out
            foreseen[here] = curve().fit(score[rest], y[rest]).predict_proba(score[here])
        chance = np.where(y == 1, foreseen, 1 - foreseen)
        return np.asarray(-np.log(np.clip(chance, EXTREME, 1)), dtype=float)

    gains = losses(LogisticCalibration) - losses(BetaCalibration)
    beta = BetaCalibration().fit(score, y)
    if gains.mean() > gains.std() / np.sqrt(len(y)) and beta.coefficients_[:2].min() > 0:
        return beta
    return LogisticCalibration().fit(score, y)


def _maximum_likelihood(design: FloatArray, y: NDArray[np.int_]) -> tuple[FloatArray, FloatArray]:
    """Return the parameters of a logistic regression on ``design`` and their covariance."""
    # Platt's smoothed targets keep the maximum finite when one score parts the classes perfectly
    positives, negatives = y.sum(), len(y) - y.sum()
    targets = np.where(y == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(parameters: FloatArray) -> float:
        margin = design @ parameters
        return float((np.logaddexp(0, margin) - targets * margin).sum())

    # from a slope of 0, where nothing saturates, and never uphill: with scores far from 0, as hard
    # classifiers give, plain Newton steps jump between slopes of both signs
    parameters = np.zeros(design.shape[1])
    for _ in range(100):
        fitted = expit(design @ parameters)
        weights = np.maximum(fitted * (1 - fitted), 1e-12)
        information = design.T @ (design * weights[:, None]) + 1e-9 * np.eye(design.shape[1])
        step = np.linalg.solve(information, design.T @ (targets - fitted))
        while np.abs(step).max() > 1e-10 and loss(parameters + step) > loss(parameters):
            step = step / 2
        parameters = parameters + step
        if np.abs(step).max() < 1e-10:
            break
    return parameters, np.linalg.inv(information)
