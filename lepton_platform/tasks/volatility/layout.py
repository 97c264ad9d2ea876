"""From the tables that prices and returns come in to long rows: date, instrument, value.

Three layouts: wide, a column per instrument; long, with ``--instrument`` naming the column that says
which; and one instrument's open, high, low, close and volume, of which the adjusted close counts, or
else the close.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from lepton_platform.data.dataset import Finding
from lepton_platform.errors import DataError, did_you_mean
from lepton_platform.tasks.volatility.config import VolatilityConfig
from lepton_platform.tasks.volatility.panel import INDEX

VALUE = "value"
CLOSES = ("adj close", "adj_close", "adjclose", "adjusted close", "close")
OTHER_BARS = ("open", "high", "low", "volume")
CURRENCIES = ("currency", "ccy")
FIRST_ROWS = 50
"""Rows by which a column is taken for dates."""


def long_rows(
    table: pd.DataFrame, config: VolatilityConfig, source: str, known: Collection[str] = ()
) -> tuple[pd.DataFrame, list[Finding]]:
    """Return rows indexed by date and instrument with ``value``, perhaps ``realised``, and notes.

    ``known`` are columns that are values whatever they hold. Rows stand as in the file; an empty cell has
    no value.

    Raises
    ------
    DataError
        A column is missing, a date cannot be read, or values are no numbers.
    """
    if isinstance(table.index, pd.DatetimeIndex):
        table = table.reset_index(names=[str(table.index.name or "date")])
    table = table.set_axis(table.columns.map(str), axis=1)
    _stop(_missing(table, config), source)
    date, found = _dates(table, config, source)
    chosen, said = _value_columns(table, config, known)
    if not chosen:
        remedy = f"Name the columns with --columns; the table has {', '.join(table.columns[:20])}"
        _stop([Finding("error", "no column holds prices or returns", remedy=remedy)], source)
    parts, faults = [], []
    for column in chosen:
        numbers, wrong = _numbers(table[column], column)
        faults += wrong
        names = _names(table[config.instrument]) if config.instrument is not None else column
        part = pd.DataFrame({"date": date, "instrument": names, VALUE: numbers}, index=table.index)
        if config.realised is not None:
            realised, wrong = _numbers(table[config.realised], config.realised)
            part["realised"] = realised
            faults += wrong if column == chosen[0] else []
        parts.append(part)
    _stop(faults, source)
    rows = pd.concat(parts).sort_index(kind="stable")  # in the order of the file's rows
    return rows.set_index(INDEX), [*found, *said, *_currencies(table)]


def _missing(table: pd.DataFrame, config: VolatilityConfig) -> list[Finding]:
    named = {"--date": [config.date], "--instrument": [config.instrument], "--realised": [config.realised]}
    named["--columns"] = list(config.columns)
    columns = list(table.columns)
    return [
        Finding("error", f"is missing, but {option} names it", name, (), did_you_mean(name, columns))
        for option, names in named.items()
        for name in names
        if name is not None and name not in columns
    ]


def _dates(
    table: pd.DataFrame, config: VolatilityConfig, source: str
) -> tuple[pd.Series[Any], list[Finding]]:
    name = config.date or next((one for one in table.columns if _holds_dates(table[one])), None)
    if name is None:
        said = "no column holds dates: rows were numbered from 0 and taken in the order of the file"
        return pd.Series(np.arange(len(table)), table.index), [Finding("warning", said)]
    values = table[name]
    if pd.api.types.is_numeric_dtype(values) and _looks_like_numbers_of_days(values):
        values = values.astype("Int64").astype(str)
    dates = pd.to_datetime(values, errors="coerce", utc=True, format="mixed").dt.tz_localize(None)
    wrong = np.flatnonzero(dates.isna().to_numpy())
    if len(wrong):
        shown = ", ".join(map(repr, table[name].iloc[wrong[:3]]))
        rows = tuple(int(row) for row in wrong[:100])
        _stop([Finding("error", f"holds what is no date: {shown}", name, rows, "Write 2024-05-31")], source)
    return dates, [] if config.date else [Finding("note", "was taken for the date", name)]


def _holds_dates(values: pd.Series[Any]) -> bool:
    if pd.api.types.is_datetime64_any_dtype(values):
        return True
    if pd.api.types.is_numeric_dtype(values):
        return str(values.name).lower() in ("date", "day") and _looks_like_numbers_of_days(values)
    sample = values.dropna().astype(str).head(FIRST_ROWS)
    parsed = pd.to_datetime(sample, errors="coerce", utc=True, format="mixed")
    return (
        len(sample) > 0
        and bool(parsed.notna().all())
        and not pd.to_numeric(sample, errors="coerce").notna().all()
    )


def _looks_like_numbers_of_days(values: pd.Series[Any]) -> bool:
    """Whether numbers are dates written without dashes: 20240531."""
    return bool(values.dropna().between(18_000_101, 22_001_231).all()) and len(values) > 0


def _value_columns(
    table: pd.DataFrame, config: VolatilityConfig, known: Collection[str]
) -> tuple[list[str], list[Finding]]:
    if config.columns:
        return list(config.columns), []
    taken = {config.date, config.instrument, config.realised}
    numbers = [
        name
        for name in table.columns
        if name not in taken and (name in known or _mostly_numbers(table[name]))
    ]
    folded = {name.lower(): name for name in numbers}
    bars = [name for name in OTHER_BARS if name in folded]
    closes = [folded[name] for name in CLOSES if name in folded]
    if bars and closes:
        others = ", ".join(name for name in numbers if name != closes[0])
        return closes[:1], [Finding("note", f"was taken for the price; left aside: {others}", closes[0])]
    if config.instrument is not None and len(numbers) > 1:
        others = ", ".join(numbers[1:])
        return numbers[:1], [Finding("warning", f"was taken for the value; left aside: {others}", numbers[0])]
    return numbers, []


def _mostly_numbers(values: pd.Series[Any]) -> bool:
    """Whether a column is to be read as numbers; a word among them is then a fault and not overlooked."""
    if _holds_dates(values) or pd.api.types.is_bool_dtype(values):
        return False
    known = values.dropna()
    return len(known) > 0 and bool(pd.to_numeric(known, errors="coerce").notna().mean() > 0.5)


def _currencies(table: pd.DataFrame) -> list[Finding]:
    """Warn of a column that says that values are in several currencies."""
    findings = []
    for name in table.columns:
        kinds = sorted(table[name].dropna().astype(str).unique()) if name.lower() in CURRENCIES else []
        if len(kinds) > 1:
            said = f"holds {len(kinds)} currencies ({', '.join(kinds[:5])}): each instrument keeps its own"
            findings.append(Finding("warning", said, name, (), "Convert them before they are added up"))
    return findings


def _names(instruments: pd.Series[Any]) -> pd.Series[Any]:
    if pd.api.types.is_float_dtype(instruments) and (instruments.dropna() % 1 == 0).all():
        instruments = instruments.astype("Int64")
    return instruments.astype(str)


def _numbers(values: pd.Series[Any], name: str) -> tuple[pd.Series[Any], list[Finding]]:
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    wrong = (numbers.isna() & values.notna() & (values.astype(str).str.strip() != "")) | np.isinf(numbers)
    if not wrong.any():
        return numbers, []
    shown = ", ".join(map(repr, values[wrong].unique()[:3]))
    rows = tuple(int(row) for row in np.flatnonzero(wrong)[:100])
    return numbers, [
        Finding("error", f"holds what is no number: {shown}", name, rows, "Correct or blank them")
    ]


def _stop(findings: list[Finding], source: str) -> None:
    if any(finding.level == "error" for finding in findings):
        raise DataError(findings, source)
