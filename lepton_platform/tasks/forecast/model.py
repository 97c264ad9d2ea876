"""Forecast task, model stage: candidates from earlier origins, a blend of them, and its widths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_platform.data.dataset import Dataset, Split
from lepton_platform.hookspecs import hookimpl
from lepton_platform.model import training
from lepton_platform.model.candidate import Candidate, Metric
from lepton_platform.model.ensemble import greedy_weights
from lepton_platform.model.leaderboard import beside_blend, leaderboard
from lepton_platform.tasks.forecast import metrics as forecast_metrics
from lepton_platform.tasks.forecast.blend import KINDS, ForecastBlend, finished, kinds_of
from lepton_platform.tasks.forecast.boosting import GlobalBoosting
from lepton_platform.tasks.forecast.config import ForecastConfig
from lepton_platform.tasks.forecast.conformal import ConformalWidths
from lepton_platform.tasks.forecast.metrics import Scales
from lepton_platform.tasks.forecast.naive import SeasonalNaive, Zero
from lepton_platform.tasks.forecast.newcomers import with_newcomers
from lepton_platform.tasks.forecast.panel import Panel, numbers_of
from lepton_platform.tasks.forecast.quantiles import COLUMNS, LEVELS, MEDIAN, pinball

if TYPE_CHECKING:
    from lepton_platform.run import Run

Floats = NDArray[np.float64]

ENSEMBLE = "blend"
FEWEST_SERIES = 30
"""Series of a kind of demand below which it has the weights of all series."""
QUICK: dict[str, Any] = {"rounds": 80, "learning_rate": 0.1, "most_rows": 30_000}
"""Parameters of the boosting that a budget is first spent on."""
QUICK_PARTS = 3
"""Of the rows, each learned from by one of its own: three of 30,000 rows together are better than one of
80,000 that takes as long (M4 hourly, an origin before the last: OWA .4255 against .428)."""
MANY_ZEROS = 0.3
"""Share of zeros from which forecasting nothing is a rule to be beaten."""


@hookimpl
def lepton_models(dataset: Dataset, run: Run, config: ForecastConfig) -> Mapping[str, Candidate]:
    """Seasonal naive as the baseline, global boosting; nothing sold, where that is common."""
    frequency, seasons = run.learned["frequency"], tuple(run.learned["seasons"])
    found: dict[str, Candidate] = {
        "seasonal naive": Candidate(SeasonalNaive(seasons[0], frequency), steps=False, baseline=True),
        "global boosting": Candidate(
            GlobalBoosting(config.horizon, seasons, frequency), steps=False, order=90
        ),
    }
    for part in range(QUICK_PARTS if run.options.budget is not None else 0):
        quick = GlobalBoosting(config.horizon, seasons, frequency, **QUICK, part=part)
        found[f"quick boosting {part + 1}"] = Candidate(quick, steps=False, brief=True, order=20)
    assert dataset.target is not None
    if (dataset.target == 0).mean() >= MANY_ZEROS:
        found["zero"] = Candidate(Zero(), steps=False, baseline=True)
    return found


@hookimpl
def lepton_metrics(run: Run) -> Mapping[str, Metric]:
    """Errors of quantiles, median and mean, scaled by the training rows; coverage."""
    scales = Scales.learn(_panel(run, run.dataset).until(run.learned["end"]), run.learned["seasons"][0])
    return forecast_metrics.of_panel(scales, run.learned["least"] >= 0)


def _panel(run: Run, dataset: Dataset) -> Panel:
    assert dataset.target is not None
    return Panel.of(dataset.cases, dataset.target, run.learned["frequency"])


# ------------------------------------------------------------------------------------ training


@hookimpl
def lepton_train(
    dataset: Dataset,
    split: Split,
    candidates: Mapping[str, Candidate],
    metrics: Mapping[str, Metric],
    run: Run,
) -> ForecastBlend:
    """Forecast from the earlier origins, blend what did well there, set widths right, refit."""
    train = dataset.take(split.train)
    assert train.target is not None
    field = training.contenders(run, train, candidates)
    training.cross_validate(run, train, split, field)
    ready = training.choosable(field)

    scored = training.scored(split)
    panel = _panel(run, train)
    rows = _Scored(run, train, scored, split, panel)
    tables = {
        name: one.out_of_fold[["mean", *COLUMNS]].to_numpy()
        for name, one in ready.items()
        if one.out_of_fold is not None
    }
    weights = _weights(tables, rows)
    members = [name for position, name in enumerate(tables) if weights[:, position].any()]
    weights = weights[:, [list(tables).index(name) for name in members]]
    blended = sum(weights[rows.kind][:, [k]] * tables[name] for k, name in enumerate(members))
    widths = ConformalWidths().fit(rows.truth, blended[:, 1:], rows.step)

    least = 0.0 if run.learned["least"] >= 0 else None
    pipelines = [(name, ready[name].pipeline) for name in members]
    model = ForecastBlend(pipelines, weights, widths, least, run.learned["frequency"])
    fitted = training.refit_members(run, train, [ready[name] for name in members])
    model.adopt(fitted, train.cases, train.target)
    run.baseline = training.refit_baseline(run, train, field)
    run.out_of_fold = _table(finished(blended, widths, rows.step, least), train.cases.index[scored])
    share = dict(zip(members, weights[rows.kind].mean(axis=0).round(3), strict=True))
    run.learned["weights"] = {
        kind: dict(zip(members, row.round(3).tolist(), strict=True))
        for kind, row in zip(KINDS, weights, strict=True)
    }
    board = beside_blend(field, share, run.out_of_fold, ENSEMBLE)
    run.leaderboard = leaderboard(board, train, split, metrics, run.selected_by)
    return model


class _Scored:
    """The rows that earlier origins forecast: their truth, step, kind of demand, and scale."""

    def __init__(
        self, run: Run, train: Dataset, scored: NDArray[np.intp], split: Split, panel: Panel
    ) -> None:
        assert train.target is not None
        index = train.cases.index[scored]
        self.truth = train.target.to_numpy(dtype=float)[scored]
        number = numbers_of(train.cases.index, run.learned["frequency"])
        self.step = np.empty(len(scored), dtype=np.int64)
        for fit, held in split.folds:
            self.step[np.searchsorted(scored, held)] = number[held] - number[fit].max()
        row = pd.Index(panel.series).get_indexer(index.get_level_values(0).astype(str))
        self.kind = kinds_of(panel.values)[row]
        scales = Scales.learn(panel, run.learned["seasons"][0]).absolute.to_numpy()[row]
        self.weight = np.nan_to_num(1 / scales, nan=0.0, posinf=0.0)


def _weights(tables: Mapping[str, Floats], rows: _Scored) -> Floats:
    """Return greedy weights of shape (kinds, members), by the scaled quantile loss."""
    everyone = _greedy(tables, rows, np.ones(len(rows.truth), dtype=bool))
    found = np.tile(everyone, (len(KINDS), 1))
    for kind in range(len(KINDS)):
        here = rows.kind == kind
        if here.sum() >= FEWEST_SERIES * max(int(rows.step.max()), 1):
            found[kind] = _greedy(tables, rows, here)
    return found


def _greedy(tables: Mapping[str, Floats], rows: _Scored, here: NDArray[np.bool_]) -> Floats:
    truth, weight = rows.truth[here], rows.weight[here]

    def loss(forecast: Floats) -> float:
        losses = pinball(truth, np.sort(forecast[:, 1:], axis=1), np.asarray(LEVELS)).mean(axis=1)
        return float((losses * weight).sum() / max(weight.sum(), 1e-300))

    chosen = greedy_weights({name: table[here] for name, table in tables.items()}, loss, rounds=10)
    return np.array([chosen.get(name, 0.0) for name in tables])


# ---------------------------------------------------------------------------------- prediction


@hookimpl
def lepton_predict(model: Any, cases: pd.DataFrame) -> pd.DataFrame:
    """Columns ``mean``, ``median`` and the quantiles ``q0.025`` to ``q0.975``.

    A model that returns one number per row is a point forecast: all its quantiles are that number.
    """
    if isinstance(model, ForecastBlend):
        return _table(model.predict(cases), cases.index)
    estimator = model[-1]
    panel = getattr(estimator, "panel_", None)
    if panel is None:
        return _table(_as_table(estimator.predict(cases)), cases.index)
    told = with_newcomers(lambda rows: _as_table(estimator.predict(rows)), cases, panel)
    return _table(told, cases.index)


def _as_table(told: Floats) -> Floats:
    """Return the mean and all quantiles, shape (rows, 1 + levels), of an estimator's answer."""
    if told.ndim == 1:
        return np.repeat(told[:, None], 1 + len(LEVELS), axis=1)
    return np.column_stack([told[:, 0], np.sort(told[:, 1:], axis=1)])


def _table(forecast: Floats, index: pd.Index[Any]) -> pd.DataFrame:
    frame = pd.DataFrame(forecast, index=index, columns=["mean", *COLUMNS])
    frame.insert(1, "median", frame[COLUMNS[MEDIAN]])
    return frame
