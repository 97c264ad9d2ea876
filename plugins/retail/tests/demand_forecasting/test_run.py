from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from lepton_platform import DataError, Options
from lepton_platform.run import reopen, start
from lepton_platform.store import RunFolder
from lepton_platform.tasks.forecast.quantiles import COLUMNS

PLAN = {"known_ahead": ("promotion",), "static": ("kind",)}
ALL = ("theta", "promotion ridge")


def parted(sales):
    last = sales["week"] > 54
    return sales[~last], sales[last]


def test_a_run_beats_the_seasonal_naive_and_its_files_say_so(whole_run):
    written = json.loads((whole_run.folder / "metrics.json").read_text())
    assert written["model"]["wape"]["value"] < written["baseline"]["wape"]["value"]
    assert whole_run.gain.low > 0
    predictions = pd.read_parquet(whole_run.folder / "predictions.parquet")
    assert list(predictions.columns) == ["series", "time", "mean", "median", *COLUMNS]
    assert predictions["time"].tolist() == whole_run.test.cases.index.get_level_values(1).tolist()


def test_quantiles_are_in_order_not_negative_and_hold_the_median(whole_run):
    quantiles = whole_run.predictions[list(COLUMNS)].to_numpy()
    assert (np.diff(quantiles, axis=1) >= 0).all() and (quantiles >= 0).all()
    assert (whole_run.predictions["median"] == whole_run.predictions["q0.50"]).all()


def test_all_origins_that_models_are_chosen_by_lie_before_the_test_rows(whole_run):
    weeks = whole_run.dataset.cases.index.get_level_values(1)
    first = whole_run.test.cases.index.get_level_values(1).min()
    for fit, held in whole_run.split.folds:
        assert weeks[fit].max() < weeks[held].min() and weeks[held].max() < first


def test_a_saved_model_forecasts_the_same(whole_run):
    again = reopen(RunFolder(whole_run.folder))
    told = again.hooks.predict(again.model, whole_run.test.cases)
    pd.testing.assert_frame_equal(told, whole_run.predictions)


def test_what_a_node_is_forecast_is_the_sum_of_its_items(whole_run):
    nodes = pd.read_csv(whole_run.folder / "hierarchy.csv").set_index(["level", "node", "periods_ahead"])
    departments = whole_run.test.cases["department"].astype(str).to_numpy()
    weeks = whole_run.predictions.index.get_level_values(1) - 54
    sums = whole_run.predictions["mean"].groupby([departments, weeks]).sum()
    for (name, ahead), total in sums.items():
        assert nodes.loc[("department", name, ahead), "forecast"] == pytest.approx(total, abs=1e-6)
    for way in ("forecast", "reconciled"):
        parts = nodes.loc["department"][way].groupby("periods_ahead").sum()
        assert parts.to_numpy() == pytest.approx(nodes.loc[("all", "all"), way].to_numpy(), abs=1e-6)


def test_a_reader_finds_what_a_planner_needs(whole_run):
    page = (whole_run.folder / "report.html").read_text()
    for title in (
        "How much to have",
        "Forecast value added",
        "What promotions do",
        "Can the quantiles be trusted?",
    ):
        assert title in page


@pytest.mark.parametrize("change", ["blank", "x 10"])
def test_what_was_sold_in_the_test_window_moves_no_forecast(sales, forecast, change):
    train, test = parted(sales)
    other = test.assign(units=np.nan if change == "blank" else test["units"] * 10)
    runs = [forecast(train, table, ALL, **PLAN) for table in (test, other)]
    first, second = ((run.folder / "predictions.parquet").read_bytes() for run in runs)
    assert first == second


def test_a_column_that_is_only_observed_moves_no_forecast(sales, forecast):
    train, test = parted(sales)
    runs = [
        forecast(train, table)
        for table in (test, test.assign(price_paid=np.nan), test[["item", "week", "units"]])
    ]
    for run in runs[1:]:
        pd.testing.assert_frame_equal(runs[0].predictions, run.predictions)


def test_a_plan_that_is_missing_for_the_future_is_refused(sales, forecast):
    train, test = parted(sales)
    with pytest.raises(DataError, match="'promotion' is known ahead but empty in 3 of 72 future rows"):
        forecast(train, test.assign(promotion=test["promotion"].where(np.arange(len(test)) > 2)), **PLAN)
    with pytest.raises(DataError, match="'promotion' is missing, but --known-ahead names it"):
        forecast(train, test.drop(columns="promotion"), **PLAN)


def test_a_price_that_is_recorded_with_sales_is_no_plan(sales, forecast):
    sold = sales.assign(units=np.where(sales.index % 10 == 0, 0, sales["units"] + 1))
    realised = sold.assign(price_paid=sold["price_paid"].where(sold["units"] > 0))
    train, test = parted(realised)
    run = forecast(train, test.assign(price_paid=1.0), known_ahead=("price_paid",))
    assert any("looks recorded with the sales" in finding.message for finding in run.findings)


