"""Binary task, report stage: is the probability right, how well does it rank, what drives it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_platform.hookspecs import hookimpl
from lepton_platform.model import evaluation
from lepton_platform.model.what_if import what_if
from lepton_platform.report import figures
from lepton_platform.report.section import Section
from lepton_platform.report.verdict import label, number
from lepton_platform.tasks.binary.metrics import calibration_noise, calibration_slope

if TYPE_CHECKING:
    from lepton_platform.run import Run

MOST_CASES = 500
"""Hold-out cases on which columns are shuffled for their importance."""


@hookimpl
def lepton_sections(run: Run) -> Sequence[Section]:
    """Calibration, ranking, and the columns that matter."""
    truth, probability = run.truth.to_numpy(), run.predictions["probability"].to_numpy()
    ranking = figures.roc(truth, {"model": probability})
    return [
        Section(
            "Can the probability be trusted?",
            [_calibration(run), figures.reliability(truth, probability)],
            30,
        ),
        Section("How well does it rank?", ranking, 35),
        Section("Which columns matter", _importance(run), 40),
    ]


def _importance(run: Run) -> Sequence[Any]:
    losses = importance(run)
    told = losses[losses > 0].head(15)
    explained = (
        "Each column was shuffled among held-out cases while all others stayed; the bar is how much worse "
        f"the model then did ({label(run.selected_by)}). Columns that say the same thing share their "
        f"importance. {len(losses) - (losses > 0).sum()} columns made no difference here."
    )
    return [explained, figures.bars(told, "", "loss when shuffled")] if len(told) else [explained]


def _calibration(run: Run) -> str:
    probability = run.predictions["probability"].to_numpy()
    typical, extreme = calibration_noise(probability, seed=run.seed)
    error = run.scores["ece"].value
    slope = calibration_slope(run.truth.to_numpy(), run.predictions)
    judged = (
        "is no more than chance would give a perfect forecast"
        if error <= extreme
        else "is more than chance explains: check it on new cases before relying on the percentages"
    )
    return (
        f"Mean predicted probability {probability.mean():.1%}, observed share {run.truth.mean():.1%}. "
        f"The calibration error of {number(error)} {judged} (on as many cases, a perfect forecast "
        f"scores {number(typical)} on average and {number(extreme)} at most, in 95 of 100 draws). "
        f"The calibration slope is {number(slope)}; 1 is right, below 1 means too extreme."
    )


def importance(run: Run) -> pd.Series[float]:
    """Return each column's permutation importance in the metric that chose the model.

    Breiman, Random Forests (2001), on held-out cases: positive is how much worse without it.
    """
    rng = np.random.default_rng(run.seed)
    rows = rng.permutation(len(run.test.cases))[:MOST_CASES]
    cases, truth = run.test.cases.iloc[rows], run.truth.to_numpy()[rows]
    metric = run.metrics[run.selected_by]
    sign = 1.0 if metric.better == "higher" else -1.0
    predictions = run.predictions.iloc[rows]
    whole = evaluation.call(metric, truth, predictions, cases)
    shuffled = {
        name: cases[name].take(rng.permutation(len(cases))).set_axis(cases.index) for name in cases.columns
    }

    def predict(changed: pd.DataFrame) -> NDArray[np.float64]:
        return run.hooks.predict(run.model, changed)["probability"].to_numpy()

    answers = what_if(predict, cases, predictions["probability"].to_numpy(), shuffled)
    losses = {
        name: sign * (whole - evaluation.call(metric, truth, pd.DataFrame({"probability": answer}), cases))
        for name, answer in answers.items()
    }
    return pd.Series(losses).sort_values(ascending=False)
