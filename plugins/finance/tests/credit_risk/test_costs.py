"""What decisions are worth, against Bayes' rule by brute force and the brief's table of public data."""

import numpy as np
import pandas as pd
import pytest

from lepton_finance.credit_risk.config import CreditRiskConfig
from lepton_finance.credit_risk.costs import Stakes, stakes, unit
from lepton_finance.credit_risk.model import lepton_metrics
from lepton_finance.credit_risk.report import means_with_intervals
from lepton_platform import DataError
from lepton_platform.model.evaluation import evaluate, interval, resamples

DEFAULT = CreditRiskConfig()
PER_ROW = CreditRiskConfig(amount="amount", loss_given_default=0.45, margin=0.05)


def any_outcomes(n=500, seed=3):
    rng = np.random.default_rng(seed)
    at = Stakes(loss=rng.uniform(0.5, 10, n), gain=rng.uniform(0.1, 2, n))
    return at, rng.integers(0, 2, n), rng.random(n) < 0.4, rng.random(n) < 0.7


def test_the_default_cut_off_is_one_sixth():
    at = stakes(pd.DataFrame(index=range(3)), DEFAULT)
    assert at.cut_off == pytest.approx(np.full(3, 1 / 6), rel=1e-15)


@pytest.mark.parametrize(("loss", "gain"), [(5.0, 1.0), (1.0, 1.0), (0.3, 2.0), (1000.0, 1.0)])
def test_the_cut_off_is_where_the_cheaper_decision_changes(loss, gain):
    cut_off = Stakes(np.array([loss]), np.array([gain])).cut_off[0]
    probability = np.linspace(0, 1, 10_001)
    approving, declining = probability * loss, (1 - probability) * gain
    assert np.array_equal(approving < declining, probability < cut_off)


def test_no_other_cut_off_costs_less_when_the_probability_is_right():
    rng = np.random.default_rng(0)
    probability = rng.beta(1, 3, 400_000)
    truth = (rng.random(len(probability)) < probability).astype(int)
    at = stakes(pd.DataFrame(index=range(len(probability))), DEFAULT)
    tried = np.arange(0.02, 0.6, 0.02)
    costs = [at.cost(truth, probability <= cut).mean() for cut in tried]
    assert abs(tried[int(np.argmin(costs))] - 1 / 6) <= 0.03
    assert at.cost(truth, probability <= at.cut_off).mean() <= min(costs) + 1e-3


def test_costs_per_row_come_from_each_amount():
    amounts = [1000.0, 200.0, 50_000.0]
    at = stakes(pd.DataFrame({"amount": amounts}), PER_ROW)
    assert at.loss == pytest.approx([450.0, 90.0, 22_500.0])
    assert at.gain == pytest.approx([50.0, 10.0, 2_500.0])
    assert at.cut_off == pytest.approx([0.1] * 3)
    assert unit(PER_ROW) == "units of amount"


def test_an_amount_that_is_missing_or_not_positive_is_an_error_with_its_rows():
    table = pd.DataFrame({"amount": [100.0, 0.0, np.nan, -5.0, 20.0]})
    with pytest.raises(DataError, match=r"'amount' is not a positive amount \(rows 1, 2, 3\)") as caught:
        stakes(table, PER_ROW)
    assert caught.value.findings[0].rows == (1, 2, 3)


def test_an_amount_column_that_is_not_there_is_an_error_that_names_the_option():
    with pytest.raises(DataError, match=r"'amount' is missing.*--amount"):
        stakes(pd.DataFrame({"income": [1.0]}), PER_ROW)


def test_a_decision_costs_what_it_says():
    at = Stakes(loss=np.full(4, 5.0), gain=np.full(4, 1.0))
    truth, approved = np.array([1, 0, 1, 0]), np.array([True, True, False, False])
    assert at.cost(truth, approved).tolist() == [5, 0, 0, 1]
    assert at.profit(truth, approved).tolist() == [-5, 1, 0, 0]


def test_profit_and_cost_add_up_to_what_knowing_the_outcome_would_gain():
    at, truth, approved, _ = any_outcomes()
    best = at.profit(truth, truth == 0)
    assert at.cost(truth, truth == 0) == pytest.approx(np.zeros(len(truth)))
    assert at.profit(truth, approved) + at.cost(truth, approved) == pytest.approx(best)


