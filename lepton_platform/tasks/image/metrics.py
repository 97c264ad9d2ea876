"""Metrics of class probabilities, in numpy so that the bootstrap is cheap.

``truth`` holds the number of each picture's class; the predictions' columns ``p_<class>`` stand in
the order of those numbers.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from lepton_platform.tasks.image.operating_point import risk_coverage

Truth = NDArray[np.intp]
Floats = NDArray[np.float64]
PREFIX = "p_"


def probabilities(predictions: pd.DataFrame) -> Floats:
    """Return the columns ``p_<class>``, shape (n, classes)."""
    return predictions[[name for name in predictions.columns if name.startswith(PREFIX)]].to_numpy(float)


def auc(truth: Truth, predictions: pd.DataFrame) -> float:
    """Area under the ROC curve; of more than two classes the mean over one against the rest.

    As MedMNIST's evaluator counts it. NaN where a class is missing.
    """
    chances = probabilities(predictions)
    classes = range(1, 2) if chances.shape[1] == 2 else range(chances.shape[1])
    return float(np.mean([_area(truth == code, chances[:, code]) for code in classes]))


def _area(positive: NDArray[np.bool_], score: Floats) -> float:
    found = int(positive.sum())
    pairs = found * (len(positive) - found)
    if pairs == 0:
        return float("nan")
    return float((rankdata(score)[positive].sum() - found * (found + 1) / 2) / pairs)


def accuracy(truth: Truth, predictions: pd.DataFrame) -> float:
    """Share of pictures whose most probable class is the true one."""
    return float((probabilities(predictions).argmax(axis=1) == truth).mean())


def log_loss(truth: Truth, predictions: pd.DataFrame) -> float:
    """Mean of -ln of the probability given to the true class, in nats."""
    given = np.clip(probabilities(predictions)[np.arange(len(truth)), truth], 1e-9, 1)
    return float(-np.log(given).mean())


def brier(truth: Truth, predictions: pd.DataFrame) -> float:
    """Mean squared distance of the probabilities from the outcome, summed over classes (Brier 1950)."""
    chances = probabilities(predictions)
    return float(((chances - np.eye(chances.shape[1])[truth]) ** 2).sum(axis=1).mean())


def expected_calibration_error(truth: Truth, predictions: pd.DataFrame, bins: int = 15) -> float:
    """Mean distance between the answer's probability and how often it is right, over equal bins.

    Guo et al. 2017, equation 3: bins of equal width. Its noise floor is not zero.
    """
    chances = probabilities(predictions)
    sure, right = chances.max(axis=1), chances.argmax(axis=1) == truth
    place = np.minimum((sure * bins).astype(int), bins - 1)
    return float(np.abs(np.bincount(place, sure - right, bins)).sum() / len(truth))


def accuracy_at_80(truth: Truth, predictions: pd.DataFrame) -> float:
    """Share of right answers among the 80 % of pictures that are answered most surely."""
    chances = probabilities(predictions)
    answered = np.argsort(-chances.max(axis=1), kind="stable")[: max(1, int(0.8 * len(truth)))]
    return float((chances[answered].argmax(axis=1) == truth[answered]).mean())


def area_under_risk_coverage(truth: Truth, predictions: pd.DataFrame) -> float:
    """Mean share of wrong answers over all coverages; of a random order, the error rate (AURC)."""
    return float(risk_coverage(probabilities(predictions), truth)[1].mean())
