"""Runs from files to predictions: their columns, their honesty, and what bad files are told."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from lepton_platform import DataError
from lepton_platform.run import reopen
from lepton_platform.store import RunFolder

COLUMNS = ["date", "instrument", "return", "volatility", "var_0.01", "var_0.025", "var_0.05", "es_0.025"]


def predictions(run):
    return pd.read_parquet(run.folder / "predictions.parquet")


def prices_of(returns):
    """Prices whose log returns are ``returns`` in percent, with one day more before them."""
    numbers = returns.set_index("date") / 100
    first = pd.DataFrame(0.0, index=[numbers.index[0] - pd.Timedelta(days=3)], columns=numbers.columns)
    return (100 * np.exp(pd.concat([first, numbers]).cumsum())).rename_axis("date").reset_index()


def test_predictions_have_a_row_per_test_day_and_instrument_and_losses_are_positive(small_run):
    told = predictions(small_run)
    assert list(told.columns[:8]) == COLUMNS
    assert len(told) == 120 * 3 and set(told["instrument"]) == {"A", "B", "C"}
    assert (told["var_0.01"] > told["var_0.05"]).all() and (told["es_0.025"] > told["var_0.025"]).all()
    assert (told["var_0.05"] > 0).all()


def test_the_return_beside_a_forecast_is_the_one_in_the_file(small_run, returns):
    file = (
        returns(600, 1, ("A", "B", "C")).melt("date", var_name="instrument").set_index(["date", "instrument"])
    )
    told = predictions(small_run).set_index(["date", "instrument"])["return"]
    assert told.to_numpy() == pytest.approx(file["value"].loc[told.index].to_numpy(), abs=1e-12)


def test_prices_and_their_log_returns_give_the_same_forecasts_in_units_a_hundredth_apart(returns, risk):
    table = returns(480, 2)
    of_returns = predictions(risk(table, family="gjr-t", test_days=60))
    of_prices = predictions(risk(prices_of(table), family="gjr-t", test_days=60, kind="prices"))
    numbers = COLUMNS[2:]
    assert of_prices[numbers].to_numpy() * 100 == pytest.approx(of_returns[numbers].to_numpy(), rel=2e-3)


def test_a_long_table_gives_what_the_wide_one_gives(small_run, returns, risk):
    wide = returns(600, 1, ("A", "B", "C"))
    long = wide.melt("date", var_name="fund", value_name="performance").sample(frac=1, random_state=0)
    run = risk(long, family="gjr-t", instrument="fund", columns=("performance",))
    pd.testing.assert_frame_equal(predictions(run), predictions(small_run))


def test_returns_after_a_day_move_no_forecast_up_to_it_bit_for_bit(small_run, returns, risk):
    table = returns(600, 1, ("A", "B", "C"))
    cut = 550
    table.loc[cut:, ["A", "B", "C"]] = table.loc[cut:, ["C", "A", "B"]].to_numpy() * -5
    other = risk(table, family="gjr-t")
    first, second = (predictions(run).drop(columns="return") for run in (small_run, other))
    early = first["date"] <= table["date"][cut]
    pd.testing.assert_frame_equal(first[early], second[early], check_exact=True)
    assert small_run.record["learned"].keys() == other.record["learned"].keys()
    pd.testing.assert_frame_equal(
        small_run.leaderboard.drop(columns="seconds"), other.leaderboard.drop(columns="seconds")
    )


def test_a_saved_model_forecasts_the_same_and_the_day_after_the_last(small_run):
    again = reopen(RunFolder(small_run.folder))
    told = again.hooks.predict(again.model, small_run.test.cases)
    pd.testing.assert_frame_equal(told, small_run.predictions)
    tomorrow = pd.MultiIndex.from_tuples([(pd.Timestamp("2030-01-01"), "A")], names=["date", "instrument"])
    ahead = again.hooks.predict(again.model, pd.DataFrame({"return": [np.nan]}, tomorrow))
    assert ahead["var_0.01"].iloc[0] > 0


def test_levels_can_be_chosen(returns, risk):
    run = risk(returns(480, 3), family="gjr-normal", levels="0.005,0.1", es_levels="0.05", test_days=60)
    assert [name for name in run.predictions if name[:3] in ("var", "es_")] == [
        "var_0.005",
        "var_0.05",
        "var_0.1",
        "es_0.05",
    ]


def test_metrics_and_backtests_are_written(small_run):
    written = json.loads((small_run.folder / "metrics.json").read_text())
    assert written["selected_by"] == "fz0"
    page = (small_run.folder / "report.html").read_text()
    for title in ("Losses beyond the VaR", "Backtests", "Where the sanity gate spoke"):
        assert title in page


def broken(returns, fault):
    table = returns(700, 4, ("A", "B"))
    prices = prices_of(table)
    if fault == "a price of 0":
        prices.loc[5, "A"] = 0
    if fault == "text":
        prices["A"] = prices["A"].astype(object)
        prices.loc[7, "A"] = "n.a.!"
    if fault == "a day twice":
        prices = pd.concat([prices, prices.tail(1)])
    if fault == "no date":
        prices["date"] = prices["date"].astype(str)
        prices.loc[3, "date"] = "soon"
    if fault == "too few days":
        prices = prices.head(200)
    return prices


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("a price of 0", "1 prices are not above 0, first A"),
        ("text", "column 'A' holds what is no number: 'n.a.!' (row 7)"),
        ("a day twice", "repeat a date and instrument"),
        ("no date", "column 'date' holds what is no date: 'soon' (row 3)"),
        ("too few days", "too few for a window of 300 days"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_why(returns, risk, fault, said):
    with pytest.raises(DataError) as told:
        risk(broken(returns, fault), kind="prices", date="date")
    assert said in str(told.value)


def test_odd_prices_are_findings_and_are_not_mended(returns, risk):
    prices = prices_of(returns(480, 5, ("A", "B")))
    prices.loc[100, "A"] *= 2.2  # a bad tick
    prices.loc[200:, "B"] /= 2  # a split
    prices.loc[300:308, "A"] = prices.loc[300, "A"]  # stale
    prices = prices.drop(index=range(50, 70))  # a month that is missing
    prices.loc[400, "B"] = np.nan
    run = risk(prices, kind="prices", family="gjr-t", test_days=60)
    found = " ".join(str(finding) for finding in run.findings)
    for said in (
        "bad ticks? (A at",
        "splits of shares (B at",
        "stale prices? (A at",
        "days are missing in 1 places",
    ):
        assert said in found
    assert "1 days are empty inside 1 instruments" in found


def test_several_currencies_are_a_finding(returns, risk):
    long = returns(480, 8, ("A", "B")).melt("date", var_name="fund", value_name="performance")
    long["currency"] = np.where(long["fund"] == "A", "EUR", "USD")
    run = risk(long, family="gjr-t", instrument="fund", test_days=60)
    assert any("holds 2 currencies (EUR, USD)" in str(finding) for finding in run.findings)


def test_open_high_low_close_means_the_adjusted_close(returns, risk):
    close = prices_of(returns(480, 6)).rename(columns={"A": "Adj Close"})
    bars = close.assign(Open=close["Adj Close"] * 1.01, Close=close["Adj Close"] * 2, Volume=10)
    run = risk(bars, kind="prices", family="gjr-t", test_days=60)
    assert set(run.predictions.index.get_level_values(1)) == {"Adj Close"}
    assert any("was taken for the price; left aside: Open, Close, Volume" in str(one) for one in run.findings)


def test_many_instruments_are_forecast_by_riskmetrics_and_that_is_said(returns, risk):
    names = tuple(f"I{number:03d}" for number in range(250))
    run = risk(returns(420, 7, names), test_days=50, window=300, refit_every=5, family="gjr-t,egarch-t")
    assert [name for name, _ in run.model.members] == ["riskmetrics"]
    assert any("the GARCH family takes no part" in str(finding) for finding in run.findings)
    rates = run.scores["exceedances_0.05"].value
    assert 0.03 < rates < 0.07
