"""Failure detection, report stage: stop or go on, what that costs, and which quantities were found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lepton_manufacturing.failure_detection.config import FailureConfig
from lepton_manufacturing.failure_detection.derived import DerivedQuantities, named
from lepton_platform import Run, Section, hookimpl
from lepton_platform.report import figures

STOP, GO = "stop", "go on"


@hookimpl
def lepton_decide(predictions: pd.DataFrame, config: FailureConfig) -> pd.DataFrame:
    """Stop where the expected cost of going on is greater."""
    probability = predictions["probability"].to_numpy()
    return predictions.assign(
        decision=np.where(probability > config.cut_off(), STOP, GO).astype(object),
        cost_of_going_on=probability * config.cost_of_miss,
    )


@hookimpl
def lepton_summary(run: Run, config: FailureConfig) -> Mapping[str, Any]:
    """Stops, failures found, and the cost against never stopping."""
    truth, stopped = run.truth.to_numpy(), (run.decisions["decision"] == STOP).to_numpy()
    found, needless = int((stopped & (truth == 1)).sum()), int((stopped & (truth == 0)).sum())
    cost, never = run.scores["cost_per_1000"], 1000 * config.cost_of_miss * float(truth.mean())
    words = (
        f"Of {int(truth.sum()):,} failures among {len(truth):,} cases, {found:,} were stopped, with "
        f"{needless:,} needless stops: a cost of {cost.value:.1f} per 1,000 cases ({cost.low:.1f} to "
        f"{cost.high:.1f}), against {never:.1f} if nothing were stopped."
    )
    return {
        "cases": len(truth), STOP: int(stopped.sum()), GO: int((~stopped).sum()), "found": found,
        "needless": needless, "cost_per_1000": cost.value, "cost_per_1000_never": never, "in_words": words,
    }  # fmt: skip


@hookimpl
def lepton_sections(run: Run, config: FailureConfig) -> Sequence[Section]:
    """The cost by where the line is drawn, and the derived quantities."""
    return [
        Section("Where to draw the line", _cost_curve(run, config), 32),
        Section("Quantities between columns", _derived(run), 42),
    ]


def _cost_curve(run: Run, config: FailureConfig) -> Sequence[Any]:
    truth, probability = run.truth.to_numpy(), run.predictions["probability"].to_numpy()
    lines = np.geomspace(1e-3, 0.9, 60)
    stopped = probability[None] > lines[:, None]
    cost = np.where(stopped, (1 - truth) * config.cost_of_stop, truth * config.cost_of_miss).mean(axis=1)
    said = (
        f"A stop is worth it from a probability of {config.cut_off():.3f} on, by the costs given. The curve "
        "is what other lines would have cost on the held-out cases; the least of it was not chosen."
    )
    drawn = figures.curve(
        np.log10(lines), {"cost": 1000 * cost}, "log10 of the probability", "cost per 1,000",
        mark=(float(np.log10(config.cut_off())), run.scores["cost_per_1000"].value),
    )  # fmt: skip
    return [said, drawn]


def _derived(run: Run) -> Sequence[Any]:
    found = next(iter(run.model.named_members.values())).named_steps.get("derived")
    if not isinstance(found, DerivedQuantities):
        return ["The model looks for none."]
    losses = pd.DataFrame(found.losses_.items(), columns=["derived columns", "inner log loss"])
    kept = ", ".join(named(pair) for pair in found.pairs_[:10]) or "none"
    said = (
        f"{len(found.pairs_)} products, ratios and differences were kept, as many as had the least log loss "
        f"in an inner cross-validation: {kept}."
    )
    return [said, losses]
