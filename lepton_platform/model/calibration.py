"""Makes a score mean what it says.

Platt's logistic calibration (Platt 1999, "Probabilistic outputs for support vector machines") on
log-odds and, where there are many cases, its line bent by a spline: both are smooth, and both keep the
order of the cases.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.preprocessing import SplineTransformer

FloatArray = NDArray[np.float64]
EXTREME = 1e-9
"""Probabilities are kept this far from 0 and 1, so that their log-odds are finite."""
MANY = 4_000
"""Cases from which a bend of the line is more often real than noise; see benchmarks/LOG.md."""
KNOTS = (0.005, 0.2, 0.4, 0.6, 0.8, 0.995)
"""Quantiles of the scores at which the spline has its knots; beyond the outer ones it is straight."""
BEND = 0.3
"""Prior standard deviation of the spline's coefficients, in log-odds."""


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

    @property
    def parameters(self) -> FloatArray:
        """Slope and intercept, shape (2,); a spline's coefficients follow them."""
        return np.array([self.slope_, self.intercept_])

    def predict_proba(self, score: FloatArray) -> FloatArray:
        """Return the calibrated probabilities, shape (n,)."""
        return np.asarray(expit(self._design(score) @ self.parameters), dtype=float)

    def interval(self, score: FloatArray, z: float = 1.959964) -> tuple[FloatArray, FloatArray]:
        """Return the 95 % limits of the probability that the calibration's own uncertainty leaves.

        By the delta method on the log-odds: how far the curve could lie elsewhere had other cases
        of the same kind been seen. It does not include what the members could have learned else.
        """
        design = self._design(score)
        variance = np.einsum("ij,jk,ik->i", design, self.covariance_, design)
        centre, spread = design @ self.parameters, z * np.sqrt(np.maximum(variance, 0))
        return expit(centre - spread), expit(centre + spread)


class SplineCalibration(LogisticCalibration):
    """P(y = 1) = expit(slope * score + intercept + bend), the bend a cubic spline that is a priori small.

    Lucena (2018), "Spline-based probability calibration", with a line beside the spline that is not
    penalised: the coefficients of the B-splines are normal around 0 with deviation ``BEND``, and all are
    fitted by maximum posterior. Without a bend it is the logistic curve.

    Attributes
    ----------
    splines_ : SplineTransformer
    coefficients_ : ndarray of shape (2 + splines,)
        Slope, intercept, and one for each B-spline.
    covariance_ : ndarray of shape (2 + splines, 2 + splines)
    """

    def fit(self, score: FloatArray, y: NDArray[np.int_]) -> Self:
        """Learn from out-of-fold scores, shape (n,), and outcomes 0 or 1.

        Raises
        ------
        ValueError
            The scores' quantiles ``KNOTS`` are not all different.
        """
        knots = np.quantile(score, KNOTS)
        self.splines_ = SplineTransformer(knots=knots[:, None], include_bias=False, extrapolation="linear")
        self.splines_.fit(score[:, None])
        design = self._design(score)
        precision = np.append([0.0, 0.0], np.full(design.shape[1] - 2, BEND**-2))
        self.coefficients_, self.covariance_ = _maximum_likelihood(design, y, precision)
        return self

    def _design(self, score: FloatArray) -> FloatArray:
        return np.column_stack([super()._design(score), self.splines_.transform(score[:, None])])

    @property
    def parameters(self) -> FloatArray:
        """Slope, intercept and a coefficient for each B-spline, shape (2 + splines,)."""
        return self.coefficients_


def fit_calibration(score: FloatArray, y: NDArray[np.int_]) -> LogisticCalibration:
    """Return the calibration that so many cases support, fitted on out-of-fold scores and outcomes.

    The logistic one below ``MANY`` cases, where many scores are equal, and wherever the spline would
    turn the order of cases round.
    """
    if len(score) >= MANY and np.diff(np.quantile(score, KNOTS)).min() > 0:
        spline = SplineCalibration().fit(score, y)
        everywhere = np.linspace(score.min(), score.max(), 1000)
        if np.diff(spline.predict_proba(everywhere)).min() >= 0:
            return spline
    return LogisticCalibration().fit(score, y)


def _maximum_likelihood(
    design: FloatArray, y: NDArray[np.int_], precision: FloatArray | float = 0.0
) -> tuple[FloatArray, FloatArray]:
    """Return the parameters of a logistic regression on ``design`` and their covariance.

    ``precision`` of a normal prior around 0, one number or one for each parameter.
    """
    # Platt's smoothed targets keep the maximum finite when one score parts the classes perfectly
    positives, negatives = y.sum(), len(y) - y.sum()
    targets = np.where(y == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(parameters: FloatArray) -> float:
        margin = design @ parameters
        prior = (precision * parameters**2).sum() / 2
        return float((np.logaddexp(0, margin) - targets * margin).sum() + prior)

    # from a slope of 0, where nothing saturates, and never uphill: with scores far from 0, as hard
    # classifiers give, plain Newton steps jump between slopes of both signs
    parameters = np.zeros(design.shape[1])
    for _ in range(100):
        fitted = expit(design @ parameters)
        weights = np.maximum(fitted * (1 - fitted), 1e-12)
        information = design.T @ (design * weights[:, None]) + np.diag(
            precision + np.full(len(parameters), 1e-9)
        )
        step = np.linalg.solve(information, design.T @ (targets - fitted) - precision * parameters)
        while np.abs(step).max() > 1e-10 and loss(parameters + step) > loss(parameters):
            step = step / 2
        parameters = parameters + step
        if np.abs(step).max() < 1e-10:
            break
    return parameters, np.linalg.inv(information)
