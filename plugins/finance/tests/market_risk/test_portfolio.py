"""Portfolios, their parts, stress and realised variance, beside closed forms and published levels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lepton_finance.market_risk.har import MONTH, RealisedForecast, features
from lepton_finance.market_risk.portfolio import contributions, correlation_now, portfolio_returns
from lepton_finance.market_risk.stress import episodes
from lepton_platform import DataError, Options
from lepton_platform.run import start
from lepton_platform.tasks.volatility.scores import qlike

LEVELS = {"levels": (0.01, 0.025, 0.05), "es_levels": (0.025,)}
WEIGHTS = pd.Series({"A": 0.5, "B": 0.8, "C": -0.3})


def standardised(days, seed=0, rho=0.6):
    """Normal returns of unit variance of three instruments, A and B correlated."""
    root = np.linalg.cholesky(np.array([[1, rho, 0], [rho, 1, 0], [0, 0, 1.0]]))
    return pd.DataFrame(np.random.default_rng(seed).standard_normal((days, 3)) @ root.T, columns=list("ABC"))


def test_contributions_sum_to_the_whole_and_to_the_closed_form_of_a_normal():
    z, sigma = standardised(40_000), pd.Series({"A": 1.0, "B": 2.0, "C": 3.0})
    found = contributions(z, sigma, WEIGHTS, 0.025)
    w, s = WEIGHTS.to_numpy(), sigma.to_numpy()
    covariance = found.correlation.to_numpy() * np.outer(s, s)
    assert found.volatility.sum() == pytest.approx(np.sqrt(w @ covariance @ w), rel=1e-12)
    true = np.array([[1, 0.6, 0], [0.6, 1, 0], [0, 0, 1]]) * np.outer(s, s)
    whole = np.sqrt(w @ true @ w)
    assert found.shortfall.to_numpy() == pytest.approx(2.33780 * w * (true @ w) / whole, abs=0.1)
    losses = -(z * sigma * WEIGHTS).sum(axis=1)
    assert found.shortfall.sum() == pytest.approx(losses[losses >= np.quantile(losses, 0.975)].mean())


def test_two_equal_positions_contribute_alike_and_correlations_follow_the_last_days():
    z = standardised(3000).assign(B=lambda table: table["A"])
    even = pd.Series({"A": 0.5, "B": 0.5})
    found = contributions(z, pd.Series({"A": 1.0, "B": 1.0}), even, 0.05)
    assert found.shortfall["A"] == pytest.approx(found.shortfall["B"])
    turned = standardised(3000)
    turned.loc[2700:, "B"] = -turned.loc[2700:, "A"]
    assert correlation_now(turned[["A", "B"]].to_numpy())[0, 1] < -0.95


def test_a_portfolio_of_prices_earns_what_its_value_does():
    prices = pd.DataFrame({"A": [100.0, 110.0], "B": [50.0, 40.0]}, pd.Index([1, 2], name="date"))
    logs = np.log(prices).diff().iloc[1:].rename_axis("instrument", axis=1).stack()
    earned = portfolio_returns(logs, pd.Series({"A": 0.75, "B": 0.25}), logs=True)
    assert np.expm1(earned.iloc[0]) == pytest.approx(0.75 * 0.10 + 0.25 * -0.20)


def test_a_run_with_weights_forecasts_the_portfolio_beside_its_instruments(returns, risk, tmp_path):
    path = tmp_path / "weights.csv"
    WEIGHTS.rename_axis("instrument").rename("weight").reset_index().to_csv(path, index=False)
    scenarios = tmp_path / "scenarios.csv"
    scenarios.write_text("scenario,instrument,return\ncrash,A,-0.2\ncrash,B,-0.1\n")
    table = returns(520, 1, ("A", "B", "C"))
    run = risk(table, family="gjr-t", weights=str(path), scenarios=str(scenarios), test_days=80)
    told = pd.read_parquet(run.folder / "predictions.parquet").set_index(["date", "instrument"])
    whole = told.xs("portfolio", level=1)["return"]
    assert whole.to_numpy() == pytest.approx((table.set_index("date") @ WEIGHTS).tail(80).to_numpy())
    assert {"A", "B", "C", "portfolio"} == set(run.summary["tomorrow"])
    page = (run.folder / "report.html").read_text()
    for title in ("What positions add to the risk", "Stress", "Which models are among the best", "Tomorrow"):
        assert title in page


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("instrument,share\nA,1\n", "column 'weight' is missing from the file of weights"),
        ("instrument,weight\nA,1\nD,1\n", "'D' is not among the returns (A, B)"),
        ("instrument,weight\nA,much\nB,1\n", "'A' has a weight that is no number"),
        ("instrument,weight\nA,1\nA,1\n", "'A' stands there twice"),
    ],
)
def test_a_file_of_weights_that_cannot_be_used_is_told_why(returns, risk, tmp_path, text, said):
    path = tmp_path / "weights.csv"
    path.write_text(text)
    with pytest.raises(DataError) as told:
        risk(returns(480, 2, ("A", "B")), weights=str(path), test_days=60)
    assert said in str(told.value)


def test_episodes_are_told_where_the_data_hold_them():
    days = pd.bdate_range("2008-01-01", "2012-12-31")
    returns = pd.Series(0.0, days)
    returns["2008-10-06":"2008-10-10"] = -0.04
    table = episodes(returns, 0.02).set_index("episode")
    assert table.loc["Lehman 2008", "loss"] == pytest.approx(0.2)
    assert table.loc["worst 1 day of the data", "times tomorrow's VaR"] == pytest.approx(2.0)
    assert "Covid 2020" not in table.index


# ---------------------------------------------------------------------------- realised variance


def realised_cases(days, seed=0):
    """Returns and realised variances of a log variance that is an autoregression, known to the maker."""
    rng = np.random.default_rng(seed)
    log = np.zeros(days)
    for t in range(1, days):
        log[t] = 0.97 * log[t - 1] + 0.2 * rng.standard_normal()
    noise = np.exp(0.3 * rng.standard_normal(days) - 0.045)
    index = pd.MultiIndex.from_product([np.arange(days), ["A"]], names=["date", "instrument"])
    table = {"return": np.exp(log / 2) * rng.standard_normal(days), "realised": np.exp(log) * noise}
    return pd.DataFrame(table, index)


def test_features_of_a_day_are_those_of_the_days_before_it():
    table = realised_cases(60)
    realised, returns = table["realised"].to_numpy(), table["return"].to_numpy()
    found = features(realised[:MONTH], returns[:MONTH])
    month = realised[:MONTH].mean()
    falls = np.minimum(returns[:MONTH], 0)
    expected = [1.0, np.log(realised[21]), np.log(realised[17:22].mean()), np.log(month)]
    expected += [
        np.log(realised[20]),
        np.log(realised[19]),
        falls[-1] / month**0.5,
        falls[-5:].mean() / month**0.5,
    ]
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("boosted", [False, True])
def test_later_realised_variances_change_no_earlier_forecast(boosted):
    table = realised_cases(420)
    other = table.copy()
    other.iloc[380:] *= 5
    model = RealisedForecast(boosted, window=320, **LEVELS)
    first, second = (model.fit(one.iloc[:340]).predict(one.iloc[340:]) for one in (table, other))
    pd.testing.assert_frame_equal(first.iloc[:41], second.iloc[:41], check_exact=True)
    assert (first["es_0.025"] >= first["var_0.025"]).all() and not first["fallback"].any()


def test_a_realised_variance_is_foretold_better_than_by_its_last_value():
    table = realised_cases(1200)
    told = RealisedForecast(window=600, **LEVELS).fit(table.iloc[:700]).predict(table.iloc[700:])
    happened = table["realised"].to_numpy()
    mine = qlike(happened[700:], told["realised_variance"]).mean()
    assert mine < 0.8 * qlike(happened[700:], happened[699:-1]).mean()
    rate = (table["return"].iloc[700:] < -told["var_0.05"]).mean()
    assert 0.03 < rate < 0.075


def test_on_the_realised_variance_of_the_index_qlike_is_at_most_the_bar(tmp_path):
    path = Path(__file__).resolve().parents[4].parent / "shared/data/finance/spx_realized/data.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    options = {"kind": "returns", "columns": "open_to_close", "realised": "rv5", "refit_every": 22}
    host = Options(data=str(path), models=("log-har",))
    run = start("finance.market-risk", host, options, tmp_path / "runs")
    assert run.scores["qlike"].value <= 0.225
