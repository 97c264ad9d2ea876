"""Volatility task, model stage: rolling forecasts, compared before the test days and averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_platform.alert import Alert
from lepton_platform.data.dataset import Dataset, Finding, Source, Split
from lepton_platform.hookspecs import hookimpl
from lepton_platform.model import training
from lepton_platform.model.candidate import Candidate, Metric
from lepton_platform.model.leaderboard import beside_blend, leaderboard
from lepton_platform.model.training import Contender
from lepton_platform.store import replacing
from lepton_platform.tasks.volatility import metrics as volatility_metrics
from lepton_platform.tasks.volatility.beginning import Beginning, seconds_of
from lepton_platform.tasks.volatility.blend import VolatilityBlend, not_worse
from lepton_platform.tasks.volatility.config import VolatilityConfig
from lepton_platform.tasks.volatility.rolling import FilteredHistoricalSimulation, HistoricalReturns
from lepton_platform.tasks.volatility.scores import fz0_loss, qlike
from lepton_platform.tasks.volatility.stream import RiskStream

if TYPE_CHECKING:
    from lepton_platform.run import Run

Floats = NDArray[np.float64]

BLEND = "blend"
LOSSES = "losses.parquet"
"""In the run folder: each candidate's loss on each day that models were chosen by."""


@hookimpl
def lepton_models(config: VolatilityConfig) -> Mapping[str, Candidate]:
    """Historical simulation as the baseline; RiskMetrics with filtered historical simulation."""
    return {
        "historical simulation": Candidate(
            HistoricalReturns(**rolling_parameters(config)), steps=False, baseline=True
        ),
        "riskmetrics": Candidate(FilteredHistoricalSimulation(**rolling_parameters(config)), steps=False),
    }


def rolling_parameters(config: VolatilityConfig) -> dict[str, Any]:
    """Return what every rolling forecast of a run is made with."""
    return {
        "levels": config.var_levels,
        "es_levels": config.shortfall_levels,
        "window": config.window,
        "refit_every": config.refit_every,
    }


@hookimpl
def lepton_metrics(config: VolatilityConfig) -> Mapping[str, Metric]:
    """Loss of VaR and ES together, of each VaR, shares of exceedances; of realised variance, if known."""
    return volatility_metrics.of_levels(
        config.var_levels, config.shortfall_levels, config.realised is not None
    )


# ------------------------------------------------------------------------------------ training


@hookimpl
def lepton_train(
    dataset: Dataset,
    split: Split,
    candidates: Mapping[str, Candidate],
    metrics: Mapping[str, Metric],
    run: Run,
    config: VolatilityConfig,
) -> VolatilityBlend:
    """Compare on the days before the test days; average what is not shown to be worse.

    The model carries all returns there are as its history, those of the test days too, so that it can
    forecast the day after them; a day's own forecast is made from the days before it alone.
    """
    train = dataset.take(split.train)
    assert train.target is not None
    field = training.contenders(run, train, candidates)
    training.cross_validate(run, train, split, field)
    ready = training.choosable(field)
    _tell_refused(run, ready)

    returns = train.target.to_numpy()[training.scored(split)]
    level = config.shortfall_levels[0]
    losses = pd.DataFrame(
        {one.name: _daily_loss(one, returns, level) for one in field if one.out_of_fold is not None}
    )
    with replacing(run.folder / LOSSES) as path:
        losses.reset_index().to_parquet(path, index=False)
    kept = not_worse(losses[list(ready)].to_numpy())
    members = [name for name, stays in zip(ready, kept, strict=True) if stays]
    weights = [1 / len(members)] * len(members)
    best = _best_of_realised(members, ready) if config.realised is not None else None
    model = VolatilityBlend(
        [(name, ready[name].candidate.estimator) for name in members],
        weights,
        **rolling_parameters(config),
        of_realised=best,
    ).fit(dataset.cases)

    run.baseline = next(one for one in field if one.candidate.baseline).pipeline.fit(dataset.cases)
    share = dict.fromkeys(members, round(1 / len(members), 3))
    run.out_of_fold = _averaged([ready[name].out_of_fold for name in members], weights)
    if best is not None and (told := ready[best].out_of_fold) is not None:
        run.out_of_fold["realised_variance"] = told["realised_variance"]
    rows = beside_blend(field, share, run.out_of_fold, BLEND)
    run.leaderboard = leaderboard(rows, train, split, metrics, run.selected_by)
    return model


