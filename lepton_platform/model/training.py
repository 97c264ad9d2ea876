"""Cross-validates candidates within a budget: what all tasks' training shares."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from lepton_platform import store
from lepton_platform.data.dataset import Dataset, Split
from lepton_platform.engine.protocol import DeadlineError
from lepton_platform.errors import RunError, UnknownNameError
from lepton_platform.model import evaluation
from lepton_platform.model.candidate import Candidate
from lepton_platform.model.ratio import Ratio

if TYPE_CHECKING:
    import optuna

    from lepton_platform.model.candidate import Metric
    from lepton_platform.run import Run

CHECKPOINTS = Path("work", "checkpoints")
"""Where in the run folder unfinished fits keep what they need to go on."""
TRIALS = 40
"""Most tuning trials of one candidate."""


@dataclass
class Contender:
    """A candidate in the cross-validation: its pipeline and how it did."""

    name: str
    candidate: Candidate
    pipeline: Pipeline
    """Unfitted: the run's steps, then the estimator."""
    out_of_fold: pd.DataFrame | None = None
    """Predictions for the training cases that folds score, by fits that had not seen them.

    ``None``: not finished."""
    fitted: Pipeline | None = None
    """On all training cases, where that had to be done within the budget."""
    seconds: float = 0.0
    prediction_seconds: float = 0.0
    """Spent on predicting all training cases once or, with repeated folds, several times."""
    status: Literal["finished", "out of time"] = "finished"


def contenders(run: Run, dataset: Dataset, candidates: Mapping[str, Candidate]) -> list[Contender]:
    """Return the candidates that the run asks for, with their pipelines: baselines, brief ones, by order."""
    choosable = [name for name, candidate in candidates.items() if not candidate.baseline]
    for name in run.options.models:
        if name not in choosable:
            raise UnknownNameError("model", name, choosable, owner=run.application_id)
    chosen = {
        name: candidate
        for name, candidate in candidates.items()
        if candidate.baseline or not run.options.models or name in run.options.models
    }
    ordered = sorted(chosen.items(), key=lambda item: _turn(item[1]))
    return [Contender(name, one, _pipeline(run, dataset, name, one)) for name, one in ordered]


def _turn(candidate: Candidate) -> tuple[bool, bool, int]:
    return not candidate.baseline, not candidate.brief, candidate.order


def _pipeline(run: Run, dataset: Dataset, name: str, candidate: Candidate) -> Pipeline:
    steps = run.steps_for(candidate.origin, dataset) if candidate.steps else []
    estimator = clone(candidate.estimator)
    seeded = dict.fromkeys(_parameters(estimator, "random_state"), run.seed)
    return Pipeline([*steps, ("estimator", estimator.set_params(**seeded))])


def _parameters(estimator: Any, name: str) -> list[str]:
    """Return the estimator's parameter of this name and those of the estimators inside."""
    return [key for key in estimator.get_params() if key.rpartition("__")[2] == name]


def scored(split: Split) -> NDArray[np.intp]:
    """Return the positions of the training cases that folds score: all, or those after the first origin."""
    return np.unique(np.concatenate([held for _, held in split.folds]))


