"""Market risk, report stage: tomorrow's risk, model comparison, contributions, stress."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from arch.bootstrap import MCS

from lepton_finance.market_risk import stress
from lepton_finance.market_risk.config import MarketRiskConfig
from lepton_finance.market_risk.portfolio import PORTFOLIO, contributions, read_weights
from lepton_platform import Run, Section, hookimpl
from lepton_platform.report import figures
from lepton_platform.tasks.volatility.model import LOSSES
from lepton_platform.tasks.volatility.report import backtest_table

CONFIDENCE = 0.10
"""Size of the model confidence set."""
BLOCK = 20
"""Days that its bootstrap draws together."""
MOST_TOLD = 3
MOST_ROWS = 30


@hookimpl
def lepton_decide(predictions: pd.DataFrame, config: MarketRiskConfig) -> pd.DataFrame:
    """Say beyond which VaR each day's loss went: the smallest chance, NaN for none."""
    exceeded = np.full(len(predictions), np.nan)
    for level in reversed(config.var_levels):
        beyond = predictions["return"].to_numpy() < -predictions[f"var_{level:g}"].to_numpy()
        exceeded = np.where(beyond, level, exceeded)
    return predictions.assign(exceeded=exceeded)


def tomorrow(run: Run) -> pd.DataFrame:
    """Return what is forecast of the day after the last, a row per instrument."""
    panel = run.model.panel_
    last = pd.Index(panel.dates)[-1]
    following = last + pd.tseries.offsets.BDay(1) if isinstance(last, pd.Timestamp) else last + 1
    index = pd.MultiIndex.from_product([[following], panel.instruments], names=["date", "instrument"])
    unknown = pd.DataFrame({"return": np.nan, "realised": np.nan}, index)
    told = run.hooks.predict(run.model, unknown)
    return told.droplevel(0).drop(columns=["return", "realised", "realised_variance"])


@hookimpl
def lepton_summary(run: Run, config: MarketRiskConfig) -> Mapping[str, Any]:
    """Tomorrow's forecast, the traffic lights and the p-values of the backtests."""
    told, table = tomorrow(run), backtest_table(run.predictions, config)
    level, shortfall = config.var_levels[0], config.shortfall_levels[0]
    names = [PORTFOLIO] if PORTFOLIO in told.index else list(told.nlargest(MOST_TOLD, f"var_{level:g}").index)
    said = [
        f"{name}: volatility {figures.readable(told['volatility'][name])}, {level:.1%} VaR "
        f"{figures.readable(told[f'var_{level:g}'][name])}, {shortfall:.1%} ES "
        f"{figures.readable(told[f'es_{shortfall:g}'][name])}"
        for name in names
    ]
    lights = table[table["level"] == level].set_index("instrument")["light"]
    off = int((table[["kupiec", "christoffersen"]].min(axis=1) < 0.05).sum())
    words = (
        f"For the day after the last, in the unit of the returns: {'; '.join(said)}. Of {len(table)} pairs "
        f"of instrument and level, {off} have a coverage test with a p-value below 0.05."
    )
    return {
        "cases": len(run.decisions),
        "tomorrow": {str(name): row.to_dict() for name, row in told.iterrows()},
        "traffic_lights": lights.to_dict(),
        "backtests": table.replace({np.nan: None}).to_dict("records"),
        "in_words": words,
    }


@hookimpl
def lepton_sections(run: Run, config: MarketRiskConfig) -> Sequence[Section]:
    """Tomorrow, the model confidence set, stress; with weights, what positions contribute."""
    told = tomorrow(run)
    sections = [
        Section("Tomorrow", [_TOMORROW, _shown(told.drop(columns="fallback"))], 10),
        Section("Which models are among the best", _confidence_set(run), 51),
        Section("Stress", list(_stress(run, config, told)), 45),
    ]
    if config.weights is not None:
        sections.append(
            Section("What positions add to the risk", list(_contributions(run, config, told)), 14)
        )
    return sections


