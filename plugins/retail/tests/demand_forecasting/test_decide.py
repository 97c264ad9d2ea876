"""``lepton decide`` on sales that go on after what the run learned from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsforecast.models import DynamicOptimizedTheta

from lepton_platform import DataError
from lepton_platform.decide import decide
from lepton_platform.run import reopen
from lepton_platform.store import RunFolder

PLAN = {"known_ahead": ("promotion",), "static": ("kind",)}
ALL = ("theta", "global boosting")


@pytest.fixture
def decided(tmp_path):
    """Decide on a table with a run's model."""

    def ask(run, table):
        table.to_csv(tmp_path / "newer.csv", index=False)
        again = reopen(RunFolder(run.folder))
        decide(again, str(tmp_path / "newer.csv"), str(tmp_path / "decisions.parquet"))
        told = pd.read_parquet(tmp_path / "decisions.parquet")
        return told.set_index([told["series"].astype(str), "time"]).drop(columns="series"), again

    return ask


def until(sales, week):
    return sales[sales["week"] <= week]


def test_the_same_history_gives_the_same_forecasts(sales, forecast, decided):
    run = forecast(until(sales, 54), models=ALL)  # learns until 48
    told, _ = decided(run, until(sales, 48))
    assert told.index.get_level_values(1).unique().tolist() == [49, 50, 51, 52, 53, 54]
    held_out = run.decisions.loc[told.index]
    pd.testing.assert_series_equal(told["mean"], held_out["mean"], check_index=False)


@pytest.mark.parametrize("part", ["all of it", "what was added"])
def test_newer_sales_move_the_forecast_to_after_their_end(sales, forecast, decided, part):
    run = forecast(until(sales, 54), models=ALL)
    table = sales if part == "all of it" else sales[sales["week"] > 48]
    raised = table.assign(units=np.where(table["week"] > 54, 10 * table["units"], table["units"]))
    (plain, _), (higher, _) = (decided(run, one) for one in (table, raised))
    for told in (plain, higher):
        assert told.index.get_level_values(1).unique().tolist() == [61, 62, 63, 64, 65, 66]
        assert len(told) == 12 * 6 and np.isfinite(told.drop(columns="review").to_numpy()).all()
    assert higher["mean"].sum() > 3 * plain["mean"].sum()
    assert higher["review"].eq("level changed").mean() > 0.5


def test_a_model_of_each_series_is_fitted_to_as_many_of_the_newest_sales(sales, forecast, decided):
    run = forecast(until(sales, 54), models=("theta",))  # learns from 48 weeks
    told, _ = decided(run, sales)
    newest = sales.loc[sales["item"].eq("item 2") & (sales["week"] > 12), "units"].to_numpy(float)
    expected = DynamicOptimizedTheta(season_length=6).forecast(y=newest, h=6)["mean"]
    assert told.loc["item 2", "mean"].to_numpy() == pytest.approx(expected)


def test_the_plan_of_the_periods_to_forecast_is_asked_for(sales, forecast, decided):
    run = forecast(until(sales, 54), models=("promotion ridge",), **PLAN)
    with pytest.raises(
        DataError, match=r"the plan of what is to be forecast is missing.*promotion filled in"
    ):
        decided(run, sales)
    planned = sales[sales["week"] > 54].assign(week=lambda t: t["week"] + 6, units=np.nan)
    (off, _), (on, _) = (
        decided(run, pd.concat([sales, planned.assign(promotion=given)])) for given in (0, 1)
    )
    assert off.index.get_level_values(1).unique().tolist() == [61, 62, 63, 64, 65, 66]
    assert (on["mean"] > 1.3 * off["mean"]).all()


def test_a_row_per_series_is_forecast_after_its_last_value(sales, forecast, decided):
    wide = sales.pivot(index="item", columns="week", values="units")
    named = {"series": None, "time": None, "value": None}
    run = forecast(wide[range(1, 55)].reset_index(), **named)
    told, again = decided(run, wide.reset_index())
    assert told.index.get_level_values(1).unique().tolist() == [1, 2, 3, 4, 5, 6]
    np.testing.assert_array_equal(again.model.panel_.values[:, -6:], wide[range(55, 61)])


def test_a_series_that_is_new_is_said_and_forecast_as_its_like(sales, forecast, decided):
    run = forecast(until(sales[sales["item"] != "item 3"], 54))
    told, again = decided(run, sales)
    assert told.loc["item 3", "review"].eq("new").all() and np.isfinite(told.loc["item 3", "mean"]).all()
    assert any("1 series are new since the model was trained" in str(one) for one in again.findings)


def test_dates_go_on_as_they_came(sales, forecast, decided):
    months = pd.date_range("2021-01-31", periods=60, freq="ME").strftime("%Y-%m-%d")
    dated = sales.assign(week=months.to_numpy()[sales["week"] - 1])
    run = forecast(dated[sales["week"] <= 54])
    told, _ = decided(run, dated)
    assert told.index.get_level_values(1).unique()[:2].astype(str).tolist() == ["2026-01-31", "2026-02-28"]
