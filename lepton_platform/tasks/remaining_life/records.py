"""A log as histories of units, and what was odd about it: nothing is repaired without being said."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_platform.data.dataset import Finding
from lepton_platform.errors import DataError, did_you_mean
from lepton_platform.tasks.remaining_life.history import History
from lepton_platform.tasks.remaining_life.roles import Roles, is_dated, numbers

Floats = NDArray[np.float64]

FEW_DROPS = 0.05
"""Share of a unit's steps back in time up to which they begin a new life under the same name."""
SINCE = 10
"""Longest lives before the first row from which times are a clock and no age."""
IRREGULAR = 0.05
"""Share of steps unlike the usual one that is worth a word."""
COUNTS = 0.95
"""Share of a sensor's steps that go up from which it is a counter."""
RESET = 0.5
"""Share of a counter's range in a unit that a fall must have to be a reset."""


@dataclass(frozen=True)
class Records:
    """Histories in the order in which units appear, which of them failed, and when each ended.

    ``clock``: whether times were counted from each unit's first row.
    """

    histories: list[History]
    failed: frozenset[str]
    ends: dict[str, float]
    findings: tuple[Finding, ...]
    clock: bool


def read_records(table: pd.DataFrame, roles: Roles, source: str, as_clock: bool | None = None) -> Records:
    """Return the histories in a log.

    ``as_clock`` says whether times are counted from each unit's first row; ``None``: it is found.

    Raises
    ------
    DataError
        A column is missing, times cannot be read, or a unit has two rows of one time.
    """
    clock, values = checked(table, roles, source)
    if table.empty:
        return Records([], frozenset(), {}, (), bool(as_clock))
    names = named(table[roles.unit])
    order, names, findings = _in_order(names, clock, source)
    clock, values = clock[order], values[order]
    if as_clock is None:
        as_clock = is_dated(table[roles.time]) or _is_clock(clock, names)
    since = []
    if as_clock:
        clock = clock - _first(clock, names)
        unit = "days" if is_dated(table[roles.time]) else "the unit of the column"
        since = [Finding("note", f"times are counted from each unit's first row, in {unit}")]
    event = _events(table, roles)[order]
    starts = np.flatnonzero(np.append(True, names[1:] != names[:-1]))
    bounds = np.append(starts, len(names))
    findings += since + _gaps(values, roles) + _steps(clock, starts) + _resets(values, starts, roles)
    lives = [slice(start, end) for start, end in pairwise(bounds)]
    histories = [History(str(names[life][0]), clock[life], _carried(values[life])) for life in lives]
    failed = {str(names[life][0]) for life in lives if event[life].any()}
    said = f"{len(histories):,} units, {len(names):,} rows; {len(failed):,} failed"
    alive = len(histories) - len(failed)
    if alive:
        said += f", {alive:,} had not when the record ends: that they lived so long is used"
    ends = {history.unit: float(history.time[-1]) for history in histories}
    return Records(histories, frozenset(failed), ends, (Finding("note", said), *findings), as_clock)


def checked(table: pd.DataFrame, roles: Roles, source: str) -> tuple[Floats, Floats]:
    """Return times, shape (rows,), and sensors, shape (rows, sensors), as numbers.

    Raises
    ------
    DataError
        A column is missing, or holds what cannot be read; all faults at once.
    """
    faults = [
        Finding("error", "is missing", name, remedy=did_you_mean(name, list(map(str, table.columns))))
        for name in (roles.unit, roles.time, *roles.sensors)
        if name not in table
    ]
    if faults:
        raise DataError(faults, source)
    clock = numbers(table[roles.time])
    values, wrong = _values(table, roles)
    faults += wrong
    for name, bad in ((roles.unit, table[roles.unit].isna()), (roles.time, _unread(clock, table))):
        if bad.any():
            rows = tuple(int(row) for row in np.flatnonzero(bad)[:100])
            faults.append(Finding("error", "has rows without a value that can be read", name, rows))
    if faults:
        raise DataError(faults, source)
    assert clock is not None
    return clock, values


def _unread(clock: Floats | None, table: pd.DataFrame) -> NDArray[np.bool_]:
    return np.ones(len(table), dtype=bool) if clock is None else ~np.isfinite(clock)


def named(units: pd.Series[Any]) -> NDArray[Any]:
    """Return names as text; 3 and 3.0 are one unit."""
    if pd.api.types.is_float_dtype(units):
        units = units.astype("Int64") if (units == units.round()).all() else units
    return units.astype(str).to_numpy(dtype=object)


def _values(table: pd.DataFrame, roles: Roles) -> tuple[Floats, list[Finding]]:
    """Return the sensors, shape (rows, sensors), and what is no number."""
    columns, faults = [], []
    for name in roles.sensors:
        numbers = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=float)
        wrong = np.flatnonzero((np.isnan(numbers) & table[name].notna().to_numpy()) | np.isinf(numbers))
        if len(wrong):
            rows = tuple(int(row) for row in wrong[:100])
            remedy = "Correct them or leave them empty"
            faults.append(Finding("error", "holds what is no number", name, rows, remedy))
        columns.append(numbers)
    return np.column_stack(columns), faults


