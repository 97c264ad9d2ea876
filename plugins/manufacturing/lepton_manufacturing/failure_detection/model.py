"""Failure detection, model stage: derived quantities for all candidates; what decisions cost."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier

from lepton_manufacturing.failure_detection.config import FailureConfig
from lepton_manufacturing.failure_detection.derived import DerivedQuantities
from lepton_platform import Candidate, Metric, Step, hookimpl

Floats = NDArray[np.float64]

LARGER_TREES = LGBMClassifier(
    n_estimators=300, learning_rate=0.05, num_leaves=31, min_child_samples=15, subsample=0.8,
    subsample_freq=1, colsample_bytree=0.8, random_state=0, n_jobs=1, deterministic=True,
    force_col_wise=True, verbose=-1,
)  # fmt: skip


@hookimpl
def lepton_steps() -> Mapping[str, Step]:
    """Quantities between columns, for every candidate, after the table is cleaned."""
    return {"derived": Step(DerivedQuantities(), order=20)}


@hookimpl
def lepton_models() -> Mapping[str, Candidate]:
    """Larger trees, for rules of several columns; never to stop, as a rule to be beaten."""
    return {
        "never stop": Candidate(DummyClassifier(strategy="constant", constant=0), steps=False, baseline=True),
        "larger trees": Candidate(LARGER_TREES),
    }


@hookimpl
def lepton_metrics(config: FailureConfig) -> Mapping[str, Metric]:
    """What the decisions cost, at the cut-off that the costs imply; agreement beyond chance."""

    def cost_per_1000(truth: NDArray[np.int_], predictions: pd.DataFrame, counts: Floats) -> Floats:
        stopped = predictions["probability"].to_numpy() > config.cut_off()
        cost = np.where(stopped, (1 - truth) * config.cost_of_stop, truth * config.cost_of_miss)
        return np.asarray(1000 * (counts @ cost) / len(truth), dtype=float)

    said = "cost of missed failures and needless stops, per 1,000 cases"
    return {"cost_per_1000": Metric(cost_per_1000, "lower", "units of cost", (0.0, float("inf")), said)}