def cross_validate(run: Run, dataset: Dataset, split: Split, field: list[Contender]) -> None:
    """Fill in each contender's out-of-fold predictions; ``dataset`` holds the training cases only.

    A finished contender's predictions are kept in the run folder, so that a resumed run does not
    fit it again. With a budget, a contender is finished only when it is also fitted on all cases:
    whatever has finished by the deadline can be used at once.
    """
    for number, contender in enumerate(field):
        run.hooks.progress(number, len(field), f"cross-validating {contender.name}")
        if number == 1:
            _leave_time_to_judge(run, dataset.take(scored(split)), field)
        kept = run.folder / "work" / f"{_slug(contender.name)}.parquet"
        if kept.exists() and run.deadline is None:
            table = pd.read_parquet(kept)
            contender.seconds = float(table.pop("seconds").iloc[0])
            contender.out_of_fold = table.set_axis(dataset.cases.index[scored(split)])
            continue
        try:
            _cross_validate_one(run, dataset, split, contender)
        except DeadlineError:
            contender.status = "out of time"
            run.log(f"{contender.name} was not finished within the budget")
            continue
        assert contender.out_of_fold is not None
        _leave_time_to_explain(run, dataset, contender)
        kept.parent.mkdir(exist_ok=True)
        with store.replacing(kept) as path:
            contender.out_of_fold.reset_index(drop=True).assign(seconds=contender.seconds).to_parquet(path)
        run.log(f"cross-validated {contender.name} in {contender.seconds:.1f} s")
    run.hooks.progress(len(field), len(field), "choosing")
    if all(one.out_of_fold is None for one in field if not one.candidate.baseline):
        raise RunError(
            f"no candidate was finished within the budget of {run.options.budget:g} s. "
            "Give more time, or name a fast candidate with --models."
        )


def _leave_time_to_judge(run: Run, dataset: Dataset, field: list[Contender]) -> None:
    """Move the deadline forward by twice what judging will cost, as measured on the baseline."""
    if run.deadline is None or dataset.target is None or field[0].out_of_fold is None:
        return
    begun = time.perf_counter()
    resampled = (one for one in run.metrics.values() if not isinstance(one.function, Ratio))  # these only add
    for metric in resampled:
        evaluation.call(metric, dataset.target.to_numpy(), field[0].out_of_fold, dataset.cases)
    per_case = (time.perf_counter() - begun) / len(dataset.cases)
    held_out = len(run.test.cases)
    judged = 3 * held_out * evaluation.draws_for(held_out)  # model, baseline, their difference
    run.deadline -= 2 * per_case * judged


def _leave_time_to_explain(run: Run, dataset: Dataset, contender: Contender) -> None:
    """Move the deadline forward by what predicting the hold-out once per column will cost."""
    if run.deadline is not None:
        per_case = contender.prediction_seconds / len(dataset.cases)
        run.deadline -= per_case * len(run.test.cases) * (len(run.schema.columns) + 2)


def _cross_validate_one(run: Run, dataset: Dataset, split: Split, contender: Contender) -> None:
    assert dataset.target is not None
    X, y = dataset.cases, dataset.target
    checkpoints = run.folder / CHECKPOINTS
    calls = [(contender.pipeline, X.iloc[rows], y.iloc[rows], checkpoints) for rows, _ in split.folds]
    if run.deadline is not None:
        calls.append((contender.pipeline, X, y, checkpoints))
    parts, order = [], []
    for number, (fitted, seconds) in enumerate(_fits(run, contender.candidate, calls)):
        contender.seconds += seconds
        if number == len(split.folds):
            contender.fitted = fitted
            break
        held = split.folds[number][1]
        begun = time.perf_counter()
        parts.append(run.hooks.predict(fitted, X.iloc[held]))
        contender.prediction_seconds += time.perf_counter() - begun
        order.append(held)
    # several for a case, if folds are repeated; what is no number has no mean
    by_case = pd.concat(parts).groupby(np.concatenate(order)).mean(numeric_only=True)
    contender.out_of_fold = by_case.set_axis(X.index[by_case.index])


def _fits(run: Run, candidate: Candidate, calls: list[tuple[Any, ...]]) -> Iterator[Any]:
    """Yield the fitted pipeline of each call and its seconds; raise ``DeadlineError`` when time is over."""
    if run.deadline is None or not (candidate.brief or candidate.baseline):
        yield from run.engine.map(fit, calls, run.deadline)
        return
    for call in calls:
        if time.monotonic() >= run.deadline:
            raise DeadlineError
        yield fit(*call)