_TOMORROW = (
    "Forecast of the day after the last in the data, in the unit of the returns; losses are positive. VaR is "
    "exceeded with the chance in its name; ES is the mean loss of such days."
)


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with most risk, the instrument as the first column."""
    return (
        table.sort_values("volatility", ascending=False)
        .head(MOST_ROWS)
        .rename_axis("instrument")
        .reset_index()
    )


def _confidence_set(run: Run) -> Sequence[Any]:
    losses = pd.read_parquet(run.folder / LOSSES).set_index("date").dropna()
    compared = MCS(losses, CONFIDENCE, reps=1000, block_size=BLOCK, seed=run.seed)
    compared.compute()
    p = compared.pvalues["Pvalue"]
    table = pd.DataFrame(
        {
            "model": losses.columns,
            "mean loss": losses.mean().to_numpy(),
            "p": p.reindex(losses.columns).to_numpy(),
            "in the set": [name in compared.included for name in losses.columns],
        }
    ).sort_values("mean loss", ignore_index=True)
    said = (
        f"Joint loss of VaR and ES on {len(losses):,} days before the test days. The model confidence set "
        "holds the best model with a chance of 90 % (Hansen, Lunde and Nason 2011); p is the chance at which "
        "a model just stays in it."
    )
    return [said, table]


def _stress(run: Run, config: MarketRiskConfig, told: pd.DataFrame) -> Iterator[Any]:
    assert run.dataset.target is not None
    level = config.var_levels[0]
    name = PORTFOLIO if PORTFOLIO in told.index else str(told["volatility"].idxmax())
    returns = run.dataset.target.xs(name, level=1).sort_index()
    var = float(told[f"var_{level:g}"][name])
    yield (
        f"What past episodes cost {name}, as the sum of its returns, beside tomorrow's {level:.1%} VaR of "
        f"{figures.readable(var)}. An episode is told only if all of it lies in the data."
    )
    yield stress.episodes(returns, var)
    if config.scenarios is None:
        yield "Scenarios of your own: --scenarios FILE with the columns scenario, instrument and return."
        return
    instruments = run.dataset.target.index.get_level_values(1).unique()
    moves = stress.read_scenarios(run, config.scenarios, instruments)
    if config.weights is not None:
        weights = read_weights(run, config.weights, instruments)
        moves[PORTFOLIO] = moves.reindex(columns=weights.index, fill_value=0.0) @ weights
    table = (-moves).rename_axis("scenario").reset_index()
    yield "Your scenarios, as losses of each instrument (simple, 0.2 is 20 %)."
    yield table


def _contributions(run: Run, config: MarketRiskConfig, told: pd.DataFrame) -> Iterator[Any]:
    assert config.weights is not None
    weights = read_weights(run, config.weights, told.index)
    z = (run.predictions["return"] / run.predictions["volatility"]).unstack(level=1)
    level = config.shortfall_levels[0]
    found = contributions(z, told["volatility"], weights, level)
    alone = float(told[f"es_{level:g}"][PORTFOLIO])
    yield (
        f"What each position adds to tomorrow's {level:.1%} expected shortfall of the portfolio, by filtered "
        f"historical simulation of all positions together: {figures.readable(float(found.shortfall.sum()))} "
        f"in all; forecast from the portfolio's own returns it is {figures.readable(alone)}. "
        "Below 0, a position protects."
    )
    yield figures.bars(found.shortfall, "", "expected shortfall added")
    yield (
        pd.DataFrame(
            {
                "instrument": weights.index,
                "weight": weights.to_numpy(),
                "volatility added": found.volatility.to_numpy(),
                "of all": (found.volatility / found.volatility.sum()).to_numpy(),
                "ES added": found.shortfall.to_numpy(),
            }
        )
        .sort_values("ES added", ascending=False)
        .head(MOST_ROWS)
    )
