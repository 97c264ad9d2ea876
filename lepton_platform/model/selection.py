"""Training without a rule of the task's own: the candidate that is best out of fold becomes the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sklearn.pipeline import Pipeline

from lepton_platform.data.dataset import Dataset, Split
from lepton_platform.errors import HookError
from lepton_platform.model import training
from lepton_platform.model.candidate import Candidate, Metric
from lepton_platform.model.leaderboard import facts, leaderboard

if TYPE_CHECKING:
    from lepton_platform.run import Run


def select(
    run: Run,
    dataset: Dataset,
    split: Split,
    candidates: Mapping[str, Candidate],
    metrics: Mapping[str, Metric],
) -> Pipeline:
    """Cross-validate and tune the candidates, and return the best one fitted on all training cases.

    Best by the metric that the run selects by; of equals, the one that was named first. Sets the
    run's baseline, out-of-fold predictions and leaderboard. The winner's own score there is
    slightly too good, for it was chosen by it.

    Raises
    ------
    HookError
        No layer names a baseline, or none names anything else.
    """
    train, metric = dataset.take(split.train), metrics[run.selected_by]
    field = training.contenders(run, train, candidates)
    baselines = [one for one in field if one.candidate.baseline]
    if not baselines or len(baselines) == len(field):
        lacking = "candidate" if baselines else "baseline, a Candidate(..., baseline=True)"
        raise HookError(f"{run.application_id} has no {lacking}: name one in lepton_models")
    training.cross_validate(run, train, split, field)
    field += list(training.tune(run, train, split, field, metric))

    ready = training.choosable(field).values()
    chosen = max(ready, key=lambda one: training.worth(metric, train, one))
    run.hooks.progress(0, 1, f"fitting {chosen.name} on all training cases")
    model = training.refit(run, train, chosen)
    run.baseline = training.refit(run, train, baselines[0])
    assert chosen.out_of_fold is not None
    run.out_of_fold = chosen.out_of_fold
    said = {one.name: facts(one) for one in field}
    said[chosen.name]["status"] = "chosen"
    rows = [(said[one.name], one.out_of_fold) for one in field]
    run.leaderboard = leaderboard(rows, train, split, metrics, run.selected_by)
    return model
