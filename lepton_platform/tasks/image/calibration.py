"""Makes scores of several classes mean what they say.

Scores are log-probabilities up to a constant per case, shape (n, classes).
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax
from sklearn.base import BaseEstimator

Floats = NDArray[np.float64]
Classes = NDArray[np.intp]


def log_loss_of(scores: Floats, classes: Classes) -> float:
    """Return the mean of -ln softmax(scores)[class], in nats."""
    return float(-log_softmax(scores, axis=1)[np.arange(len(classes)), classes].mean())


class Temperature(BaseEstimator):  # type: ignore[misc]
    """Divides scores by one number, by maximum likelihood: the order of classes stays.

    Guo, Pleiss, Sun and Weinberger 2017, "On calibration of modern neural networks", section 4.2.

    Attributes
    ----------
    temperature_ : float
        Above 1, the scores were too sure.
    """

    def fit(self, X: Floats, y: Classes) -> Self:
        """Learn from out-of-fold scores, shape (n, classes), and classes 0, 1, ..."""
        found = minimize_scalar(
            lambda log_t: log_loss_of(X / np.exp(log_t), y), bounds=(-3.0, 3.0), method="bounded"
        )
        better = log_loss_of(X / np.exp(found.x), y) < log_loss_of(X, y)
        self.temperature_ = float(np.exp(found.x)) if better else 1.0
        return self

    def transform(self, X: Floats) -> Floats:
        """Return the scores divided."""
        return np.asarray(X / self.temperature_)


class BiasCorrectedTemperature(BaseEstimator):  # type: ignore[misc]
    """One slope for all scores and one bias per class, by maximum likelihood.

    Alexandari, Kundaje and Shrikumar 2020, "Maximum likelihood with bias-corrected calibration is
    hard-to-beat at label shift adaptation". With two classes it is Platt's logistic calibration.

    Attributes
    ----------
    slope_ : float
    bias_ : ndarray of shape (classes,)
        Its sum is 0.
    """

    def fit(self, X: Floats, y: Classes) -> Self:
        """Learn from out-of-fold scores, shape (n, classes), and classes 0, 1, ..."""
        n, classes = X.shape

        def loss(parameters: Floats) -> tuple[float, Floats]:
            scores = np.exp(parameters[0]) * X + parameters[1:]
            chances = np.exp(log_softmax(scores, axis=1))
            excess = chances.copy()
            excess[np.arange(n), y] -= 1
            by_slope = (excess * X).sum() * np.exp(parameters[0])
            # half a case's worth of pull towards no bias keeps classes apart that never overlap
            pull = 0.5 * (parameters[1:] ** 2).sum() / n
            gradient = np.concatenate([[by_slope], excess.sum(axis=0)]) / n
            gradient[1:] += parameters[1:] / n
            return log_loss_of(scores, y) + pull, gradient

        # a slope beyond e^3 would only say that the training data are told apart without a fault
        bounds = [(-4.0, 3.0), *[(-20.0, 20.0)] * classes]
        found = minimize(loss, np.zeros(1 + classes), jac=True, method="L-BFGS-B", bounds=bounds)
        self.slope_ = float(np.exp(found.x[0]))
        self.bias_ = found.x[1:] - found.x[1:].mean()
        return self

    def transform(self, X: Floats) -> Floats:
        """Return log-probabilities, shape (n, classes)."""
        return np.asarray(log_softmax(self.slope_ * X + self.bias_, axis=1))
