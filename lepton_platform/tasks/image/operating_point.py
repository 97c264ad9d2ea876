"""When to answer and when to refer to a human, chosen on out-of-fold probabilities alone.

A picture is answered if the probability of its answer reaches a threshold (selective prediction:
Geifman and El-Yaniv 2017). With a stated sensitivity, the class that must not be missed is preferred
until that share of it is found.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

Floats = NDArray[np.float64]
Classes = NDArray[np.intp]


class OperatingPoint(NamedTuple):
    """The threshold, and how much the positive class is preferred; kept with the run as JSON."""

    threshold: float
    """Least probability of an answer that is given; below it the picture is referred."""
    preference: float
    """Added to the positive class's log-probability before the classes are compared."""
    positive: int
    """Number of the positive class; -1: none."""

    def answers(self, probabilities: Floats) -> tuple[Classes, Floats]:
        """Return the class of each picture and the probability that it is compared by, both (n,)."""
        compared = self._preferred(probabilities)
        return compared.argmax(axis=1), compared.max(axis=1)

    def _preferred(self, probabilities: Floats) -> Floats:
        if not self.preference:
            return probabilities
        scores = np.log(np.maximum(probabilities, 1e-12))
        scores[:, self.positive] += self.preference
        return np.asarray(softmax(scores, axis=1))


def choose(
    probabilities: Floats, truth: Classes, risk: float, positive: int = -1, sensitivity: float | None = None
) -> OperatingPoint:
    """Return the point at which out-of-fold answers are wrong at most at ``risk``, and most are given.

    Parameters
    ----------
    probabilities : (n, classes), out of fold
    positive, sensitivity
        Class, and the share of it that must be found before any picture is referred.

    Examples
    --------
    >>> sure = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.3, 0.7]])
    >>> choose(sure, np.array([0, 0, 1, 1]), risk=0.1).threshold
    0.7
    """
    preference = 0.0 if sensitivity is None else _preference(probabilities, truth, positive, sensitivity)
    point = OperatingPoint(0.0, preference, positive)
    answer, sure = point.answers(probabilities)
    order = np.argsort(-sure, kind="stable")
    wrong = np.cumsum(answer[order] != truth[order]) / np.arange(1, len(truth) + 1)
    last_of_ties = np.append(np.diff(sure[order]) != 0, True)
    good = np.flatnonzero((wrong <= risk) & last_of_ties)
    # nothing is sure enough: a threshold that no probability reaches refers every picture
    threshold = float(sure[order][good[-1]]) if len(good) else 1.01
    return point._replace(threshold=threshold)


def _preference(probabilities: Floats, truth: Classes, positive: int, sensitivity: float) -> float:
    """Return the least preference, 0 or more, with which that share of the positive class is found."""
    scores = np.log(np.maximum(probabilities[truth == positive], 1e-12))
    lead = np.delete(scores, positive, axis=1).max(axis=1) - scores[:, positive]
    needed = np.sort(lead)[int(np.ceil(sensitivity * len(lead))) - 1]
    return float(max(0.0, np.nextafter(needed, np.inf) + 1e-9))


def risk_coverage(probabilities: Floats, truth: Classes) -> tuple[Floats, Floats]:
    """Return coverage and share of wrong answers as ever less sure answers are given, both (n,)."""
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    answered = np.arange(1, len(truth) + 1)
    wrong = np.cumsum(probabilities[order].argmax(axis=1) != truth[order])
    return answered / len(truth), wrong / answered