def _events(table: pd.DataFrame, roles: Roles) -> NDArray[np.bool_]:
    """Return the rows in which a unit failed: by the event column, else its last one."""
    if roles.event is None:
        return np.ones(len(table), dtype=bool)
    if roles.event not in table:
        return np.zeros(len(table), dtype=bool)
    text = table[roles.event].astype(str).str.strip().str.lower()
    return text.isin(("1", "1.0", "true", "yes", "failed", "failure")).to_numpy()


def _in_order(
    names: NDArray[Any], clock: Floats, source: str
) -> tuple[NDArray[np.intp], NDArray[Any], list[Finding]]:
    """Return the order by unit and time, names in that order, and what was out of it.

    A unit whose times start again has begun another life: each is a unit of its own.
    """
    codes, seen = pd.factorize(names)
    order = np.argsort(codes, kind="stable")  # the file's order within each unit
    same = codes[order][1:] == codes[order][:-1]
    back = np.append(False, same & (np.diff(clock[order]) < 0))
    steps = np.bincount(codes[order], minlength=len(seen))
    drops = np.bincount(codes[order], back, minlength=len(seen))
    reused = (drops > 0) & (drops <= np.maximum(1, FEW_DROPS * steps)) & (steps > 3)
    life = np.zeros(len(names), dtype=int)
    for code in np.flatnonzero(reused):
        here = order[codes[order] == code]
        life[here] = np.cumsum(back[codes[order] == code])
    order = np.lexsort((clock, life, codes))
    named = np.array(
        [f"{name} ({number + 1})" if number else name for name, number in zip(names, life, strict=True)],
        dtype=object,
    )[order]
    findings = []
    if reused.any():
        shown = ", ".join(map(str, seen[reused][:5]))
        said = f"times start again in {int(reused.sum()):,} units ({shown}): each life counts as a unit"
        findings.append(Finding("warning", said, remedy="If it is one life, correct its times"))
    if ((drops > 0) & ~reused).any():
        count = int(((drops > 0) & ~reused).sum())
        findings.append(Finding("note", f"{count:,} units were not in the order of time: sorted"))
    twice = np.flatnonzero((named[1:] == named[:-1]) & (np.diff(clock[order]) == 0))
    if len(twice):
        first = order[twice[0]]
        said = f"{len(twice):,} rows repeat a unit and time, first {names[first]} at {clock[first]:g}"
        raise DataError(
            [Finding("error", said, rows=tuple(int(order[row]) for row in twice[:100]),
                     remedy="Keep one, or tell their units apart")], source,
        )  # fmt: skip
    return order, named, findings


def _first(clock: Floats, names: NDArray[Any]) -> Floats:
    """Return the first time of each row's unit."""
    starts = np.append(True, names[1:] != names[:-1])
    return np.asarray(clock[starts][np.cumsum(starts) - 1], dtype=float)


def _is_clock(clock: Floats, names: NDArray[Any]) -> bool:
    """Whether all units begin late, against how long they last: times are no ages."""
    first = _first(clock, names)
    return bool(np.abs(first).min() > SINCE * max(float((clock - first).max()), 1e-9))


def _carried(values: Floats) -> Floats:
    """Return values with gaps filled by the last value before them; nothing later is used."""
    rows = np.where(np.isnan(values), 0, np.arange(len(values))[:, None])
    return np.take_along_axis(values, np.maximum.accumulate(rows, axis=0), axis=0)


def _gaps(values: Floats, roles: Roles) -> list[Finding]:
    share = np.isnan(values).mean(axis=0)
    holes = [f"{roles.sensors[column]} ({share[column]:.1%})" for column in np.flatnonzero(share)]
    if not holes:
        return []
    said = f"{len(holes)} columns lack values; the last one before stands in their place: {', '.join(holes)}"
    return [Finding("note", said)]


def _steps(clock: Floats, starts: NDArray[np.intp]) -> list[Finding]:
    steps = np.delete(np.diff(clock), starts[1:] - 1)
    if not len(steps):
        return []
    usual = float(np.median(steps))
    other = float((np.abs(steps - usual) > 0.01 * usual).mean())
    if other <= IRREGULAR:
        return []
    said = f"{other:.0%} of the steps of time differ from the usual {usual:g}: windows count rows, not time"
    return [Finding("warning", said, remedy="Resample the log if its pace changes")]


def _resets(values: Floats, starts: NDArray[np.intp], roles: Roles) -> list[Finding]:
    """Warn of counters that fall back amid a life."""
    inside = np.delete(np.arange(1, len(values)), starts[1:] - 1)
    findings = []
    for column, name in enumerate(roles.sensors):
        steps = values[inside, column] - values[inside - 1, column]
        moving = steps[np.abs(steps) > 0]
        if len(moving) == 0 or (moving > 0).mean() < COUNTS:
            continue
        count = int((steps < -RESET * np.nanmax(np.abs(values[:, column]))).sum())
        if count:
            said = f"falls back {count:,} times amid a life: a reset counter?"
            findings.append(Finding("warning", said, name, (), "Its windows across a reset mix both"))
    return findings
