"""The leaderboard: who took part, judged out of fold on the training cases, the best on top."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lepton_platform.data.dataset import Dataset, Split
from lepton_platform.model import evaluation
from lepton_platform.model.training import Contender, scored

if TYPE_CHECKING:
    from lepton_platform.model.candidate import Metric


def facts(contender: Contender, **more: Any) -> dict[str, Any]:
    """Return what a contender's row says beside its scores."""
    status = "baseline" if contender.candidate.baseline else contender.status
    named = {"model": contender.name, "from": contender.candidate.origin, "status": status}
    return {**named, **more, "seconds": round(contender.seconds, 2)}


def beside_blend(
    field: Iterable[Contender], weights: Mapping[str, float], blended: pd.DataFrame, name: str
) -> Iterator[tuple[dict[str, Any], pd.DataFrame | None]]:
    """Yield the row of each contender, with its weight in the blend, and the blend's own, called ``name``."""
    seconds = 0.0
    for one in field:
        weight = np.nan if one.candidate.baseline else weights.get(one.name, 0.0)
        seconds += one.seconds
        yield facts(one, weight=weight), one.out_of_fold
    said = {"model": name, "from": "host", "status": "chosen", "weight": 1.0, "seconds": round(seconds, 2)}
    yield said, blended


def leaderboard(
    rows: Iterable[tuple[Mapping[str, Any], pd.DataFrame | None]],
    train: Dataset,
    split: Split,
    metrics: Mapping[str, Metric],
    selected: str,
) -> pd.DataFrame:
    """Return one row per contender: its facts, then every metric of its out-of-fold predictions.

    The metric called ``selected`` comes first, with its interval over the folds (``low``, ``high``),
    and orders the rows; who has no predictions has no scores and stands at the bottom.
    """
    judged = [
        {**said, **(_scores(predictions, train, split, metrics, selected) if predictions is not None else {})}
        for said, predictions in rows
    ]
    ascending = metrics[selected].better == "lower"
    return pd.DataFrame(judged).sort_values(selected, ascending=ascending, kind="stable", ignore_index=True)


def _scores(
    predictions: pd.DataFrame, train: Dataset, split: Split, metrics: Mapping[str, Metric], selected: str
) -> dict[str, float]:
    assert train.target is not None
    known = scored(split)
    y, cases = train.target.to_numpy()[known], train.cases.iloc[known]
    scores = {name: evaluation.call(metric, y, predictions, cases) for name, metric in metrics.items()}
    by_fold = [
        evaluation.call(metrics[selected], y[rows], predictions.iloc[rows], cases.iloc[rows])
        for rows in (
            np.searchsorted(known, held) for _, held in split.folds[: len(split.folds) // split.repeats]
        )
    ]
    low, high = evaluation.over_folds(scores[selected], by_fold, metrics[selected].bounds)
    return {selected: scores[selected], "low": low, "high": high, **scores}