def test_what_one_rule_gains_over_another_is_what_it_saves_in_cost():
    at, truth, mine, other = any_outcomes()
    gained = at.profit(truth, mine) - at.profit(truth, other)
    assert gained == pytest.approx(at.cost(truth, other) - at.cost(truth, mine))


def test_expected_profit_is_the_mean_profit_of_approving_many_like_it():
    at = Stakes(np.full(200_000, 5.0), np.full(200_000, 1.0))
    truth = (np.random.default_rng(1).random(200_000) < 0.3).astype(int)
    seen = at.profit(truth, np.ones(200_000, dtype=bool)).mean()
    assert at.expected_profit(np.array([0.3] * 200_000))[0] == pytest.approx(seen, abs=0.02)


def test_expected_profit_is_nothing_at_the_cut_off():
    at, *_ = any_outcomes()
    assert at.expected_profit(at.cut_off) == pytest.approx(np.zeros(500), abs=1e-12)


def test_the_interval_of_the_cost_is_that_of_resampling_applicants():
    rng = np.random.default_rng(5)
    cases = pd.DataFrame({"amount": rng.integers(1, 90, 120) * 100})
    predictions, truth = pd.DataFrame({"probability": rng.beta(1, 8, 120)}), rng.integers(0, 2, 120)
    at = stakes(cases, PER_ROW)
    cost = at.cost(truth, predictions["probability"].to_numpy() <= at.cut_off)
    slow = interval(cost.mean(), [cost[rows].mean() for rows in resamples(120, seed=2)], (0, np.inf))
    found = evaluate(lepton_metrics(PER_ROW), truth, predictions, cases, seed=2)["expected_cost"]
    assert found == pytest.approx(slow, abs=1e-9)


@pytest.mark.parametrize("groups", [None, np.arange(200) // 3 % 40], ids=["rows", "groups"])
def test_means_have_the_intervals_that_resampling_one_by_one_gives(groups):
    values = np.random.default_rng(6).normal(size=(3, 200))
    for row, found in zip(values, means_with_intervals(values, 1, groups), strict=True):
        slow = interval(row.mean(), [row[rows].mean() for rows in resamples(200, 1, groups)])
        assert found == pytest.approx(slow, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "accept_all", "refuse_all"),
    [("german_credit", 1.5, 0.700), ("taiwan_default", 1.106, 0.779), ("heloc", 2.610, 0.478)],
)
def test_rules_without_a_model_cost_what_the_brief_says(real_loans, name, accept_all, refuse_all):
    table, truth = real_loans(name)
    at, everybody = stakes(table, DEFAULT), np.ones(len(truth), dtype=bool)
    assert at.cost(truth, everybody).mean() == pytest.approx(accept_all, abs=5e-4)
    assert at.cost(truth, ~everybody).mean() == pytest.approx(refuse_all, abs=5e-4)


def test_the_reported_advantage_is_the_rules_cost_less_the_models(sample_run):
    summary, bad = sample_run.summary, sample_run.truth.mean()
    costs = {"approve everybody": 5 * bad, "decline everybody": 1 - bad}
    for rule, cost in costs.items():
        gained = summary["advantage_per_case"][rule]["value"]
        assert gained == pytest.approx(cost - summary["expected_cost"], abs=1e-12)
    assert summary["profit_per_case"]["value"] == pytest.approx(1 - bad - summary["expected_cost"], abs=1e-12)


def test_a_run_with_costs_per_row_charges_each_wrong_decision_its_own_amount(learn, loans):
    run = learn(loans(400, 1), loans(150, 2), amount="amount", loss_given_default=0.5, margin=0.1)
    charged = 0.0
    cases = zip(run.predictions["probability"], run.truth, run.test.cases["amount"], strict=True)
    for probability, bad, amount in cases:
        approved = probability * 0.5 * amount <= (1 - probability) * 0.1 * amount
        charged += 0.5 * amount if approved and bad else 0.1 * amount if not approved and not bad else 0
    assert run.scores["expected_cost"].value == pytest.approx(charged / len(run.truth))
    assert run.summary["unit"] == "units of amount"
    assert run.decisions["cut_off"].to_numpy() == pytest.approx(1 / 6)