def _daily_loss(contender: Contender, returns: Floats, level: float) -> pd.Series[Any]:
    """Return the mean loss of each day over the instruments."""
    told = contender.out_of_fold
    assert told is not None
    loss = fz0_loss(returns, told[f"var_{level:g}"], told[f"es_{level:g}"], level)
    return pd.Series(loss, told.index).groupby(level="date").mean()


def _best_of_realised(members: list[str], ready: Mapping[str, Contender]) -> str:
    """Return the member whose forecasts of realised variance had the least QLIKE."""
    scores = {}
    for name in members:
        told = ready[name].out_of_fold
        assert told is not None
        scores[name] = float(qlike(told["realised"], told["realised_variance"]).mean())
    return min(scores, key=lambda name: (np.isnan(scores[name]), scores[name]))


def _tell_refused(run: Run, ready: Mapping[str, Contender]) -> None:
    """Say which models' forecasts the sanity gate refused while they were compared."""
    for name, one in ready.items():
        assert one.out_of_fold is not None
        share = float(one.out_of_fold["fallback"].mean())
        if share > 0:
            said = (
                f"{name} was refused by the sanity gate on {share:.1%} of the days that models were chosen by"
            )
            run.note(
                Finding("warning", said, remedy="RiskMetrics stood in; the column fallback names such days")
            )


def _averaged(tables: list[pd.DataFrame | None], weights: list[float]) -> pd.DataFrame:
    """Return the blend's own forecasts of the days that models were chosen by."""
    known = [table for table in tables if table is not None]
    mean = sum(weight * table for weight, table in zip(weights, known, strict=True))
    assert isinstance(mean, pd.DataFrame)
    volatility = sum(w * np.log(table["volatility"]) for w, table in zip(weights, known, strict=True))
    return mean.assign(volatility=np.exp(volatility), fallback=mean["fallback"] > 0)


# ---------------------------------------------------------------------------------- prediction


@hookimpl
def lepton_predict(model: Any, cases: pd.DataFrame) -> pd.DataFrame:
    """The day's return beside what was forecast of it: ``volatility``, ``var_*``, ``es_*``, ``fallback``."""
    told: pd.DataFrame = model.predict(cases)
    if "return" not in told:
        told.insert(0, "return", cases["return"])
    if "realised" not in cases:
        return told.drop(columns="realised_variance")
    return told.assign(realised=cases["realised"])


# ------------------------------------------------------------------------------------ watching


@hookimpl
def lepton_update(
    model: Any, batch: pd.DataFrame | None, run: Run, config: VolatilityConfig
) -> RiskStream | None:
    """Begin after the run's last day; then take in ticks, late and absurd ones left out."""
    if batch is not None:
        return model.update(run.hooks.load(Source(rows=batch), "decide").cases)  # type: ignore[no-any-return]
    return None if isinstance(model, RiskStream) else _begun(model, run, config)


def _begun(model: VolatilityBlend, run: Run, config: VolatilityConfig) -> RiskStream:
    """Return the stream that goes on from the run's days, its traffic lights too."""
    panel, learned = model.panel_, run.learned["days"]
    names = list(panel.instruments)
    prices = [run.learned["last"].get(name, [None, np.nan])[1] for name in names]
    watched = np.isin(names, run.learned["instruments"])
    told = pd.read_parquet(run.folder / "predictions.parquet")
    days = pd.Index(panel.dates[learned:])
    var = [
        told.pivot(index="date", columns="instrument", values=f"var_{level:g}")
        .reindex(index=days, columns=names)
        .to_numpy(dtype=float)
        for level in config.var_levels
    ]
    stream = RiskStream(
        instruments=panel.instruments,
        levels=config.var_levels,
        es_levels=config.shortfall_levels,
        prices=config.kind == "prices",
        spacing=float(np.median(np.diff(seconds_of(pd.Index(panel.dates))))),
    )
    return stream.begin(Beginning(model, np.array(prices), watched, np.stack(var, axis=-1), learned))


@hookimpl
def lepton_alerts(run: Run) -> Sequence[Alert]:
    """What the last ticks raised: exceedances, lights, clusters, jumps, drift, ticks that are not right."""
    return run.model.alerts_ if isinstance(run.model, RiskStream) else []
