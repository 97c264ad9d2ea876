"""Measures of a probability of default, from scikit-learn and numpy: not the application's own code.

``y`` is 1 for a bad loan, shape (n,); ``p`` is its predicted probability of being bad, shape (n,).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score, roc_curve

Floats = NDArray[np.float64]
Outcomes = NDArray[np.int_]

CUT_OFF = 1 / 6
"""Refuse above it: the Bayes rule where a missed bad costs 5 and a refused good 1."""
BINS = 15
DRAWS = 1000


def cost_by_row(y: Outcomes, p: Floats) -> Floats:
    """Cost of each decision at the fixed cut-off, shape (n,): 5 a missed bad, 1 a refused good."""
    refused = p > CUT_OFF
    return np.where(refused, 1.0 - y, 5.0 * y)


def calibration_error(y: Outcomes, p: Floats) -> float:
    """Expected calibration error over 15 bins of equally many rows."""
    bins = np.array_split(np.argsort(p, kind="stable"), BINS)
    return float(sum(abs(p[rows].sum() - y[rows].sum()) for rows in bins) / len(y))


def calibration_floor(p: Floats) -> tuple[float, float]:
    """Mean and 95th percentile of the calibration error if ``p`` were perfectly right."""
    rng = np.random.default_rng(0)
    errors = [calibration_error((rng.random(len(p)) < p).astype(int), p) for _ in range(300)]
    return float(np.mean(errors)), float(np.quantile(errors, 0.95))


def kolmogorov_smirnov(y: Outcomes, p: Floats) -> float:
    """Greatest distance between the score distributions of bads and goods."""
    false, true, _ = roc_curve(y, p)
    return float(np.max(true - false))


def measures(y: Outcomes, p: Floats) -> dict[str, float]:
    """Return every measure of one fold."""
    floor, floor_95 = calibration_floor(p)
    return {
        "auc": float(roc_auc_score(y, p)),
        "log_loss": float(log_loss(y, np.clip(p, 1e-9, 1 - 1e-9))),
        "brier": float(brier_score_loss(y, p)),
        "ece": calibration_error(y, p),
        "floor": floor,
        "floor_95": floor_95,
        "ks": kolmogorov_smirnov(y, p),
        "cost": float(cost_by_row(y, p).mean()),
    }


# ---------------------------------------------------------------------------- paired intervals

Folds = list[tuple[Outcomes, Floats, Floats]]
"""Outcomes, our probabilities and the peer's, by fold."""


def cost_difference(folds: Folds) -> tuple[float, float, float]:
    """Our cost per row less the peer's, and its 95 % interval over rows; below 0 we are cheaper."""
    differences = [cost_by_row(y, ours) - cost_by_row(y, theirs) for y, ours, theirs in folds]
    value = float(np.mean([part.mean() for part in differences]))
    return value, *_interval(differences, lambda part, counts: float(part @ counts) / len(part))


def auc_difference(folds: Folds) -> tuple[float, float, float]:
    """Our AUC less the peer's, mean over folds, and its 95 % interval over rows; above 0 we rank better."""
    pairs = [(WeightedAuc(y, ours), WeightedAuc(y, theirs)) for y, ours, theirs in folds]
    value = float(np.mean([a(np.ones(len(a))) - b(np.ones(len(b))) for a, b in pairs]))
    return value, *_interval(pairs, lambda pair, counts: pair[0](counts) - pair[1](counts))


def _interval(parts: Sequence[Any], statistic: Callable[[Any, Floats], float]) -> tuple[float, float]:
    """Percentile bootstrap of the mean over folds of ``statistic(part, counts)``.

    Rows are drawn with replacement within each fold; ``counts`` says how often each was drawn.
    """
    rng = np.random.default_rng(0)
    draws = [
        np.mean(
            [
                statistic(part, drawn(rng, len(part if isinstance(part, np.ndarray) else part[0])))
                for part in parts
            ]
        )
        for _ in range(DRAWS)
    ]
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


def drawn(rng: np.random.Generator, n: int) -> Floats:
    """How often each of ``n`` rows is drawn in ``n`` draws with replacement, shape (n,)."""
    return np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64)


class WeightedAuc:
    """AUC of one score under many weightings of its rows: sorted once, ties counting half."""

    def __init__(self, y: Outcomes, p: Floats) -> None:
        self._y = y
        self._place = np.unique(p, return_inverse=True)[1]

    def __len__(self) -> int:
        return len(self._y)

    def __call__(self, counts: Floats) -> float:
        bads = np.bincount(self._place, counts * self._y)
        goods = np.bincount(self._place, counts * (1 - self._y))
        below = np.cumsum(goods) - goods / 2
        return float(bads @ below / (bads.sum() * goods.sum()))