def test_a_wide_table_is_the_same_as_a_long_one(sales, forecast):
    train, test = parted(sales)
    wide = [
        table.pivot(index="item", columns="week", values="units").reset_index() for table in (train, test)
    ]
    long = forecast(train, test)
    by_rows = forecast(*wide, series=None, time=None, value=None)
    assert by_rows.predictions.index.get_level_values(1)[:6].tolist() == [1, 2, 3, 4, 5, 6]
    by_columns = forecast(
        *(table.pivot(index="week", columns="item", values="units").reset_index() for table in (train, test)),
        series=None,
        value=None,
    )
    for other in (by_rows, by_columns):
        named = other.predictions.reset_index(names=["series", "time"]).sort_values(["series", "time"])
        mine = long.predictions.reset_index(names=["series", "time"]).sort_values(["series", "time"])
        np.testing.assert_allclose(named["mean"], mine["mean"])


def test_without_a_test_file_the_last_periods_of_each_row_are_held_out(sales, forecast):
    wide = sales.pivot(index="item", columns="week", values="units").reset_index()
    run = forecast(wide, series=None, time=None, value=None)
    assert sorted(set(run.predictions.index.get_level_values(1))) == [1, 2, 3, 4, 5, 6]
    assert len(run.split.train) == 12 * 54


def test_odd_series_get_a_sane_forecast(sales, forecast):
    odd = {
        "all zero": [(week, 0) for week in range(1, 61)],
        "constant": [(week, 7) for week in range(1, 61)],
        "one value": [(54, 3)],
        "ended": [(week, 5 + week % 2) for week in range(1, 31)],
    }
    more = pd.DataFrame(
        [(name, week, units, 0, 0.0, "food", "odd") for name, rows in odd.items() for week, units in rows],
        columns=sales.columns,
    )
    future = pd.DataFrame(
        [(name, week, 0, 0, 0.0, "food", "odd") for name in odd for week in range(55, 61)],
        columns=sales.columns,
    )
    train, test = parted(pd.concat([sales, more[more["week"] <= 54]]))
    run = forecast(train, pd.concat([test, future]), (), **PLAN)
    assert np.isfinite(run.predictions.to_numpy()).all()
    assert (run.predictions.loc["constant"] == 7).all(axis=None)
    assert (run.predictions.loc["all zero"] == 0).all(axis=None)
    assert run.predictions.loc["ended", "median"].between(1, 20).all()
    assert run.decisions.loc["ended", "review"].eq("ended").all()
    said = " ".join(finding.message for finding in run.findings)
    for words in ("end before the others", "nothing but zeros", "never change", "have one value"):
        assert words in said


def test_a_new_item_is_forecast_from_others_and_named(sales, forecast):
    train, test = parted(sales)
    run = forecast(train[train["item"] != "item 3"], test, ALL, **PLAN)
    assert np.isfinite(run.predictions.loc["item 3"].to_numpy()).all()
    assert run.decisions.loc["item 3", "review"].eq("new").all()


def test_findings_name_duplicates_holes_and_returns(sales, forecast):
    with pytest.raises(DataError, match="1 rows repeat a series and period, first item 0 at 1"):
        forecast(pd.concat([sales, sales.head(1)]))
    holed = sales.drop(index=[5, 6, 7]).reset_index(drop=True)
    holed.loc[20, "units"] = -2
    said = " ".join(finding.message for finding in forecast(holed).findings)
    assert "3 periods are missing inside 1 series" in said and "1 values are negative" in said


def test_sales_without_stock_are_not_taken_for_demand(sales, forecast):
    train, test = parted(sales)
    out = (train["week"] >= 49) & train["item"].isin([f"item {one}" for one in range(8)])
    short = train.assign(units=train["units"].where(~out, 0), stock=np.where(out, 0, 9))
    naive, corrected = forecast(short, test), forecast(short, test, stock="stock")
    assert corrected.predictions["mean"].sum() > 1.5 * naive.predictions["mean"].sum()
    assert any("ended without stock" in finding.message for finding in corrected.findings)


def test_rows_beyond_the_horizon_are_refused(sales, forecast):
    train, test = parted(sales)
    with pytest.raises(DataError, match="12 rows lie 7 to 7 periods after the last one"):
        forecast(train, pd.concat([test, test[test["week"] == 60].assign(week=61)]))


def test_a_horizon_that_the_history_cannot_check_is_refused(sales, forecast):
    with pytest.raises(DataError, match="60 periods are too few to forecast 40 ahead"):
        forecast(sales, horizon=40)


def test_a_budget_goes_to_what_is_cheap_first_and_to_global_boosting_last(sales, tmp_path):
    sales.to_csv(tmp_path / "sales.csv", index=False)
    models = ("global boosting", "promotion ridge", "quick boosting 1")
    host = Options(data=str(tmp_path / "sales.csv"), models=models, budget=300)
    values = {"series": "item", "time": "week", "value": "units", "horizon": 6, "known_ahead": ("promotion",)}
    run = start("retail.demand-forecasting", host, values, tmp_path / "runs")
    lines = (run.folder / "log.txt").read_text(encoding="utf-8").splitlines()
    fitted = [
        line.partition("cross-validated ")[2].rpartition(" in ")[0] for line in lines if "cross-val" in line
    ]
    assert fitted == ["seasonal naive", "promotion ridge", "quick boosting 1", "global boosting"]
