"""Approve, decline or refer: the decision on each applicant, with its reasons and its worth."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_finance.credit_risk.config import CreditRiskConfig
from lepton_finance.credit_risk.costs import stakes
from lepton_finance.credit_risk.reasons import effects, reason_codes
from lepton_platform import Run
from lepton_platform.data.schema import outside

APPROVE, DECLINE, REFER = "approve", "decline", "refer"


def decide(
    predictions: pd.DataFrame, cases: pd.DataFrame, run: Run, config: CreditRiskConfig
) -> pd.DataFrame:
    """Return one decision per applicant.

    An applicant is approved or declined at the cut-off that minimises expected cost, and referred to
    a person where the model should not decide alone: where the 95 % limits of the probability lie on
    both sides of the cut-off, or where an attribute is unlike anything in the training data.

    Returns
    -------
    frame
        ``probability``, ``low``, ``high``, ``cut_off``, ``decision``, ``expected_profit`` (of approving)
        and ``reason_1`` ... ``reason_4`` (of applicants that are not approved).
    """
    at = stakes(cases, config)
    probability = predictions["probability"].to_numpy()
    unsure = (predictions["low"].to_numpy() <= at.cut_off) & (at.cut_off < predictions["high"].to_numpy())
    answer = np.where(probability <= at.cut_off, APPROVE, DECLINE).astype(object)
    answer[unsure | outside(cases, run.schema)] = REFER
    decided = predictions.assign(
        cut_off=at.cut_off, decision=answer, expected_profit=at.expected_profit(probability)
    )
    return decided.join(_reasons(cases, probability, answer != APPROVE, run, config))


def _reasons(
    cases: pd.DataFrame,
    probability: NDArray[np.float64],
    refused: NDArray[np.bool_],
    run: Run,
    config: CreditRiskConfig,
) -> pd.DataFrame:
    empty = reason_codes(pd.DataFrame(index=cases.index), 0)
    if config.reasons == 0 or not refused.any():
        return empty

    def predict(changed: pd.DataFrame) -> NDArray[np.float64]:
        return run.hooks.predict(run.model, changed)["probability"].to_numpy()

    effect = effects(cases[refused], probability[refused], run.learned["typical"], predict)
    codes = reason_codes(effect, config.reasons)
    return codes.reindex(cases.index).where(lambda table: table.notna(), None)
