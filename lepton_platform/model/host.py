"""The host's own part in the model stage: choosing a candidate, and judging predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from lepton_platform.data.dataset import Dataset, Split
from lepton_platform.hookspecs import hookimpl
from lepton_platform.model import evaluation, selection
from lepton_platform.model.candidate import Candidate, Metric
from lepton_platform.model.evaluation import Estimate

if TYPE_CHECKING:
    from lepton_platform.run import Run


@hookimpl
def lepton_train(
    dataset: Dataset,
    split: Split,
    candidates: Mapping[str, Candidate],
    metrics: Mapping[str, Metric],
    run: Run,
) -> Any:
    """The candidate that is best out of fold, fitted on all training cases."""
    return selection.select(run, dataset, split, candidates, metrics)


@hookimpl
def lepton_update(model: Any) -> Any:
    """A model stays as it is while it is watched."""
    return model


@hookimpl
def lepton_evaluate(
    predictions: pd.DataFrame,
    truth: pd.Series[Any],
    cases: pd.DataFrame,
    metrics: Mapping[str, Metric],
    run: Run,
) -> Mapping[str, Estimate]:
    """Each metric with its bootstrap interval over cases or, where they have groups, over those."""
    return evaluation.evaluate(metrics, truth.to_numpy(), predictions, cases, run.seed, run.test.groups)
