"""From the layouts that panels come in to long rows: series, time, value.

Times stay as the file writes them; only a table without times, a row per series, numbers its
periods: 1 is the first one to forecast, 0 the last that is learned from.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lepton_platform.data.dataset import Finding, Purpose
from lepton_platform.errors import did_you_mean
from lepton_platform.tasks.forecast.config import ForecastConfig

INDEX = ["series", "time"]
VALUE = "value"


def faults_of(table: pd.DataFrame, config: ForecastConfig, purpose: Purpose) -> list[Finding]:
    """Return an error for each column that an option names and the table lacks, or whose ids have gaps."""
    named = {"--series": config.series, "--time": config.time}
    if purpose in ("train", "truth", "history"):
        named["--value"] = config.value
    asked = [(option, name) for option, name in named.items() if name is not None]
    if purpose != "truth":
        asked += [("--known-ahead", name) for name in config.known_ahead]
        asked += [("--static", name) for name in config.static]
    columns = list(map(str, table.columns))
    return [
        Finding("error", f"is missing, but {option} names it", name, (), did_you_mean(name, columns))
        for option, name in asked
        if name not in columns
    ] + [_without(table, name) for name in (config.series, config.time) if _is_empty_somewhere(table, name)]


def _is_empty_somewhere(table: pd.DataFrame, name: str | None) -> bool:
    return name in table and bool(table[name].isna().any())


def _without(table: pd.DataFrame, name: str | None) -> Finding:
    rows = np.flatnonzero(table[name].isna().to_numpy())
    said, shown = f"is empty in {len(rows):,} rows", tuple(int(row) for row in rows[:100])
    return Finding("error", said, name, shown, "Every row needs one: fill it in, or leave the rows out")


def long_rows(table: pd.DataFrame, config: ForecastConfig, future: bool, held_out: int = 0) -> pd.DataFrame:
    """Return a long table indexed by (series, time), its values in the column ``value``.

    ``future`` says that the rows follow the training rows; ``held_out``, how many periods at the
    end of the training rows are not learned from. Both matter where a table has no times.
    """
    if config.value is not None:
        return _of_long(table, config)
    if config.time is not None:
        return _of_columns(table, config.time)
    return _of_rows(table, config, future, held_out)


def _of_long(table: pd.DataFrame, config: ForecastConfig) -> pd.DataFrame:
    series = table[config.series] if config.series is not None else pd.Series("series", table.index)
    names = _names(series)
    index = pd.MultiIndex.from_arrays([names, table[config.time]], names=INDEX)
    value = table.get(config.value, np.nan)
    others = [name for name in table.columns if name not in (config.series, config.time, config.value)]
    return table[others].assign(**{VALUE: value}).set_axis(index)


def _of_columns(table: pd.DataFrame, time: str) -> pd.DataFrame:
    wide = table.set_index(time)
    stacked = wide.melt(ignore_index=False, var_name="series", value_name=VALUE)
    index = pd.MultiIndex.from_arrays([_names(stacked["series"]), stacked.index], names=INDEX)
    return stacked[[VALUE]].set_axis(index)


def _of_rows(table: pd.DataFrame, config: ForecastConfig, future: bool, held_out: int) -> pd.DataFrame:
    series = config.series if config.series is not None else str(table.columns[0])
    names = _names(table[series])
    values = table.drop(columns=series).apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    if future:
        values = values[:, : config.horizon]
        row, column = np.indices(values.shape).reshape(2, -1)
        time = column + 1
    else:
        row, column = np.nonzero(~np.isnan(values))
        ends = pd.Series(column).groupby(row).max().reindex(range(len(table)), fill_value=0).to_numpy()
        time = column - ends[row] + held_out
    index = pd.MultiIndex.from_arrays([names.to_numpy()[row], time], names=INDEX)
    return pd.DataFrame({VALUE: values[row, column]}, index=index)


def _names(series: pd.Series[Any]) -> pd.Series[Any]:
    """Return the series' names as text: 7 and 7.0 are one name, however a file was read."""
    if pd.api.types.is_float_dtype(series) and (series.dropna() % 1 == 0).all():
        series = series.astype("Int64")
    return series.astype(str)
