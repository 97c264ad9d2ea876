from __future__ import annotations

import pandas as pd
import pytest

from lepton_platform.tasks.forecast.periods import TimeError, find_frequency, numbered, parsed

DATES = {
    "h": "2026-03-29 00:00",
    "15min": "2026-01-01",
    "D": "2026-02-27",
    "W-MON": "2026-01-05",
    "MS": "2026-01-01",
    "ME": "2026-01-31",
    "QE": "2026-03-31",
    "YS": "2020-01-01",
}


@pytest.mark.parametrize("pandas_frequency", DATES)
def test_periods_of_any_calendar_are_numbered_one_after_another(pandas_frequency):
    times = pd.date_range(DATES[pandas_frequency], periods=30, freq=pandas_frequency)
    numbers = numbered(times, find_frequency(times))
    assert (numbers[1:] - numbers[:-1] == 1).all()


def test_a_hole_in_the_calendar_keeps_its_place():
    months = parsed(pd.Index(["2026-01", "2026-02", "2026-05"]))
    assert (numbered(months, "M") - numbered(months, "M")[0]).tolist() == [0, 1, 4]


def test_a_time_off_the_calendar_is_named():
    with pytest.raises(TimeError, match="time 7 does not lie on the calendar"):
        numbered(pd.Index([2, 4, 7]), "2")


def test_text_that_is_no_time_is_named():
    with pytest.raises(TimeError, match="'soon' is neither a whole number nor a date"):
        parsed(pd.Index(["2026-01-01", "soon"]))