def fit(pipeline: Pipeline, X: pd.DataFrame, y: pd.Series[Any], checkpoints: Path) -> tuple[Pipeline, float]:
    """Return a fitted clone and the seconds it took.

    An estimator with a parameter ``checkpoints`` has that folder while it is fitted, to go on from
    after a crash.
    """
    begun = time.perf_counter()
    fresh = clone(pipeline)
    takers = _parameters(fresh, "checkpoints")
    fitted = fresh.set_params(**dict.fromkeys(takers, checkpoints)).fit(X, y)
    return fitted.set_params(**dict.fromkeys(takers, None)), time.perf_counter() - begun


def choosable(field: Iterable[Contender]) -> dict[str, Contender]:
    """Return the contenders that were cross-validated and are no baselines, by name."""
    return {one.name: one for one in field if one.out_of_fold is not None and not one.candidate.baseline}


def refit_baseline(run: Run, dataset: Dataset, field: Iterable[Contender]) -> Pipeline:
    """Return the first baseline fitted on all training cases."""
    return refit(run, dataset, next(one for one in field if one.candidate.baseline))


def refit_members(run: Run, dataset: Dataset, members: Sequence[Contender]) -> list[Pipeline]:
    """Return each of the blend's members fitted on all training cases."""
    fitted = []
    for number, member in enumerate(members):
        run.hooks.progress(number, len(members), f"fitting {member.name} on all training cases")
        fitted.append(refit(run, dataset, member))
    return fitted


def refit(run: Run, dataset: Dataset, contender: Contender) -> Pipeline:
    """Return the contender fitted on all training cases."""
    assert dataset.target is not None
    if contender.fitted is None:
        call = (contender.pipeline, dataset.cases, dataset.target, run.folder / CHECKPOINTS)
        ((contender.fitted, seconds),) = run.engine.map(fit, [call], None)
        contender.seconds += seconds
    return contender.fitted


def tune(
    run: Run, dataset: Dataset, split: Split, field: list[Contender], metric: Metric
) -> Iterator[Contender]:
    """Search better parameters in the time that the budget leaves; yield what beats its original.

    Optuna's tree-structured Parzen estimator, seeded, the candidate's own parameters being the
    first trial. The contender with the best score is tuned first.
    """
    if run.deadline is None:
        return
    ready = [one for one in field if one.candidate.search is not None and one.out_of_fold is not None]
    scored = sorted(ready, key=lambda one: -worth(metric, dataset, one))
    for contender in scored:
        # a trial costs what the cross-validation did; below three there is nothing to search
        if time.monotonic() + 3 * contender.seconds > run.deadline:
            continue
        if (better := _tune_one(run, dataset, split, contender, metric)) is not None:
            yield better


def _tune_one(
    run: Run, dataset: Dataset, split: Split, contender: Contender, metric: Metric
) -> Contender | None:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=run.seed))
    best, best_value = None, worth(metric, dataset, contender)
    for number in range(TRIALS):
        run.hooks.progress(number, TRIALS, f"tuning {contender.name}")
        trial = study.ask()
        trying = _trial_of(contender, trial)
        try:
            _cross_validate_one(run, dataset, split, trying)
        except DeadlineError:
            break
        value = worth(metric, dataset, trying)
        study.tell(trial, value)
        if value > best_value:
            best, best_value = trying, value
    run.log(f"tuned {contender.name}: {len(study.trials)} trials")
    return best


def _trial_of(contender: Contender, trial: optuna.Trial) -> Contender:
    assert contender.candidate.search is not None
    found = {f"estimator__{key}": value for key, value in contender.candidate.search(trial).items()}
    pipeline = clone(contender.pipeline).set_params(**found)
    return Contender(f"{contender.name} (tuned)", contender.candidate, pipeline)


def worth(metric: Metric, dataset: Dataset, contender: Contender) -> float:
    """Return the contender's out-of-fold metric, the sign turned so that more is better."""
    assert dataset.target is not None and contender.out_of_fold is not None
    value = evaluation.call(metric, dataset.target.to_numpy(), contender.out_of_fold, dataset.cases)
    return value if metric.better == "higher" else -value


def _slug(name: str) -> str:
    """Return a file name for a candidate; names that differ get files that differ."""
    readable = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    return f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
