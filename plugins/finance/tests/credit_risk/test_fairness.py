"""Decisions by group, against counting applicant by applicant and SciPy's own interval."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from lepton_finance.credit_risk.costs import Stakes
from lepton_finance.credit_risk.fairness import cost_of_mitigation, group_table, groups_of, wilson


def decided(n=600, seed=5, names=("a", "b", "c")):
    """Applicants in groups of different risk, and who of them is approved."""
    rng = np.random.default_rng(seed)
    groups = pd.Series(rng.choice(names, n))
    probability = np.clip(rng.beta(2, 6, n) + 0.15 * (groups == names[-1]), 0, 1).to_numpy()
    truth = (rng.random(n) < probability).astype(int)
    return groups, truth, probability, probability <= 0.3


def even_stakes(n):
    return Stakes(np.full(n, 5.0), np.full(n, 1.0))


@pytest.mark.parametrize(("successes", "n"), [(0, 1), (0, 40), (1, 1), (5, 10), (199, 200), (3000, 10_000)])
def test_the_interval_of_a_share_is_wilsons(successes, n):
    expected = binomtest(successes, n).proportion_ci(method="wilson")
    assert wilson(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_the_interval_of_a_share_of_nobody_is_unknown():
    assert all(math.isnan(end) for end in wilson(0, 0))


def test_the_group_table_equals_counting_applicant_by_applicant():
    groups, truth, probability, approved = decided()
    table = group_table(groups, truth, probability, approved).set_index("group")
    counted = {}
    for group, bad, risk, yes in zip(groups, truth, probability, approved, strict=True):
        of = counted.setdefault(group, {"n": 0, "yes": 0, "good": 0, "good yes": 0, "bad": 0, "risk": 0.0})
        of["n"] += 1
        of["yes"] += bool(yes)
        of["good"] += not bad
        of["good yes"] += bool(yes) and not bad
        of["bad"] += int(bad)
        of["risk"] += risk
    assert sorted(counted) == table.index.tolist()
    best = max(of["yes"] / of["n"] for of in counted.values())
    for group, of in counted.items():
        row = table.loc[group]
        assert row["applicants"] == of["n"]
        assert row["approved %"] == pytest.approx(of["yes"] / of["n"])
        assert row["good loans approved %"] == pytest.approx(of["good yes"] / of["good"])
        assert row["predicted default %"] == pytest.approx(of["risk"] / of["n"])
        assert row["observed default %"] == pytest.approx(of["bad"] / of["n"])
        assert row["ratio to best"] == pytest.approx(of["yes"] / of["n"] / best)
        assert bool(row["below four fifths"]) is (of["yes"] / of["n"] / best < 0.8)
        expected = binomtest(of["yes"], of["n"]).proportion_ci(method="wilson")
        assert (row["low %"], row["high %"]) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_a_group_of_defaulters_only_has_no_share_of_good_loans():
    groups, truth = pd.Series(["a", "a", "b"]), np.array([0, 1, 1])
    table = group_table(groups, truth, np.array([0.1, 0.2, 0.3]), np.array([True, False, True]))
    assert table["good loans approved %"].isna().tolist() == [False, True]


def test_nobody_approved_makes_no_group_worse_than_another():
    groups, truth, probability, _ = decided()
    table = group_table(groups, truth, probability, np.zeros(len(truth), dtype=bool))
    assert table["ratio to best"].isna().all()
    assert not table["below four fifths"].any()


def test_evening_out_costs_nothing_when_every_group_is_approved_alike():
    groups = pd.Series(["a", "b"] * 50)
    approved = np.repeat([True, False], 50)
    truth, probability = np.tile([0, 0, 1, 1, 0], 20), np.linspace(0, 1, 100)
    assert cost_of_mitigation(groups, truth, probability, approved, even_stakes(100)) == 0


def test_evening_out_costs_nothing_when_every_group_has_four_fifths_already():
    groups = pd.Series(["a"] * 10 + ["b"] * 10)
    approved = np.array([True] * 10 + [True] * 8 + [False] * 2)
    truth, probability = np.ones(20, dtype=int), np.linspace(0, 1, 20)
    assert cost_of_mitigation(groups, truth, probability, approved, even_stakes(20)) == 0


def test_evening_out_approves_the_safest_refused_until_four_fifths_and_no_more():
    groups, truth, probability, approved = decided()
    at = even_stakes(len(truth))
    best = max(approved[groups == name].mean() for name in "abc")
    raised = approved.copy()
    for name in "abc":
        mine = np.flatnonzero(groups == name)
        for applicant in sorted(mine[~approved[mine]], key=lambda one: probability[one]):
            if raised[mine].mean() >= 0.8 * best:
                break
            raised[applicant] = True
    assert raised.sum() > approved.sum()
    lost = (at.profit(truth, approved) - at.profit(truth, raised)).mean()
    assert cost_of_mitigation(groups, truth, probability, approved, at) == pytest.approx(lost)


def test_evening_out_leaves_no_group_below_four_fifths():
    groups = pd.Series(["a"] * 10 + ["b"] * 7)
    approved = np.array([True] * 9 + [False] + [True] * 2 + [False] * 5)
    probability = np.linspace(0, 1, 17)
    bad = np.ones(17, dtype=int)
    lost = cost_of_mitigation(groups, bad, probability, approved, even_stakes(17))
    more = lost * 17 / 5  # every loan that is approved in addition defaults and costs five
    assert more == pytest.approx(math.ceil(0.8 * 0.9 * 7) - 2)


def test_numbers_are_grouped_into_quarters_and_categories_by_value():
    ages = pd.Series(np.arange(100.0))
    ages.iloc[3] = np.nan
    bands = groups_of(ages)
    assert bands.iloc[3] == "(missing)"
    assert sorted(bands.value_counts())[-4:] == [24, 25, 25, 25]
    sexes = groups_of(pd.Series(["f", None, "m", "f"]))
    assert sexes.tolist() == ["f", "(missing)", "m", "f"]


def test_the_group_table_is_in_the_report_whenever_a_sensitive_column_is_declared(sample_run):
    sections = {section.title: section for section in sample_run.hooks.sections()}
    content = sections["Who is approved"].content
    tables = [part for part in content if isinstance(part, pd.DataFrame)]
    assert len(tables) == len(sample_run.config.sensitive) == 2
    for table, name in zip(tables, sample_run.config.sensitive, strict=True):
        assert table["applicants"].sum() == len(sample_run.test.cases)
        assert f"By {name}" in (sample_run.folder / "report.html").read_text(encoding="utf-8")
