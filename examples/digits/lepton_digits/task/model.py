"""Digits, model stage: the baseline, the metrics, and the table of predictions. Training is the host's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier

from lepton_digits.task import metrics
from lepton_platform import Candidate, Metric, hookimpl


@hookimpl
def lepton_models() -> Mapping[str, Candidate]:
    """The most frequent digit, with the digits' shares as probabilities."""
    return {"most frequent": Candidate(DummyClassifier(strategy="prior"), steps=False, baseline=True)}


@hookimpl
def lepton_metrics() -> Mapping[str, Metric]:
    """Accuracy chooses; log loss judges the probabilities; F1 gives every digit the same weight."""
    unit = (0.0, 1.0)
    return {
        "accuracy": Metric(metrics.accuracy, "higher", bounds=unit, summary="share of pictures read right"),
        "log_loss": Metric(
            metrics.log_loss, "lower", "nats", (0.0, float("inf")), "penalty for being sure and wrong"
        ),
        "macro_f1": Metric(
            metrics.macro_f1, "higher", bounds=unit, summary="as accuracy, but rare digits count as much"
        ),
    }


@hookimpl
def lepton_predict(model: Any, cases: pd.DataFrame) -> pd.DataFrame:
    """Columns ``p_0`` ... ``p_9``, probabilities that sum to 1, and ``predicted``, the likeliest digit."""
    table = pd.DataFrame(0.0, index=cases.index, columns=metrics.PROBABILITIES)
    if len(cases) > 0:  # estimators of scikit-learn's contract refuse an empty table
        table[[f"p_{digit}" for digit in model.classes_]] = model.predict_proba(cases)
    return table.assign(predicted=np.argmax(table.to_numpy(), axis=1))
