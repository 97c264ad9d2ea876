"""``lepton decide`` on a history that has grown: the model's origin moves to its end.

The source may hold the whole history or only what was added. Rows without a value after its end are
what is to be forecast; without such rows it is every series in it, as far ahead as the model looks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lepton_platform.data.dataset import Finding, Source
from lepton_platform.errors import DataError
from lepton_platform.tasks.forecast import periods
from lepton_platform.tasks.forecast.config import ForecastConfig
from lepton_platform.tasks.forecast.panel import Panel

if TYPE_CHECKING:
    from lepton_platform.run import Run


def rows_to_forecast(table: pd.DataFrame, run: Run, config: ForecastConfig) -> Iterable[pd.DataFrame] | None:
    """Move the model to the end of what ``table`` knows, and return the rows to forecast from there.

    ``None``: it knows no value, so that all its rows are to be forecast.
    """
    known = _values(table, config).notna().to_numpy()
    if not known.any():
        return None
    _move(run, table, config)
    if config.time is None:  # a row per series: the future has no columns yet
        return [_blank(table, config)]
    codes, times = pd.factorize(table[config.time])
    number = periods.numbered(periods.parsed(pd.Index(times)), run.learned["frequency"])[codes]
    asked = table[(number > run.learned["end"]) & ~known.any(axis=1)]
    return [asked if len(asked) else _next_rows(table, number, run, config)]


def _values(table: pd.DataFrame, config: ForecastConfig) -> pd.DataFrame:
    """Return the cells that hold values, shape (rows, columns)."""
    if config.value is not None:
        return table[[config.value]] if config.value in table else pd.DataFrame(index=table.index)
    name = config.time or config.series or str(table.columns[0])
    return table.drop(columns=name, errors="ignore")


def _move(run: Run, table: pd.DataFrame, config: ForecastConfig) -> None:
    history = run.hooks.load(Source(rows=table), "history")
    assert history.target is not None
    newer = Panel.of(history.cases, history.target, run.learned["frequency"])
    panel = run.model.panel_.renewed(newer, instead=config.time is None)
    run.model.renew(panel)
    run.learned["end"] = panel.end


def _blank(table: pd.DataFrame, config: ForecastConfig) -> pd.DataFrame:
    name = config.series or str(table.columns[0])
    columns = [f"+{step}" for step in range(1, config.horizon + 1)]
    return table[[name]].join(pd.DataFrame(np.nan, table.index, columns))


def _next_rows(
    table: pd.DataFrame, number: periods.Periods, run: Run, config: ForecastConfig
) -> pd.DataFrame:
    """Return rows for the periods after the end, in the layout and with the attributes of ``table``."""
    if config.known_ahead:
        planned = ", ".join(config.known_ahead)
        remedy = f"Add rows for the periods to forecast, {config.value} empty and {planned} filled in"
        raise DataError([Finding("error", "the plan of what is to be forecast is missing", remedy=remedy)])
    last = periods.parsed(pd.Index(table[config.time].to_numpy()[[number.argmax()]]))[0]
    times = periods.following(last, config.horizon, run.learned["frequency"])
    if config.value is None:
        return pd.DataFrame(np.nan, range(len(times)), table.columns).assign(**{str(config.time): times})
    kept = [name for name in (config.series, *config.static) if name is not None]
    series = table.drop_duplicates(config.series)[kept] if kept else table.head(1)[kept]
    rows = series.merge(pd.Series(times, name=config.time), how="cross")
    return rows.assign(**{str(config.value): np.nan})
