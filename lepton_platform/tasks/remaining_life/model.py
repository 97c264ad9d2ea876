"""Remaining-life task, model stage: candidates over whole units, their blend, and its spread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_platform.data.dataset import Dataset, Split, Step
from lepton_platform.hookspecs import hookimpl
from lepton_platform.model import training
from lepton_platform.model.candidate import Candidate, Metric
from lepton_platform.model.ensemble import greedy_weights
from lepton_platform.model.leaderboard import beside_blend, leaderboard
from lepton_platform.model.training import Contender
from lepton_platform.tasks.remaining_life import metrics as life_metrics
from lepton_platform.tasks.remaining_life.baselines import AgeOnly
from lepton_platform.tasks.remaining_life.blend import LifeBlend
from lepton_platform.tasks.remaining_life.boosting import LifeBoosting
from lepton_platform.tasks.remaining_life.censoring import BuckleyJames, is_known
from lepton_platform.tasks.remaining_life.config import RemainingLifeConfig
from lepton_platform.tasks.remaining_life.intervals import LifeSpread
from lepton_platform.tasks.remaining_life.roles import Roles
from lepton_platform.tasks.remaining_life.smooth import SmoothLife
from lepton_platform.tasks.remaining_life.stream import FleetMemory, compact
from lepton_platform.tasks.remaining_life.windows import WindowFeatures

if TYPE_CHECKING:
    from lepton_platform.run import Run

Floats = NDArray[np.float64]

ENSEMBLE = "blend"


@hookimpl
def lepton_steps(run: Run, config: RemainingLifeConfig) -> Mapping[str, Step]:
    """The recent past as a table."""
    sensors, settings = run.learned["sensors"], run.learned["settings"]
    return {"windows": Step(WindowFeatures(sensors, config.window, settings), order=10)}


@hookimpl
def lepton_models(run: Run, config: RemainingLifeConfig) -> Mapping[str, Candidate]:
    """Age alone as the baseline; trees, a smooth function and, where asked for, networks."""
    found = {
        "age only": Candidate(AgeOnly(run.learned["cap"]), steps=False, baseline=True),
        "boosting": Candidate(LifeBoosting()),
        "smooth": Candidate(SmoothLife()),
    }
    if config.networks:
        from lepton_platform.tasks.remaining_life.networks import networks

        found |= networks(config.window, run.learned["settings"])
    return found


@hookimpl
def lepton_metrics(run: Run) -> Mapping[str, Metric]:
    """Errors in the unit of time, the PHM score, coverage."""
    return life_metrics.of_life(run.learned["cap"])


# ------------------------------------------------------------------------------------ training


@hookimpl
def lepton_train(
    dataset: Dataset,
    split: Split,
    candidates: Mapping[str, Candidate],
    metrics: Mapping[str, Metric],
    run: Run,
) -> LifeBlend:
    """Cross-validate over units, blend what did well, learn the spread, refit on all units."""
    train = dataset.take(split.train)
    assert train.target is not None
    y, units = train.target.to_numpy(dtype=float), np.asarray(train.cases.index)
    known = is_known(y)
    if not known.all():
        candidates = {
            name: one if one.baseline else replace(one, estimator=BuckleyJames(one.estimator))
            for name, one in candidates.items()
        }
    field = training.contenders(run, train, candidates)
    training.cross_validate(run, train, split, field)
    ready = training.choosable(field)
    tables = {name: _points(one) for name, one in ready.items()}

    share = known / pd.Series(known).groupby(units).transform("sum").clip(lower=1).to_numpy()
    weights = greedy_weights(tables, lambda predicted: float((share * (predicted - y) ** 2).sum()))
    cap = run.learned["cap"]
    blended = np.clip(np.sum([weight * tables[name] for name, weight in weights.items()], axis=0), 0, cap)
    spread = LifeSpread(cap).fit(blended[known], y[known], units[known])

    members = [(name, ready[name].pipeline) for name in weights]
    fitted = training.refit_members(run, train, [ready[name] for name in weights])
    model = LifeBlend(members, list(weights.values()), spread).adopt(fitted)
    run.baseline = training.refit_baseline(run, train, field)
    run.out_of_fold = _table(blended, spread, train.cases.index)
    rows = beside_blend(field, weights, run.out_of_fold, ENSEMBLE)
    run.leaderboard = leaderboard(rows, train, split, metrics, run.selected_by)
    return model


def _points(contender: Contender) -> Floats:
    assert contender.out_of_fold is not None
    return contender.out_of_fold["rul"].to_numpy(dtype=float)


# ---------------------------------------------------------------------------------- prediction


@hookimpl
def lepton_predict(model: Any, cases: pd.DataFrame, run: Run) -> pd.DataFrame:
    """Columns ``rul`` and the ends ``low`` and ``high`` of its 90 % interval, between 0 and the cap.

    A model without a spread of its own has an interval without width.
    """
    if cases.empty:
        return pd.DataFrame({"rul": [], "low": [], "high": []}, index=cases.index, dtype=float)
    if isinstance(model, LifeBlend):
        return _table(model.predict(cases), model.spread, cases.index)
    point = np.clip(np.asarray(model.predict(cases), dtype=float), 0, run.learned["cap"])
    return pd.DataFrame({"rul": point, "low": point, "high": point}, index=cases.index)


@hookimpl
def lepton_update(
    model: LifeBlend, batch: pd.DataFrame | None, run: Run, config: RemainingLifeConfig
) -> LifeBlend | None:
    """Remember what later rows of the units are scored with; a stream begins without a memory."""
    roles = Roles.learned(run.learned)
    if batch is None:
        return model.remembering(FleetMemory.empty(roles))
    assert model.memory_ is not None
    rows = compact(batch.set_axis(batch.columns.map(str), axis=1), roles, "the stream")
    return model.remembering(model.memory_.with_rows(rows, roles, config.window))


def _table(predicted: Floats, spread: LifeSpread, index: pd.Index[Any]) -> pd.DataFrame:
    low, high = spread.interval(predicted)
    return pd.DataFrame({"rul": predicted, "low": low, "high": high}, index=index)
