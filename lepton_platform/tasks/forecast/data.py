"""Forecast task, data stage: a panel becomes rows by series and time, held out at its end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_platform.data.dataset import Dataset, Finding, Purpose, Source, Split
from lepton_platform.errors import DataError
from lepton_platform.hookspecs import hookimpl
from lepton_platform.tasks.forecast import layout, periods
from lepton_platform.tasks.forecast.config import ForecastConfig
from lepton_platform.tasks.forecast.layout import VALUE
from lepton_platform.tasks.forecast.newer import rows_to_forecast
from lepton_platform.tasks.forecast.panel import coded, numbers_of

if TYPE_CHECKING:
    from lepton_platform.run import Run

Rows = pd.DataFrame

MOST_CHOSEN_BY = 5_000
"""Series that models are chosen by and widths learned from: more would cost time and decide the same."""


@hookimpl
def lepton_load(source: Source, purpose: Purpose, run: Run, config: ForecastConfig) -> Dataset:
    """Read a long or wide table and check it: all findings at once."""
    rows = _read(source, purpose, run, config)
    if purpose == "train":
        return _history(rows, source, run, config)
    if purpose == "truth":
        return Dataset(rows[[]], _numbers(rows[VALUE], source).rename(VALUE))
    if purpose == "history":
        return _newer(rows, source, run, config)
    return _future(rows, source, run, config)


def _read(source: Source, purpose: Purpose, run: Run, config: ForecastConfig) -> Rows:
    table = run.hooks.read(source)
    table = table.set_axis(table.columns.map(str), axis=1)
    _stop_on_errors(layout.faults_of(table, config, purpose), source)
    held_out = config.horizon if run.options.test is None else 0
    if purpose == "history":
        return layout.long_rows(table, config, future=False)
    return layout.long_rows(table, config, purpose != "train", held_out)


def _history(rows: Rows, source: Source, run: Run, config: ForecastConfig) -> Dataset:
    values = _numbers(rows[VALUE], source)
    findings = _empty(values)
    known = values.notna().to_numpy()
    rows = rows.assign(**{VALUE: values})
    if not known.all():
        rows = rows[known]
    del values
    if rows.empty:
        _stop_on_errors([Finding("error", "no row has a value", config.value)], source)
    times = periods.parsed(rows.index.unique(level=1))
    frequency = periods.find_frequency(times.sort_values())
    number = numbers_of(rows.index, frequency)
    seasons = config.seasons or periods.usual_seasons(frequency)
    findings += _duplicates(rows, number) + _layout(rows, number, frequency, seasons, times)
    findings += _values(rows[VALUE]) + _after_the_fact(rows, config)
    cases, faults = _cases(rows, config)
    _stop_on_errors(findings + faults + _changing(rows, config), source)
    run.note(*findings)
    run.learned |= {
        "frequency": frequency,
        "seasons": list(seasons),
        "least": float(rows[VALUE].min()),
    }
    return Dataset(
        cases,
        rows[VALUE].astype(float),
        groups=_series(rows),
        extra=rows.drop(columns=[VALUE, *cases.columns]),
    )


def _newer(rows: Rows, source: Source, run: Run, config: ForecastConfig) -> Dataset:
    """Return values to forecast from, on the calendar of those that were learned from."""
    values = _numbers(rows[VALUE], source)
    rows = rows.assign(**{VALUE: values})[values.notna().to_numpy()]
    cases, faults = _cases(rows, config)
    _stop_on_errors(_duplicates(rows, numbers_of(rows.index, run.learned["frequency"])) + faults, source)
    unseen = sorted({*_series(rows).astype(str)} - {*map(str, run.model.panel_.series)})
    if unseen:
        said = (
            f"{len(unseen):,} series are new since the model was trained, first {unseen[0]}: they are "
            "forecast as those most like them"
        )
        run.note(Finding("warning", said, remedy="Run again to learn from them"))
    return Dataset(cases, rows[VALUE], extra=rows.drop(columns=[VALUE, *cases.columns]))


def _future(rows: Rows, source: Source, run: Run, config: ForecastConfig) -> Dataset:
    cases, faults = _cases(rows, config)
    _stop_on_errors(faults + _unplanned(rows, config) + _too_far(rows, run, config), source)
    return Dataset(cases, groups=_series(rows), extra=rows.drop(columns=[VALUE, *cases.columns]))


def _series(rows: Rows) -> pd.Series[Any]:
    return pd.Series(rows.index.get_level_values(0), rows.index, name="series")


def _cases(rows: Rows, config: ForecastConfig) -> tuple[Rows, list[Finding]]:
    """Return what may be learned from: planned columns as numbers, attributes as categories."""
    planned = rows[list(config.known_ahead)].apply(pd.to_numeric, errors="coerce").astype(float)
    findings = [
        Finding(
            "error",
            "is known ahead but holds what is no number",
            name,
            (),
            "Write 0 and 1, or an amount; declare what never changes as --static",
        )
        for name in config.known_ahead
        if (planned[name].isna() & rows[name].notna()).any()
    ]
    attributes = (
        rows[list(config.static)].astype(object).where(rows[list(config.static)].notna(), "(missing)")
    )
    return planned.assign(**attributes.astype(str).astype("category")), findings


def _numbers(values: pd.Series[Any], source: Source) -> pd.Series[Any]:
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    wrong = np.isinf(numbers)
    if not pd.api.types.is_numeric_dtype(values.dtype):
        wrong |= numbers.isna() & values.notna() & (values.astype(str).str.strip() != "")
    if wrong.any():
        shown = ", ".join(map(repr, values[wrong].unique()[:3]))
        finding = Finding("error", f"the values hold what is no number: {shown}", remedy="Correct them")
        raise DataError([finding], str(source))
    return numbers


def _empty(values: pd.Series[Any]) -> list[Finding]:
    count = int(values.isna().sum())
    said = f"{count:,} rows have no value: unknown, nothing was put in their place"
    return [Finding("note", said)] if count else []


def _duplicates(rows: Rows, number: periods.Periods) -> list[Finding]:
    keys = pd.MultiIndex.from_arrays([rows.index.get_level_values(0), number])
    again = keys.duplicated()
    if not again.any():
        return []
    series, time = rows.index[again][0]
    said = f"{again.sum():,} rows repeat a series and period, first {series} at {time}"
    where = tuple(int(row) for row in np.flatnonzero(again)[:100])
    return [Finding("error", said, rows=where, remedy="Add them up, or keep one")]


def _layout(
    rows: Rows, number: periods.Periods, frequency: str, seasons: tuple[int, ...], times: pd.Index[Any]
) -> list[Finding]:
    """Say what the calendar is, who starts late or ends early, and where there are holes."""
    by_series = pd.Series(number).groupby(rows.index.get_level_values(0)).agg(["min", "max", "count"])
    span = int(number.max() - number.min() + 1)
    known = ", ".join(str(season) for season in seasons if season > 1) or "none"
    said = f"{len(by_series):,} series, {periods.in_words(frequency)}, {span:,} periods; seasons: {known}"
    findings = [Finding("note", said)]
    holes = by_series["max"] - by_series["min"] + 1 - by_series["count"]
    if (holes > 0).any():
        said = f"{int(holes.sum()):,} periods are missing inside {int((holes > 0).sum()):,} series"
        remedy = "They count as unknown; if no row means no sale, write the zeros"
        findings.append(Finding("warning", said, remedy=remedy))
    ended = int((by_series["max"] < number.max()).sum())
    if ended:
        findings.append(Finding("warning", f"{ended:,} series end before the others do"))
    late = int((by_series["min"] > number.min()).sum())
    if late:
        least = int(by_series["count"].min())
        findings.append(
            Finding("note", f"{late:,} series start later than others; the shortest has {least:,} values")
        )
    if getattr(rows.index.get_level_values(1), "tz", None) is not None:
        findings.append(Finding("note", "times carry a zone: they were read as UTC"))
    return findings


def _values(values: pd.Series[Any]) -> list[Finding]:
    """Say what the values are like: negative ones among sales, series that never change."""
    findings = []
    negative = values < 0
    if 0 < negative.mean() < 0.05:
        rows = tuple(int(row) for row in np.flatnonzero(negative)[:100])
        remedy = "Returns? Kept as they are; take them out if demand is wanted"
        findings.append(
            Finding("warning", f"{negative.sum():,} values are negative", rows=rows, remedy=remedy)
        )
    by_series = values.groupby(level=0, sort=False).agg(["min", "max", "count"])
    zero = int(((by_series["min"] == 0) & (by_series["max"] == 0)).sum())
    constant = int((by_series["min"] == by_series["max"]).sum()) - zero
    single = int((by_series["count"] == 1).sum())
    for count, what in (
        (zero, "hold nothing but zeros"),
        (constant, "never change"),
        (single, "have one value"),
    ):
        if count:
            findings.append(Finding("note", f"{count:,} series {what}: forecast from the others' pattern"))
    return findings


def _after_the_fact(rows: Rows, config: ForecastConfig) -> list[Finding]:
    """Warn of a planned column that is empty just where nothing was sold: it was recorded with sales."""
    idle = rows[VALUE] == 0
    findings = []
    for name in config.known_ahead:
        empty = rows[name].isna()
        if empty.any() and idle.any() and empty[idle].mean() > 0.5 and empty[~idle].mean() < 0.05:
            said = "is empty where the value is 0: it looks recorded with the sales, not known ahead"
            findings.append(Finding("warning", said, name, (), f"Leave it out of --known-ahead {name}"))
    return findings


def _changing(rows: Rows, config: ForecastConfig) -> list[Finding]:
    findings = []
    for name in config.static:
        kinds = rows[name].astype(str).groupby(level=0, sort=False).nunique()
        if (kinds > 1).any():
            said = f"is declared static but changes within {int((kinds > 1).sum()):,} series"
            remedy = "Give each series one value, or leave it out of --static"
            findings.append(Finding("error", said, name, (), remedy))
    return findings


def _unplanned(rows: Rows, config: ForecastConfig) -> list[Finding]:
    """Refuse future rows whose planned columns are empty: a guess would pass for a plan."""
    findings = []
    for name in config.known_ahead:
        empty = np.flatnonzero(rows[name].isna().to_numpy())
        if len(empty):
            said = f"is known ahead but empty in {len(empty):,} of {len(rows):,} future rows"
            remedy = "Write the plan, 0 for none; or leave the column out of --known-ahead"
            findings.append(Finding("error", said, name, tuple(int(row) for row in empty[:100]), remedy))
    return findings


def _too_far(rows: Rows, run: Run, config: ForecastConfig) -> list[Finding]:
    """Refuse rows that are not among the periods that the model looks ahead to."""
    step = numbers_of(rows.index, run.learned["frequency"]) - run.learned["end"]
    wrong = np.flatnonzero((step < 1) | (step > config.horizon))
    if not len(wrong):
        return []
    said = (
        f"{len(wrong):,} rows lie {step[wrong].min():,} to {step[wrong].max():,} periods after the last one "
        f"that was learned from; the forecast reaches from 1 to {config.horizon}"
    )
    remedy = "Pass a longer --horizon, or leave these rows out"
    return [Finding("error", said, rows=tuple(int(row) for row in wrong[:100]), remedy=remedy)]


def _stop_on_errors(findings: list[Finding], source: Source) -> None:
    if any(finding.level == "error" for finding in findings):
        raise DataError(findings, str(source))


@hookimpl
def lepton_stream(source: Source, run: Run, config: ForecastConfig) -> Iterable[pd.DataFrame] | None:
    """What ``lepton decide`` is to forecast; where the source knows newer values, from their end on."""
    table = run.hooks.read(source)
    return rows_to_forecast(table.set_axis(table.columns.map(str), axis=1), run, config)


@hookimpl
def lepton_split(dataset: Dataset, run: Run, config: ForecastConfig) -> Split:
    """Hold the last periods out; folds forecast from earlier origins what the training rows then say."""
    number = numbers_of(dataset.cases.index, run.learned["frequency"])
    horizon, end = config.horizon, int(number.max())
    origin = end if run.options.test is not None else end - horizon
    train, test = np.flatnonzero(number <= origin), np.flatnonzero(number > origin)
    learned = number[train]
    run.learned["end"] = int(learned.max())
    count = min(config.origins, (origin - int(number.min()) + 1 - max(horizon, 2)) // horizon)
    if count < 1:
        span = end - int(number.min()) + 1
        said = f"{span:,} periods are too few to forecast {horizon} ahead and to check it"
        raise DataError([Finding("error", said, remedy="Pass a smaller --horizon, or a longer history")])
    asked = _chosen_by(dataset.cases.index[train], run)
    folds = [
        (
            np.flatnonzero(asked & (learned <= cut)),
            np.flatnonzero(asked & (learned > cut) & (learned <= cut + horizon)),
        )
        for cut in (origin - horizon * back for back in range(1, count + 1))
    ]
    rule = f"by time: the last {horizon} periods, forecast at once from the period before them"
    return Split(train, test, folds, rule)


def _chosen_by(index: pd.Index[Any], run: Run) -> NDArray[np.bool_]:
    """Return which rows the folds are made of: all, or of many series those of a random part."""
    codes, series = coded(index, 0)
    if len(series) <= MOST_CHOSEN_BY:
        return np.ones(len(index), dtype=bool)
    said = (
        f"of {len(series):,} series, {MOST_CHOSEN_BY:,} drawn at random choose the models and their widths; "
        "all are learned from and forecast"
    )
    run.note(Finding("note", said))
    drawn = np.zeros(len(series), dtype=bool)
    drawn[np.random.default_rng(run.seed).choice(len(series), MOST_CHOSEN_BY, replace=False)] = True
    return drawn[codes]
