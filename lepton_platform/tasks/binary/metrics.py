"""Metrics of a probability against outcomes 0 and 1, in numpy so that the bootstrap is cheap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import xlogy
from scipy.stats import rankdata

from lepton_platform.model.calibration import EXTREME, LogisticCalibration, log_odds

Truth = NDArray[np.int_]


def auc(truth: Truth, predictions: pd.DataFrame) -> float:
    """Area under the ROC curve: how often a random event scores above a random non-event.

    The Mann-Whitney statistic, ties counting half (Hanley and McNeil 1982). NaN for one class.
    """
    positives = int(truth.sum())
    pairs = positives * (len(truth) - positives)
    if pairs == 0:
        return float("nan")
    ranks = rankdata(predictions["probability"].to_numpy())[truth == 1].sum()
    return float((ranks - positives * (positives + 1) / 2) / pairs)


def gini(truth: Truth, predictions: pd.DataFrame) -> float:
    """Gini coefficient (accuracy ratio), 2 AUC - 1."""
    return 2 * auc(truth, predictions) - 1


def kolmogorov_smirnov(truth: Truth, predictions: pd.DataFrame) -> float:
    """Greatest distance between the score distributions of events and non-events."""
    positives = int(truth.sum())
    if positives in (0, len(truth)):
        return float("nan")
    score = predictions["probability"].to_numpy()
    order = np.argsort(score)
    ordered = truth[order]
    last_of_ties = np.append(np.diff(score[order]) > 0, True)
    events = np.cumsum(ordered) / positives
    others = np.cumsum(1 - ordered) / (len(truth) - positives)
    return float(np.abs(events - others)[last_of_ties].max())


def log_loss(truth: Truth, predictions: pd.DataFrame) -> float:
    """Mean of -ln of the probability given to what happened, in nats."""
    probability = np.clip(predictions["probability"].to_numpy(), EXTREME, 1 - EXTREME)
    return float(-(xlogy(truth, probability) + xlogy(1 - truth, 1 - probability)).mean())


def brier(truth: Truth, predictions: pd.DataFrame) -> float:
    """Mean squared distance of the probability from the outcome (Brier 1950)."""
    return float(((predictions["probability"].to_numpy() - truth) ** 2).mean())


def average_precision(truth: Truth, predictions: pd.DataFrame) -> float:
    """Area under the precision-recall steps; a random score gets the share of events."""
    positives = int(truth.sum())
    if positives == 0:
        return float("nan")
    score = predictions["probability"].to_numpy()
    order = np.argsort(-score, kind="stable")
    last_of_ties = np.append(np.diff(score[order]) != 0, True)
    hits = np.cumsum(truth[order])[last_of_ties]
    precision = hits / (np.flatnonzero(last_of_ties) + 1)
    return float((np.diff(hits, prepend=0) * precision).sum() / positives)


def expected_calibration_error(truth: Truth, predictions: pd.DataFrame, bins: int = 15) -> float:
    """Mean distance between predicted and observed share over bins of equally many cases.

    Naeini, Cooper and Hauskrecht (2015), with equal-mass bins. Its noise floor is not zero: see
    ``calibration_noise``.
    """
    probability = predictions["probability"].to_numpy()
    order = np.argsort(probability, kind="stable")
    gaps = probability[order] - truth[order]
    parts = np.array_split(gaps, min(bins, len(gaps)))
    return float(sum(abs(part.sum()) for part in parts) / len(gaps))


def calibration_noise(probability: NDArray[np.float64], bins: int = 15, seed: int = 0) -> tuple[float, float]:
    """Return mean and 95th percentile of the calibration error that chance alone would give.

    Outcomes are drawn from the probabilities themselves, 200 times: a perfectly calibrated forecast
    scores this on as many cases.
    """
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"probability": probability})
    drawn = [
        expected_calibration_error((rng.random(len(probability)) < probability).astype(int), table, bins)
        for _ in range(200)
    ]
    return float(np.mean(drawn)), float(np.quantile(drawn, 0.95))


def calibration_slope(truth: Truth, predictions: pd.DataFrame) -> float:
    """Slope of the outcome's log-odds on the predicted ones: 1 is right, below 1 is too extreme.

    Cox (1958), "Two further applications of a model for binary regression".
    """
    score = log_odds(predictions["probability"].to_numpy())
    if truth.min() == truth.max() or np.ptp(score) < 1e-12:
        return float("nan")
    return LogisticCalibration().fit(score, truth).slope_


def population_stability(expected: NDArray[Any], actual: NDArray[Any], bins: int = 10) -> float:
    """Population stability index of ``actual`` against ``expected``: sum (a - e) ln(a / e).

    Over bins of equal mass in ``expected``; half a case is added to each bin. By convention, below
    0.1 is stable and above 0.25 is a shift (Siddiqi 2006).

    >>> scores = np.linspace(0, 1, 500)
    >>> population_stability(scores, scores)
    0.0
    """
    edges = np.unique(np.quantile(expected, np.linspace(0, 1, bins + 1)[1:-1]))
    size = len(edges) + 1
    shares = [
        (np.bincount(np.searchsorted(edges, part, side="right"), minlength=size) + 0.5)
        / (len(part) + 0.5 * size)
        for part in (expected, actual)
    ]
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
