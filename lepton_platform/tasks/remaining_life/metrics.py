"""Metrics of remaining life. A prediction that is too high is late: the worse of the two errors.

Rows of one unit share one weight, so that on the rows of whole lives a metric says what one moment of
each unit, drawn at random, would score; where there is one row per unit, as in a test, it is the plain
metric. Cases whose truth is only a lower bound are left out. ``truth`` is clipped at the cap, which
predictions never exceed, unless the metric's name says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_platform.model.candidate import Metric
from lepton_platform.tasks.remaining_life.censoring import is_known

Floats = NDArray[np.float64]
Score = Callable[[Floats, pd.DataFrame], Floats]
"""Return a number per row from what was left and the predictions."""


def score_terms(late: Floats) -> Floats:
    """Return the terms of the PHM 2008 score for ``late``, predicted less true, in cycles.

    exp(-d/13) - 1 if early, exp(d/10) - 1 if late (Saxena et al. 2008, "Damage propagation modeling
    for aircraft engine run-to-failure simulation", section V.A). The score is their sum.

    >>> score_terms(np.array([-26.0, -13, 0, 10, 20, 40])).round(4)
    array([ 6.3891,  1.7183,  0.    ,  1.7183,  6.3891, 53.5982])
    """
    return np.asarray(np.expm1(np.where(late < 0, -late / 13, late / 10)), dtype=float)


def _late(truth: Floats, predictions: pd.DataFrame) -> Floats:
    return predictions["rul"].to_numpy(dtype=float) - truth


def _squares(truth: Floats, predictions: pd.DataFrame) -> Floats:
    return _late(truth, predictions) ** 2


def _scores(truth: Floats, predictions: pd.DataFrame) -> Floats:
    return score_terms(_late(truth, predictions))


def _inside(truth: Floats, predictions: pd.DataFrame) -> Floats:
    low, high = (predictions[end].to_numpy(dtype=float) for end in ("low", "high"))
    return ((low <= truth) & (truth <= high)).astype(float)


def of_life(cap: float) -> Mapping[str, Metric]:
    """Return the metrics by name, the one that chooses first; ``cap`` is in the unit of time."""

    def mean(score: Score, clip: float = cap, root: bool = False, total: bool = False) -> Callable[..., Any]:
        def metric(truth: NDArray[Any], predictions: pd.DataFrame, counts: Floats) -> Floats:
            known = is_known(truth)
            rows = predictions[known]
            weight = 1 / rows.groupby(level=0).transform("size").to_numpy()
            values = score(np.minimum(truth[known], clip), rows)
            drawn = counts[:, known]
            means = np.divide(drawn @ (weight * values), drawn @ weight)
            units = drawn @ weight
            return np.asarray(np.sqrt(means) if root else means * units if total else means, dtype=float)

        return metric

    positive, share = (0.0, float("inf")), (0.0, 1.0)
    beyond = float("inf")
    return {
        "rmse": Metric(
            mean(_squares, root=True), "lower", "time", positive, "typical error, large ones weighing more"
        ),
        "nasa_score": Metric(
            mean(_scores, total=True), "lower", "", positive,
            "sum over units of a penalty that grows exponentially, faster for late predictions",
        ),
        "mae": Metric(
            mean(lambda t, p: np.abs(_late(t, p))), "lower", "time", positive, "mean absolute error"
        ),
        "bias": Metric(mean(_late), "lower", "time", summary="positive is late: more life than there was"),
        "coverage_90": Metric(
            mean(_inside), "higher", "", share, "share of units inside their 90 % interval; right is 0.90"
        ),
        "interval_width": Metric(
            mean(lambda t, p: (p["high"] - p["low"]).to_numpy(dtype=float)), "lower", "time", positive,
            "mean width of the 90 % interval",
        ),
        "rmse_unclipped": Metric(
            mean(_squares, beyond, root=True), "lower", "time", positive,
            "the RMSE where lives beyond the cap count as they are",
        ),
        "nasa_score_unclipped": Metric(
            mean(_scores, beyond, total=True), "lower", "", positive, "the score, likewise",
        ),
    }  # fmt: skip
