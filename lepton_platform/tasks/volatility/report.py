"""Volatility task, report stage: exceedances, backtests, volatility beside what happened, refused fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lepton_platform.hookspecs import hookimpl
from lepton_platform.report.section import Section
from lepton_platform.tasks.volatility import backtests, pictures
from lepton_platform.tasks.volatility.config import VolatilityConfig

if TYPE_CHECKING:
    from lepton_platform.run import Run

MOST_PICTURES = 3
MOST_ROWS = 30
AVERAGE_DAYS = 20


@hookimpl
def lepton_sections(run: Run, config: VolatilityConfig) -> Sequence[Section]:
    """Exceedances with their zones, the backtests, volatility, and where the gate refused a model."""
    table = backtest_table(run.predictions, config)
    pictured = most_exceeded(table)
    return [
        Section("Losses beyond the VaR", list(_exceedances(run, config, pictured)), 12),
        Section("Backtests", [_BACKTESTS, readable_backtests(table)], 24),
        Section("Volatility, forecast and after the fact", list(_volatility(run, pictured[:1])), 30),
        Section("Where the sanity gate spoke", _refused(run), 55),
    ]


_BACKTESTS = (
    "The numbers are p-values: near 0 speaks against the model, and of 20 tests of a right one, one is below "
    "0.05 by chance. Kupiec asks whether exceedances are as many as they should be; Christoffersen, whether "
    "also they do not come in a row; the dynamic quantile test, whether they could have been foretold from "
    "earlier ones and the VaR itself; Acerbi and Szekely, whether losses beyond the VaR were no greater than "
    "the expected shortfall says (0 is right, below 0 they were greater). The light is Basel's, over the "
    "last 250 days."
)


def of_instrument(predictions: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return one instrument's rows by date, those without a forecast left out."""
    rows = predictions[predictions.index.get_level_values(1) == name]
    return rows.droplevel(1).sort_index().dropna(subset=["volatility", "return"])


def backtest_table(predictions: pd.DataFrame, config: VolatilityConfig) -> pd.DataFrame:
    """Return statistics and p-values of every test, a row per instrument and level."""
    rows = []
    for name, part in predictions.groupby(level=1, sort=False):
        told = part.droplevel(1).sort_index().dropna(subset=["volatility", "return"])
        returns = told["return"].to_numpy()
        for level in config.var_levels if len(told) else ():
            var = told[f"var_{level:g}"].to_numpy()
            hits = (returns < -var).astype(int)
            zone, count = backtests.traffic_light(hits, level)
            row: dict[str, Any] = {
                "instrument": name,
                "level": level,
                "days": len(told),
                "exceedances": int(hits.sum()),
                "rate": hits.mean(),
                "kupiec": backtests.kupiec(hits, level).p,
                "christoffersen": backtests.conditional_coverage(hits, level).p,
                "dynamic quantile": backtests.dynamic_quantile(hits, var, level).p,
                "light": f"{zone} ({count})",
            }
            if level in config.shortfall_levels:
                found = backtests.acerbi_szekely(returns, var, told[f"es_{level:g}"].to_numpy(), level)
                row |= {"acerbi-szekely": found.statistic, "its p": found.p}
            rows.append(row)
    return pd.DataFrame(rows)


def most_exceeded(table: pd.DataFrame) -> list[str]:
    """Return the instruments to be shown: those whose coverage is least likely."""
    worst = table.groupby("instrument", sort=False)["kupiec"].min().sort_values(kind="stable")
    return [str(name) for name in worst.index[:MOST_PICTURES]]


def readable_backtests(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table as a reader wants it; of many instruments, those with the least p-values."""
    least = table[["kupiec", "christoffersen", "dynamic quantile"]].min(axis=1)
    kept = table.loc[least.groupby(table["instrument"]).transform("min").sort_values(kind="stable").index]
    shown = kept.head(MOST_ROWS).sort_values(["instrument", "level"], kind="stable")
    return shown.assign(level=[f"{level:.1%}" for level in shown["level"]]).set_index("instrument")


def _exceedances(run: Run, config: VolatilityConfig, names: list[str]) -> Iterator[Any]:
    level = config.var_levels[0]
    total = run.predictions.index.get_level_values(1).nunique()
    if total > len(names):
        yield f"Of {total:,} instruments, these are the {len(names)} whose number of exceedances is oddest."
    for name in names:
        told = of_instrument(run.predictions, name)
        var = told[f"var_{level:g}"].to_numpy()
        yield pictures.exceedances(told.index.to_numpy(), told["return"].to_numpy(), var, level, name)


def _volatility(run: Run, names: list[str]) -> Iterator[Any]:
    for name in names:
        told = of_instrument(run.predictions, name)
        if "realised" in told:
            happened, what = np.sqrt(told["realised"].to_numpy()), "realised volatility"
            forecast = np.sqrt(told["realised_variance"].to_numpy())
        else:
            square = told["return"] ** 2
            happened = np.sqrt(square.rolling(AVERAGE_DAYS, center=True, min_periods=5).mean().to_numpy())
            forecast, what = told["volatility"].to_numpy(), f"root mean square of {AVERAGE_DAYS} days around"
        yield f"{name}:"
        yield pictures.volatility(told.index.to_numpy(), forecast, happened, what)


def _refused(run: Run) -> Sequence[Any]:
    refused = run.predictions[run.predictions["fallback"]]
    if refused.empty:
        return (
            "No fit of the test days was refused: each was stable and within a factor of four of RiskMetrics."
        )
    by_instrument = refused.groupby(level=1)
    table = pd.DataFrame(
        {
            "instrument": list(by_instrument.groups),
            "days": by_instrument.size().to_numpy(),
            "first": [str(part.index.get_level_values(0).min())[:10] for _, part in by_instrument],
            "last": [str(part.index.get_level_values(0).max())[:10] for _, part in by_instrument],
        }
    ).sort_values("days", ascending=False, kind="stable")
    said = (
        f"In {len(refused):,} of {len(run.predictions):,} forecasts a model was refused (the optimiser did "
        "not converge, the variance had no mean to come back to, or the forecast was more than a factor of "
        "four away from RiskMetrics'); RiskMetrics with filtered historical simulation stood in for it."
    )
    return [said, table.head(MOST_ROWS)]
