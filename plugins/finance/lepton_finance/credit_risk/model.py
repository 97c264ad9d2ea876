"""Credit risk, model stage: the scorecard as a candidate, the cost of decisions, and what is typical."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier

from lepton_finance.credit_risk.config import CreditRiskConfig
from lepton_finance.credit_risk.costs import Floats, stakes, unit
from lepton_finance.credit_risk.reasons import typical_approved
from lepton_finance.credit_risk.scorecard import Scorecard, WeightOfEvidence
from lepton_platform import Candidate, Dataset, Metric, Run, Split, hookimpl


@hookimpl
def lepton_models(run: Run, config: CreditRiskConfig) -> Mapping[str, Candidate]:
    """A points scorecard beside the task's candidates; the two rules that need no model."""
    return {
        "approve all": Candidate(
            DummyClassifier(strategy="constant", constant=0), steps=False, baseline=True
        ),
        "decline all": Candidate(
            DummyClassifier(strategy="constant", constant=1), steps=False, baseline=True
        ),
        "scorecard": Candidate(scorecard(run, config), steps=False),
    }


def scorecard(run: Run, config: CreditRiskConfig) -> Scorecard:
    """Return the unfitted scorecard, on raw columns: it bins missing values and special codes itself."""
    special = {column.name: list(column.special) for column in run.schema.columns if column.special}
    binning = WeightOfEvidence(special=special)
    return Scorecard(binning, pdo=config.pdo, base_points=config.base_points, base_odds=config.base_odds)


@hookimpl
def lepton_metrics(config: CreditRiskConfig) -> Mapping[str, Metric]:
    """What the decisions cost, at the cut-off that the costs imply."""

    def expected_cost(
        truth: NDArray[np.int_], predictions: pd.DataFrame, cases: pd.DataFrame, counts: Floats
    ) -> Floats:
        at = stakes(cases, config)
        approved = predictions["probability"].to_numpy() <= at.cut_off
        return np.asarray(counts @ at.cost(truth, approved) / len(truth))

    said = "cost of wrong decisions per applicant: defaults that were approved, good loans that were refused"
    return {"expected_cost": Metric(expected_cost, "lower", unit(config), (0.0, float("inf")), said)}


@hookimpl(wrapper=True)
def lepton_train(
    dataset: Dataset, split: Split, run: Run, config: CreditRiskConfig
) -> Generator[None, Any, Any]:
    """Keep what approved applicants typically look like, from the training cases alone."""
    model = yield
    cases = dataset.cases.iloc[split.train]
    probability = run.out_of_fold["probability"].to_numpy()
    approved = probability <= stakes(cases, config).cut_off
    run.learned["typical"] = typical_approved(cases, probability, approved, run.schema)
    return model
