"""Metrics of a probability against outcomes 0 and 1, of many resamples at once.

``counts`` says how often each resample holds each case, shape (draws, n); its rows sum to n. Cases
are sorted once, not once per resample, so the bootstrap is cheap. Without ``counts`` a metric is
asked of the cases as they are, and returns a float.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import xlogy

from lepton_platform.model.calibration import EXTREME, LogisticCalibration, log_odds
from lepton_platform.model.stability import psi

Truth = NDArray[np.int_]
Floats = NDArray[np.float64]


def counted(metric: Callable[..., Floats]) -> Callable[..., Any]:
    """Let a metric of resamples be asked without ``counts``: then each case counts once."""

    @wraps(metric)
    def asked(
        truth: Truth, predictions: pd.DataFrame, counts: Floats | None = None, **options: Any
    ) -> Floats | float:
        drawn = np.ones((1, len(truth))) if counts is None else counts
        with np.errstate(invalid="ignore"):  # a resample of one class has no ranking: 0 / 0
            values = metric(truth, predictions, drawn, **options)
        return float(values[0]) if counts is None else values

    return asked


@counted
def auc(truth: Truth, predictions: pd.DataFrame, counts: Floats) -> Floats:
    """Area under the ROC curve: how often a random event scores above a random non-event.

    The Mann-Whitney statistic, ties counting half (Hanley and McNeil 1982). NaN for one class.
    """
    events, cases = _below_each_score(truth, predictions, counts)
    others = cases - events
    won_twice = (np.diff(events) * (others[:, :-1] + others[:, 1:])).sum(axis=1)
    return np.asarray(won_twice / 2 / (events[:, -1] * others[:, -1]))


@counted
def gini(truth: Truth, predictions: pd.DataFrame, counts: Floats) -> Floats:
    """Gini coefficient (accuracy ratio), 2 AUC - 1."""
    return np.asarray(2 * auc(truth, predictions, counts) - 1)


@counted
def kolmogorov_smirnov(truth: Truth, predictions: pd.DataFrame, counts: Floats) -> Floats:
    """Greatest distance between the score distributions of events and non-events."""
    events, cases = _below_each_score(truth, predictions, counts)
    others = cases - events
    return np.asarray(np.abs(events / events[:, -1:] - others / others[:, -1:]).max(axis=1))


@counted
def average_precision(truth: Truth, predictions: pd.DataFrame, counts: Floats) -> Floats:
    """Area under the precision-recall steps; a random score gets the share of events."""
    events, cases = _below_each_score(truth, predictions, counts)
    found, flagged = events[:, -1:] - events[:, :-1], cases[:, -1:] - cases[:, :-1]
    precision = found / np.maximum(flagged, 1)  # where nothing is flagged, nothing is found
    return np.asarray((np.diff(events) * precision).sum(axis=1) / events[:, -1])


def _below_each_score(
    truth: Truth, predictions: pd.DataFrame, counts: Floats
) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Return how many events and cases score below each distinct score, lowest first, and then of all.

    Each of shape (draws, scores + 1).
    """
    score = predictions["probability"].to_numpy()
    order = np.argsort(score, kind="stable")
    begins = np.flatnonzero(np.concatenate([[True], np.diff(score[order]) > 0, [True]]))
    drawn = np.take(counts, order, axis=1).astype(int)  # indexing would lay it out by columns
    below = (np.pad(part, [(0, 0), (1, 0)]).cumsum(axis=1) for part in (drawn * truth[order], drawn))
    events, cases = (part.take(begins, axis=1) for part in below)
    return events, cases


@counted
def log_loss(truth: Truth, predictions: pd.DataFrame, counts: Floats) -> Floats:
    """Mean of -ln of the probability given to what happened, in nats."""
    probability = np.clip(predictions["probability"].to_numpy(), EXTREME, 1 - EXTREME)
    return np.asarray(counts @ -(xlogy(truth, probability) + xlogy(1 - truth, 1 - probability)) / len(truth))


@counted
def brier(truth: Truth, predictions: pd.DataFrame, counts: Floats) -> Floats:
    """Mean squared distance of the probability from the outcome (Brier 1950)."""
    return np.asarray(counts @ (predictions["probability"].to_numpy() - truth) ** 2 / len(truth))


@counted
def expected_calibration_error(
    truth: Truth, predictions: pd.DataFrame, counts: Floats, bins: int = 15
) -> Floats:
    """Mean distance between predicted and observed share over bins of equally many cases.

    Naeini, Cooper and Hauskrecht (2015), with equal-mass bins. Cases of one probability fill the bins
    in the order in which they stand in the table, in a resample as well. Its noise floor is not zero:
    see ``calibration_noise``.
    """
    n, probability = len(truth), predictions["probability"].to_numpy()
    order = np.argsort(probability, kind="stable")
    gaps, drawn = (probability - truth)[order], np.take(counts, order, axis=1)
    cases, gap = np.cumsum(drawn.astype(int), axis=1), np.cumsum(drawn * gaps, axis=1)
    ends = _bin_ends(n, bins)
    # a bin may end amid the copies of one case: what lies beyond its end is the next bin's
    at = np.array([np.searchsorted(places, ends) for places in cases])
    beyond = np.take_along_axis(cases, at, axis=1) - ends
    in_bin = np.diff(np.take_along_axis(gap, at, axis=1) - beyond * gaps[at], prepend=0)
    return np.asarray(np.abs(in_bin).sum(axis=1) / n)


def _bin_ends(n: int, bins: int) -> NDArray[np.int_]:
    """Return how many of ``n`` ranked cases lie up to the end of each bin; the first bins are the larger.

    >>> _bin_ends(8, 3)
    array([3, 6, 8])
    """
    bins = min(bins, n)
    return np.cumsum(np.full(bins, n // bins) + (np.arange(bins) < n % bins))


def calibration_noise(probability: NDArray[np.float64], bins: int = 15, seed: int = 0) -> tuple[float, float]:
    """Return mean and 95th percentile of the calibration error that chance alone would give.

    Outcomes are drawn from the probabilities themselves, 200 times: a perfectly calibrated forecast
    scores this on as many cases.
    """
    rng, n = np.random.default_rng(seed), len(probability)
    order, begins = np.argsort(probability, kind="stable"), np.append(0, _bin_ends(n, bins)[:-1])
    drawn = []
    for _ in range(200):
        gaps = probability - (rng.random(n) < probability)
        drawn.append(np.abs(np.add.reduceat(gaps[order], begins)).sum() / n)
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
    return psi(*shares)
