"""The calendar of a panel: from times as a file writes them to numbers of periods.

A frequency is a text: ``"2"`` for whole numbers two apart, a number of nanoseconds for clock times
(``"3600000000000"`` is hourly), or pandas' ``W-SUN``, ``M``, ``Q-DEC`` and ``Y-DEC``, whose periods
differ in length.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_platform.errors import LeptonError

Periods = NDArray[np.int64]

DAY = 86_400 * 10**9
"""Nanoseconds."""
SEASONS = {"M": 12, "Q": 4, "Y": 1, "W": 52}
"""Periods of a year."""


class TimeError(LeptonError):
    """Times cannot be read, or lie off the calendar."""


def parsed(times: pd.Index[Any]) -> pd.Index[Any]:
    """Return times as whole numbers or as naive UTC timestamps.

    >>> parsed(pd.Index(["2", "3"])).tolist()
    [2, 3]
    >>> parsed(pd.Index(["1998-01"]))[0]
    Timestamp('1998-01-01 00:00:00')
    """
    if isinstance(times, pd.DatetimeIndex):
        return times if times.tz is None else times.tz_convert("UTC").tz_localize(None)
    numbers = pd.to_numeric(pd.Series(times), errors="coerce")
    if numbers.notna().all() and (numbers % 1 == 0).all() and numbers.abs().max() < 1e7:
        return pd.Index(numbers.astype(np.int64))
    text = pd.Series(times.astype(str))
    dates = pd.to_datetime(text, errors="coerce", utc=True, format="mixed")
    if dates.isna().any():
        wrong = text[dates.isna()].iloc[0]
        raise TimeError(f"time {wrong!r} is neither a whole number nor a date; write 2026-01-31")
    return pd.DatetimeIndex(dates).tz_localize(None).as_unit("ns")


def find_frequency(times: pd.Index[Any]) -> str:
    """Return the frequency of sorted, distinct, parsed times: their commonest distance.

    >>> find_frequency(pd.date_range("2026-01-31", periods=5, freq="ME"))
    'M'
    >>> find_frequency(pd.Index([2, 4, 6, 10]))
    '2'
    """
    if len(times) < 2:
        return "1" if not isinstance(times, pd.DatetimeIndex) else str(DAY)
    if not isinstance(times, pd.DatetimeIndex):
        steps, counts = np.unique(np.diff(times.to_numpy()), return_counts=True)
        return str(steps[counts.argmax()])
    steps, counts = np.unique(np.diff(times.as_unit("ns").asi8), return_counts=True)
    step = int(steps[counts.argmax()])
    for name, low, high in (("M", 28, 31), ("Q-DEC", 89, 92), ("Y-DEC", 365, 366)):
        if low * DAY <= step <= high * DAY:
            return name
    if step == 7 * DAY:
        return f"W-{times[0].strftime('%a').upper()}"
    return str(step)


def numbered(times: pd.Index[Any], frequency: str) -> Periods:
    """Return the number of the period that each (parsed) time lies in; equal steps differ by one.

    Raises
    ------
    TimeError
        A whole number, or a time of day, lies between two periods.
    """
    if not isinstance(times, pd.DatetimeIndex):
        step = int(frequency)
        return _whole(times.to_numpy().astype(np.int64), step, times)
    if not frequency.isdigit():
        return times.to_period(frequency.replace("Y-DEC", "Y")).asi8
    return _whole(times.as_unit("ns").asi8, int(frequency), times)


def _whole(values: Periods, step: int, times: pd.Index[Any]) -> Periods:
    phase = values - values[0] if len(values) else values
    off = phase % step != 0
    if off.any():
        raise TimeError(f"time {times[off][0]} does not lie on the calendar of the others (every {step})")
    return np.asarray(values // step, dtype=np.int64)


def following(last: Any, count: int, frequency: str) -> pd.Index[Any]:
    """Return the next ``count`` times after ``last``, a parsed one.

    >>> following(7, 2, "1").tolist()
    [8, 9]
    >>> following(pd.Timestamp("2026-01-31"), 2, "M").strftime("%Y-%m-%d").tolist()
    ['2026-02-28', '2026-03-31']
    """
    steps = range(1, count + 1)
    if not isinstance(last, pd.Timestamp):
        return pd.Index([int(last) + int(frequency) * step for step in steps])
    if frequency.isdigit():
        return pd.DatetimeIndex([last + pd.Timedelta(int(frequency) * step) for step in steps])
    if frequency.startswith("W"):
        return pd.DatetimeIndex([last + pd.Timedelta(weeks=step) for step in steps])
    months = 12 // SEASONS[frequency[0]]
    times = pd.DatetimeIndex([last + pd.DateOffset(months=months * step) for step in steps])
    return times + pd.offsets.MonthEnd(0) if last.is_month_end else times


def in_words(frequency: str) -> str:
    """Say how often a panel is observed.

    >>> in_words("3600000000000"), in_words("W-SUN"), in_words("1")
    ('every hour', 'every week (Sunday)', 'every period, numbered')
    """
    if not frequency.isdigit():
        kind, _, anchor = frequency.partition("-")
        said = {"W": "every week", "M": "every month", "Q": "every quarter", "Y": "every year"}[kind]
        days = {"MON": "Monday", "TUE": "Tuesday", "WED": "Wednesday", "THU": "Thursday", "FRI": "Friday",
                "SAT": "Saturday", "SUN": "Sunday"}  # fmt: skip
        return f"{said} ({days[anchor]})" if anchor in days else said
    step = int(frequency)
    if step < 10**6:
        return "every period, numbered" if step == 1 else f"every {step}, numbered"
    for unit, size in (("day", DAY), ("hour", DAY // 24), ("minute", DAY // 1440), ("second", 10**9)):
        if step % size == 0:
            return f"every {unit}" if step == size else f"every {step // size} {unit}s"
    return f"every {step} ns"


def usual_seasons(frequency: str) -> tuple[int, ...]:
    """Return the seasons, in periods, that such calendars usually have; numbers have none.

    >>> usual_seasons("3600000000000"), usual_seasons("M"), usual_seasons("1")
    ((24, 168), (12,), (1,))
    """
    if not frequency.isdigit():
        return (SEASONS[frequency[0]],)
    step = int(frequency)
    if step < 10**6:
        return (1,)
    if step == DAY:
        return (7, 365)
    if step < DAY and DAY % step == 0:
        return (DAY // step, 7 * DAY // step)
    return (1,)


def features(first: int, count: int, frequency: str) -> pd.DataFrame:
    """Return what the calendar says of ``count`` periods from number ``first`` on; numbers say nothing."""
    numbers = np.arange(first, first + count)
    if frequency.isdigit() and int(frequency) < 10**6:
        return pd.DataFrame(index=numbers)
    if frequency.isdigit():
        times = pd.DatetimeIndex(numbers * int(frequency))
        parts = {
            "weekday": times.dayofweek,
            "day": times.day,
            "month": times.month,
            "day_of_year": times.dayofyear,
        }
        if int(frequency) < DAY:
            parts["hour"] = times.hour
        return pd.DataFrame({name: np.asarray(part, dtype=float) for name, part in parts.items()}, numbers)
    first_period = pd.Period(ordinal=first, freq=frequency.replace("Y-DEC", "Y"))
    start = pd.period_range(first_period, periods=count).start_time
    if frequency.startswith("W"):
        return pd.DataFrame({"day_of_year": np.asarray(start.dayofyear, dtype=float)}, numbers)
    return pd.DataFrame({"month": np.asarray(start.month, dtype=float)}, numbers)
