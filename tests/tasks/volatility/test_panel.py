"""The grid of days: what is known of a day, from the history and from the cases."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lepton_platform.tasks.volatility.panel import Panel


def cases(days, names, returns):
    """Cases in rows of days and columns of instruments; NaN where the return is open."""
    index = pd.MultiIndex.from_product([pd.to_datetime(days), names], names=["date", "instrument"])
    return pd.DataFrame({"return": np.ravel(returns).astype(float)}, index)


def test_cases_follow_the_days_before_them_and_leave_no_return_unknown_that_is_known():
    history = Panel.of(cases(["2020-01-01", "2020-01-02", "2020-01-03"], ["A"], [[1], [2], [3]]))
    later = cases(["2020-01-03", "2020-01-06"], ["A", "B"], [[np.nan, 9], [4, np.nan]])
    panel, first = history.followed_by(later)
    assert first == 2 and panel.instruments == ("A", "B")
    expected = [[1, np.nan], [2, np.nan], [3, 9], [4, np.nan]]
    np.testing.assert_array_equal(panel.returns, expected)


def test_a_case_counts_before_what_the_history_says_of_its_day():
    history = Panel.of(cases(["2020-01-01", "2020-01-02"], ["A"], [[1], [2]]))
    panel, _ = history.followed_by(cases(["2020-01-02"], ["A"], [[5]]))
    np.testing.assert_array_equal(panel.returns, [[1], [5]])
