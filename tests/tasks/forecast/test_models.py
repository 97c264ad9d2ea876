from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from lepton_platform.tasks.forecast.boosting import GlobalBoosting
from lepton_platform.tasks.forecast.conformal import ConformalWidths
from lepton_platform.tasks.forecast.direct import History, Row
from lepton_platform.tasks.forecast.error_quantiles import ErrorQuantiles
from lepton_platform.tasks.forecast.newcomers import donors, with_newcomers
from lepton_platform.tasks.forecast.panel import Panel
from lepton_platform.tasks.forecast.periods import DAY
from lepton_platform.tasks.forecast.quantiles import LEVELS, MEDIAN
from lepton_platform.tasks.forecast.response import Response


def test_what_a_row_sees_does_not_change_with_what_comes_after_its_origin():
    values = np.random.default_rng(0).normal(size=(3, 80)).cumsum(axis=1)
    later = values.copy()
    later[:, 50:] *= 10
    row = Row(np.arange(3), np.full(3, 49), np.array([1, 4, 9]))
    before, after = (History(v, (6, 24), by_level=False) for v in (values[:, :50], values[:, :50]))
    shown, again = before.features(row), after.features(row)
    assert all(np.array_equal(shown[name], again[name], equal_nan=True) for name in shown)
    changed = History(later, (6, 24), by_level=False)
    for name, column in changed.features(row).items():
        assert np.array_equal(
            column, History(values, (6, 24), by_level=False).features(row)[name], equal_nan=True
        )


def test_the_response_to_a_promotion_is_found():
    rng = np.random.default_rng(1)
    promoted = rng.integers(0, 2, (40, 100, 1)).astype(float)
    values = rng.normal(size=(40, 1)) + 0.7 * promoted[..., 0] + 0.1 * rng.normal(size=(40, 100))
    response = Response().fit(values, promoted, np.zeros(40, dtype=int))
    effect = response.effect(np.ones((40, 1))) - response.effect(np.zeros((40, 1)))
    assert effect == pytest.approx(0.7, abs=0.08)


def test_a_series_that_was_never_promoted_borrows_the_response_of_its_group():
    rng = np.random.default_rng(2)
    promoted = rng.integers(0, 2, (20, 100, 1)).astype(float)
    promoted[0] = 0
    size = np.where(np.arange(20) < 10, 1.0, 0.2)[:, None]
    values = size * promoted[..., 0] + 0.05 * rng.normal(size=(20, 100))
    response = Response().fit(values, promoted, (np.arange(20) >= 10).astype(int))
    effect = response.effect(np.ones((20, 1))) - response.effect(np.zeros((20, 1)))
    assert effect[0] == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize("factor", [0.6, 2.0])
def test_widths_that_were_wrong_are_set_right_at_every_level(factor):
    rng = np.random.default_rng(0)
    quantiles = np.tile(norm.ppf(LEVELS), (20_000, 1))
    truth, step = factor * rng.normal(size=20_000), np.tile([1, 2, 3, 4], 5_000)
    right = ConformalWidths().fit(truth, quantiles, step).apply(quantiles, step)
    fresh = factor * rng.normal(size=20_000)
    shares = (fresh[:, None] <= right).mean(axis=0)
    assert shares == pytest.approx(np.array(LEVELS), abs=0.02)


def test_errors_become_quantiles_in_each_series_own_size():
    rng = np.random.default_rng(0)
    size = np.array([[1.0], [10.0]])
    model = ErrorQuantiles().fit(size * rng.normal(size=(2, 5_000)), np.zeros((2, 5_000)))
    told = model.around(np.zeros(2), np.array([0, 1]))[:, 1:]
    assert told[1] == pytest.approx(10 * told[0], rel=0.05)
    assert told[0] == pytest.approx(norm.ppf(LEVELS), abs=0.08)


def test_a_newcomer_is_forecast_as_its_like(rows):
    X, y = rows
    panel = Panel.of(X, y, "1")
    assert [panel.attributes[one, 0] for one in donors(panel, np.array(["odd"]))] == ["odd"] * 6
    level = pd.Series([1.0 if kind == "odd" else 5.0 for kind in panel.attributes[:, 0]], panel.series)
    index = pd.MultiIndex.from_tuples([("unheard of", 61), ("item 0", 61)], names=["series", "time"])
    asked = pd.DataFrame({"promotion": [0.0, 0.0], "kind": pd.Categorical(["odd", "even"])}, index)

    def predict(cases):
        return level.loc[cases.index.get_level_values(0)].to_numpy()[:, None]

    assert with_newcomers(predict, asked, panel).ravel().tolist() == [1.0, 5.0]


@pytest.mark.parametrize("shift", [0.0, -40.0], ids=["counts", "any sign"])
def test_boosting_forecasts_a_season_and_a_promotion_better_than_the_mean(rows, shift):
    X, y = rows
    y = y + shift
    held = X.index.get_level_values(1) > 54
    model = GlobalBoosting(6, (6,), rounds=60).fit(X[~held], y[~held])
    told = model.predict(X[held])
    mean = y[~held].groupby(level=0).mean().loc[y[held].index.get_level_values(0)].to_numpy()
    assert np.abs(told[:, 1 + MEDIAN] - y[held]).mean() < 0.7 * np.abs(mean - y[held]).mean()
    assert np.isfinite(told).all() and (np.diff(told[:, 1:], axis=1) >= 0).all()


def test_dates_tell_boosting_of_the_days_on_which_wages_are_paid():
    rng = np.random.default_rng(4)
    days = pd.date_range("2024-01-01", periods=500, freq="D")
    busy = np.where(days.day <= 2, 3.0, 1.0) * np.where(days.dayofweek >= 5, 1.5, 1.0)
    units = rng.poisson(20 * busy, (20, 500)).astype(float)

    def missed(times, frequency):
        index = pd.MultiIndex.from_product([[f"{n}" for n in range(20)], times], names=["series", "time"])
        known = np.tile(np.arange(500) < 486, 20)  # the last 14 days hold the first of May
        y = pd.Series(units.ravel(), index)
        model = GlobalBoosting(14, (7,), frequency, rounds=60)
        told = model.fit(pd.DataFrame(index=index[known]), y[known]).predict(
            pd.DataFrame(index=index[~known])
        )
        return np.abs(told[:, 1 + MEDIAN] - y[~known]).mean()

    assert missed(days, str(DAY)) < 0.8 * missed(range(500), "1")


def test_all_series_are_learned_from_where_their_rows_are_no_more_than_asked_for():
    hours = np.arange(900)
    values = 50 + 20 * np.sin(2 * np.pi * hours / 24) + np.random.default_rng(5).normal(size=(120, 900))
    index = pd.MultiIndex.from_product([[f"{n}" for n in range(120)], hours], names=["series", "time"])
    model = GlobalBoosting(48, (24, 168), "1", rounds=2, most_rows=150_000)  # a row per day, step and series
    model.fit(pd.DataFrame(index=index), pd.Series(values.ravel(), index))
    assert len(model._some_series()) == 120
