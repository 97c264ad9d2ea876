"""Volatility task, data stage: prices become returns by date and instrument, the last days held out."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lepton_platform.data.dataset import Dataset, Finding, Purpose, Source, Split
from lepton_platform.errors import DataError
from lepton_platform.hookspecs import hookimpl
from lepton_platform.tasks.volatility import quality
from lepton_platform.tasks.volatility.config import VolatilityConfig
from lepton_platform.tasks.volatility.filters import FEWEST
from lepton_platform.tasks.volatility.layout import VALUE, long_rows
from lepton_platform.tasks.volatility.stream import RiskStream

if TYPE_CHECKING:
    from lepton_platform.run import Run

CHOOSING_DAYS = 1000
"""Days before the test days by which models are compared, at most."""
FEWEST_CHOOSING_DAYS = 60
FOLDS = 4
"""Parts of those days, each forecast from the days before it."""


@hookimpl
def lepton_load(source: Source, purpose: Purpose, run: Run, config: VolatilityConfig) -> Dataset:
    """Read prices or returns and check them: all findings at once.

    A case is the return of a day and an instrument, in logarithms where prices were given. Models look
    at it only after they have forecast it. Where a stream is watched, a case is a tick as it came.
    """
    known = run.learned.get("instruments", ()) if purpose != "train" and config.instrument is None else ()
    rows, notes = long_rows(run.hooks.read(source), config, str(source), known)
    if isinstance(getattr(run, "model", None), RiskStream):
        return Dataset(rows.dropna(subset=VALUE))
    rows, found = _in_order(rows, source)
    findings = notes + found
    if config.kind == "prices":
        _stop(findings + quality.of_prices(rows[VALUE]), source)
    earlier = run.learned.get("last", {}) if purpose != "train" else {}
    returns = _returns(rows, config, earlier)
    if purpose == "decide":  # also a day whose return is yet to come
        returns = returns.reindex(rows.index)
    if returns.empty:
        _stop([Finding("error", "there is no return: a price needs one before it")], source)
    if purpose == "train":
        findings += quality.of_calendar(returns.index) + quality.of_returns(
            returns["return"], config.kind == "prices"
        )
        _stop(findings, source)
        run.note(*findings, _summed_up(returns, config))
        run.learned["instruments"] = sorted(set(returns.index.get_level_values(1)))
        run.learned["last"] = _last_prices(rows) if config.kind == "prices" else {}
    target = returns["return"] if purpose in ("train", "truth") else None
    return Dataset(returns, target, groups=pd.Series(returns.index.get_level_values(0), returns.index))


def _in_order(rows: pd.DataFrame, source: Source) -> tuple[pd.DataFrame, list[Finding]]:
    """Return the rows by date; refuse two of one instrument on one day."""
    again = rows.index.duplicated()
    if again.any():
        date, instrument = rows.index[again][0]
        said = f"{again.sum():,} rows repeat a date and instrument, first {instrument} at {str(date)[:10]}"
        where = tuple(int(row) for row in np.flatnonzero(again)[:100])
        _stop([Finding("error", said, rows=where, remedy="Keep one")], source)
    findings = []
    if (
        not rows.index.get_level_values(0).is_monotonic_increasing
        and rows.index.get_level_values(1).nunique() == 1
    ):
        findings.append(Finding("note", "the dates were not in order: rows were sorted by them"))
    return rows.sort_index(), findings


def _returns(rows: pd.DataFrame, config: VolatilityConfig, earlier: dict[str, list[Any]]) -> pd.DataFrame:
    """Return the rows that have a return, with ``return`` and perhaps ``realised``.

    ``earlier`` holds the last known date and price by instrument.
    """
    others = [name for name in ("realised",) if name in rows]
    if config.kind == "returns":
        return rows.rename(columns={VALUE: "return"})[["return", *others]].dropna(subset="return")
    priced = rows.dropna(subset=VALUE)
    logs = np.log(priced[VALUE])
    previous = logs.groupby(level=1).shift()
    first = previous.isna().to_numpy()
    if earlier:
        keys = priced.index.to_list()
        for place in map(int, np.flatnonzero(first)):
            date, instrument = keys[place]
            known = earlier.get(instrument)
            if known is not None and str(date) > known[0]:
                previous.iloc[place] = np.log(known[1])
    returns = (logs - previous).rename("return")
    return priced[others].assign(**{"return": returns})[["return", *others]].dropna(subset="return")


def _last_prices(rows: pd.DataFrame) -> dict[str, list[Any]]:
    last = rows[VALUE].dropna().groupby(level=1).tail(1)
    return {
        name: [str(date), float(last.iloc[place])] for place, (date, name) in enumerate(last.index.to_list())
    }


def _summed_up(returns: pd.DataFrame, config: VolatilityConfig) -> Finding:
    dates, names = (returns.index.get_level_values(level).unique() for level in (0, 1))
    unit = "log returns of the prices" if config.kind == "prices" else "returns as they are in the file"
    span = f"{str(dates.min())[:10]} to {str(dates.max())[:10]}"
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return Finding("note", f"{unit}: {len(dates):,} days, {span}; {len(names):,} instruments ({shown})")


def _stop(findings: list[Finding], source: Source) -> None:
    if any(finding.level == "error" for finding in findings):
        raise DataError(findings, str(source))


@hookimpl
def lepton_split(dataset: Dataset, run: Run, config: VolatilityConfig) -> Split:
    """Hold the last days out; models are compared on the days before these, and on nothing later."""
    dates = dataset.cases.index.get_level_values(0)
    days = dates.unique().sort_values()
    held_out = config.test_days if run.options.test is None else 0
    learned = len(days) - held_out
    if learned < config.window + FEWEST_CHOOSING_DAYS:
        fitting = max(len(days) - config.window - FEWEST_CHOOSING_DAYS, 0)
        remedy = (
            f"Pass --test-days {min(fitting, config.test_days)}"
            if fitting >= 50
            else f"Give a longer history, or pass --window {max(250, len(days) // 2)} --test-days 50"
        )
        said = (
            f"{len(days):,} days are too few for a window of {config.window:,} days, at least "
            f"{FEWEST_CHOOSING_DAYS} to choose models by, and {held_out:,} test days"
        )
        raise DataError([Finding("error", said, remedy=remedy)])
    run.learned["days"] = learned
    day = days.get_indexer(dates)
    past = dataset.cases.groupby(level=1).cumcount().to_numpy()
    train, test = np.flatnonzero(day < learned), np.flatnonzero((day >= learned) & (past >= FEWEST))
    if left := int((day >= learned).sum()) - len(test):
        said = f"{left:,} returns of the test days were not forecast: fewer than {FEWEST} stand before them"
        run.note(Finding("warning", said))
    begin = max(learned - CHOOSING_DAYS, config.window)
    known = past[train] >= FEWEST
    edges = np.linspace(begin, learned, FOLDS + 1).astype(int)
    folds = [
        (
            np.flatnonzero(day[train] < start),
            np.flatnonzero((day[train] >= start) & (day[train] < end) & known),
        )
        for start, end in pairwise(edges)
    ]
    rule = f"by time: the last {held_out:,} days, each forecast from the days before it"
    return Split(train, test, folds, rule)
