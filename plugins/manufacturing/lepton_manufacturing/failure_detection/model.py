"""Failure detection, model stage: trees that look for derived quantities; what decisions cost."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier

from lepton_manufacturing.failure_detection.config import FailureConfig
from lepton_manufacturing.failure_detection.derived import DerivedBoosting
from lepton_platform import Candidate, Metric, hookimpl

Floats = NDArray[np.float64]


@hookimpl
def lepton_models() -> Mapping[str, Candidate]:
    """Boosted trees on derived quantities; stopping always, and never, as rules to be beaten."""
    return {
        "never stop": Candidate(DummyClassifier(strategy="constant", constant=0), steps=False, baseline=True),
        "derived quantities": Candidate(DerivedBoosting()),
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
