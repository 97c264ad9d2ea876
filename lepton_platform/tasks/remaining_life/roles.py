"""Which column of a log is the unit, which the time, which the failure, and which give the answer away."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_platform.data.dataset import Finding
from lepton_platform.errors import DataError, did_you_mean
from lepton_platform.tasks.remaining_life.config import RemainingLifeConfig

UNIT_WORDS = re.compile(r"unit|engine|asset|machine|equipment|serial|device|(^|_)id$", re.IGNORECASE)
TIME_WORDS = re.compile(r"cycle|time|date|hour|day|age", re.IGNORECASE)
RISING = 0.99
"""Share of steps within a unit in which a column that is the time goes up, at least."""
TEXT = 0.1
"""Share of values that are no numbers from which a column is text."""


@dataclass(frozen=True)
class Roles:
    """Names of the columns by what they are."""

    unit: str
    time: str
    event: str | None
    sensors: tuple[str, ...]

    @classmethod
    def learned(cls, facts: Mapping[str, Any]) -> Roles:
        """Return the roles that a run's data stage learned."""
        return cls(**{**facts["roles"], "sensors": tuple(facts["sensors"])})


def find_roles(table: pd.DataFrame, config: RemainingLifeConfig) -> tuple[Roles, list[Finding]]:
    """Return the roles in a log of whole lives, and what is to be said of it.

    Raises
    ------
    DataError
        A column that an option names is missing, or unit and time can be told from nothing.
    """
    columns = list(table.columns)
    named = {
        "--unit": [config.unit], "--time": [config.time], "--event": [config.event],
        "--settings": config.settings, "--ignore": config.ignore,
    }  # fmt: skip
    missing = [
        Finding("error", f"is missing, but {option} names it", name, remedy=did_you_mean(name, columns))
        for option, names in named.items()
        for name in names
        if name is not None and name not in columns
    ]
    if missing:
        raise DataError(missing)
    unit, time = _unit_and_time(table, config)
    findings = [Finding("note", f"units are named by {unit!r}, times are {time!r}")]
    clock = numbers(table[time])
    if clock is None:
        raise DataError([Finding("error", "holds neither numbers nor dates, but is the time", time)])
    ends = pd.Series(clock).groupby(pd.factorize(table[unit])[0]).transform("max").to_numpy()
    event = config.event or _event(table.drop(columns=[unit, time]), clock == ends)
    if event is not None and config.event is None:
        said = "is 1 in the last row of some units and 0 elsewhere: read as their failure"
        findings.append(Finding("note", said, event, remedy="Units without it are taken to have gone on"))
    sensors = []
    for name in columns:
        if name in (unit, time, event, *config.ignore):
            continue
        if (reason := _useless(table[name], clock, ends)) is not None:
            findings.append(reason)
        else:
            sensors.append(name)
    if not sensors:
        raise DataError([*findings, Finding("error", "no column is left to learn from")])
    return Roles(unit, time, event, tuple(sensors)), findings


def _unit_and_time(table: pd.DataFrame, config: RemainingLifeConfig) -> tuple[str, str]:
    if config.unit and config.time:
        return config.unit, config.time
    units = [config.unit] if config.unit else [str(name) for name in table if _repeats(table[name])]
    times = [config.time] if config.time else list(map(str, table))
    times = [name for name in times if _is_ordered(table[name])]
    found = [
        (bool(UNIT_WORDS.search(unit)) + bool(TIME_WORDS.search(time)), unit, time)
        for unit in units
        for time in times
        if unit != time and _rises(table, unit, time)
    ]
    if not found:
        asked = " and ".join(f"--{role}" for role in ("unit", "time") if getattr(config, role) is None)
        remedy = f"The table has {', '.join(map(str, table.columns[:30]))}"
        said = f"which column names the units, and which is their time? Pass {asked}"
        raise DataError([Finding("error", said, remedy=remedy)])
    _, unit, time = max(found, key=lambda pair: pair[0])  # of equals the leftmost
    return unit, time


def _repeats(values: pd.Series[Any]) -> bool:
    """Whether a column could name units: whole numbers or text, each for many rows."""
    if pd.api.types.is_float_dtype(values) or values.isna().any():
        return False
    return 2 <= values.nunique() <= len(values) / 3


def _is_ordered(values: pd.Series[Any]) -> bool:
    return not values.isna().any() and numbers(values) is not None


def _rises(table: pd.DataFrame, unit: str, time: str) -> bool:
    """Whether a time goes up within units that stand together; a 0-or-1 column changes to and fro."""
    names = table[unit].to_numpy()
    same = names[1:] == names[:-1]
    together = (~same).sum() + 1 <= 2 * table[unit].nunique()  # twice, for names may be used again
    clock = numbers(table[time])
    assert clock is not None  # of what _is_ordered let through
    return bool(together and (np.diff(clock)[same] > 0).mean() >= RISING)


def numbers(times: pd.Series[Any]) -> NDArray[np.float64] | None:
    """Return numbers as they are and dates in days since 1970; ``None`` if they are neither."""
    if pd.api.types.is_bool_dtype(times):
        return None
    if pd.api.types.is_numeric_dtype(times):
        return times.to_numpy(dtype=float)
    if is_dated(times):
        dates = pd.to_datetime(times, errors="coerce", utc=True, format="mixed")
        return (dates - pd.Timestamp(0, tz="UTC")).to_numpy() / np.timedelta64(1, "D")
    return None


def is_dated(times: pd.Series[Any]) -> bool:
    """Whether times are dates, as such or as text like 2026-01-31."""
    if pd.api.types.is_datetime64_any_dtype(times):
        return True
    if pd.api.types.is_numeric_dtype(times):
        return False
    return bool(times.astype(str).str.match(r"^\d{4}-\d{2}-\d{2}").mean() > 1 - TEXT)


def _event(table: pd.DataFrame, last: NDArray[np.bool_]) -> str | None:
    """Return the column that is 1 in nothing but last rows of units, where there is one."""
    for name in table.columns:
        values = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=float)
        if np.isin(values, [0, 1]).all() and values.any() and not values[~last].any():
            return str(name)
    return None


def _useless(column: pd.Series[Any], clock: NDArray[np.float64], ends: NDArray[np.float64]) -> Finding | None:
    """Return why a column is no sensor: it is text, or it gives the end of the unit away.

    What counts down to the end may be capped, as targets are.
    """
    name, values = str(column.name), pd.to_numeric(column, errors="coerce")
    unread = values.isna() & column.notna()
    if unread.any():
        rows = tuple(int(row) for row in np.flatnonzero(unread)[:100])
        if unread.mean() > TEXT:
            return Finding("warning", "holds text: left out", name, remedy="Give numbers to have it used")
        return Finding("error", "holds what is no number", name, rows, "Correct them or leave them empty")
    if values.nunique() < 2:
        return None
    answers = {"counts down to": np.minimum(ends - clock, values.max()), "is the same as": ends}
    for what, answer in answers.items():
        if np.allclose(values, answer):
            said = f"{what} the end of each unit, which is the answer: left out"
            return Finding("warning", said, name)
    return None
