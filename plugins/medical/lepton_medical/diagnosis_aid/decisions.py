"""Answer, refer or refuse: what is done about each picture, and why."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lepton_medical.diagnosis_aid.config import DiagnosisAidConfig
from lepton_platform import Run
from lepton_platform.tasks.image.metrics import probabilities
from lepton_platform.tasks.image.operating_point import OperatingPoint

ANSWER, REFER, REFUSE = "answer", "refer", "refuse"
UNFAMILIAR = "unlike the pictures learned from"


def decide(
    predictions: pd.DataFrame, cases: pd.DataFrame, run: Run, config: DiagnosisAidConfig
) -> pd.DataFrame:
    """Return one decision per picture, in the order of the predictions.

    A picture is *refused* if it cannot be read, or is unlike what the model learned from: then its
    probabilities mean nothing. It is *referred* to a human if no class is sure enough, and else
    *answered*.

    Returns
    -------
    frame
        The predictions, ``decision`` and ``reason``; what is refused has no class in ``predicted``.
    """
    point = OperatingPoint(*run.learned["operating_point"])
    _, sure = point.answers(probabilities(predictions))
    faults = cases["fault"].to_numpy(dtype=object)
    broken, unfamiliar = faults != "", (predictions["familiarity"] < config.unfamiliar).to_numpy()
    unsure = predictions["referred"].to_numpy()
    too_low = [f"not sure enough: {chance:.2f}, below {point.threshold:.2f}" for chance in sure]
    reason = np.select([broken, unfamiliar, unsure], [faults, UNFAMILIAR, too_low], "")
    refused = broken | unfamiliar
    decision = np.select([refused, unsure], [REFUSE, REFER], ANSWER)
    classes = predictions["predicted"].where(~refused)
    return predictions.assign(predicted=classes, decision=decision.astype(object), reason=reason)
