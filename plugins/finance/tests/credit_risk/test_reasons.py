"""Reason codes: they are this applicant's own, and what they name did lower this very score."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from lepton_finance.credit_risk.reasons import SLIGHT, effects, reason_codes, typical_approved
from lepton_platform.data.schema import Column, Schema
from lepton_platform.decide import decide_batch
from lepton_platform.run import reopen
from lepton_platform.store import RunFolder

RANKS = [f"reason_{rank}" for rank in range(1, 5)]
WEIGHTS = {"debt": 3.0, "late": 1.5, "income": -1.0}


def linear_risk(cases):
    return expit(sum(weight * cases[name].to_numpy() for name, weight in WEIGHTS.items()))


def with_typical(run, cases, columns):
    """The same applicants, each with the value of the column named for it made typical."""
    changed = cases.copy()
    for case, name in columns.items():
        changed.loc[case, name] = run.learned["typical"][name]
    return run.hooks.predict(run.model, changed.astype(cases.dtypes))["probability"]


def decided_anew(run, rows, **options):
    """Decisions on raw rows by the saved model, with other options."""
    return decide_batch(reopen(RunFolder(run.folder), options), rows)


# ------------------------------------------------------------------- against a model known exactly


def test_an_effect_is_the_weight_times_the_distance_from_typical():
    cases = pd.DataFrame({"debt": [0.9, 0.1], "late": [2.0, 0.0], "income": [0.5, 3.0]})
    typical = {"debt": 0.2, "late": 0.0, "income": 1.0}
    found = effects(cases, linear_risk(cases), typical, linear_risk)
    for name, weight in WEIGHTS.items():
        assert found[name].to_numpy() == pytest.approx(weight * (cases[name] - typical[name]).to_numpy())


def test_reasons_are_the_greatest_effects_first_and_never_what_helped():
    cases = pd.DataFrame({"debt": [0.3, 0.9], "late": [4.0, 0.0], "income": [2.0, -1.0]})
    found = effects(cases, linear_risk(cases), {"debt": 0.2, "late": 0.0, "income": 1.0}, linear_risk)
    codes = reason_codes(found, 4)
    assert codes.loc[0].tolist() == ["late", "debt", None, None]
    assert codes.loc[1].tolist() == ["debt", "income", None, None]


def test_reasons_equal_sorting_each_applicants_effects_by_hand():
    rng = np.random.default_rng(2)
    found = pd.DataFrame(rng.normal(0, 0.05, (200, 7)), columns=list("abcdefg"))
    for most in range(5):
        codes = reason_codes(found, most)
        for case, row in found.iterrows():
            ranked = [name for name in row.sort_values(ascending=False).index if row[name] > SLIGHT]
            expected = (ranked[: min(most, 4)] + [None] * 4)[:4]
            assert codes.loc[case].tolist() == expected


def test_a_column_without_a_typical_value_is_never_a_reason():
    cases = pd.DataFrame({"debt": [0.9], "late": [9.0], "income": [0.0]})
    codes = reason_codes(effects(cases, linear_risk(cases), {"debt": 0.0, "income": 1.0}, linear_risk), 4)
    assert codes.loc[0].tolist() == ["debt", "income", None, None]


def test_typical_is_the_median_or_the_commonest_among_the_approved_without_special_codes():
    schema = Schema((Column("score", "number", special=(-9.0,)), Column("home", "category")))
    cases = pd.DataFrame(
        {"score": [-9.0, 70.0, 80.0, 90.0, 1.0] * 20, "home": ["own", "own", "rent", None, "rent"] * 20}
    )
    approved = np.tile([True, True, True, True, False], 20)
    typical = typical_approved(cases, np.zeros(100), approved, schema)
    assert typical == {"score": 80.0, "home": "own"}


def test_the_safest_fifth_is_typical_where_hardly_anybody_is_approved():
    schema = Schema((Column("score", "number"),))
    cases, probability = pd.DataFrame({"score": np.arange(100.0)}), np.linspace(1, 0, 100)
    typical = typical_approved(cases, probability, np.zeros(100, dtype=bool), schema)
    assert typical["score"] in (89.0, 90.0)


# ------------------------------------------------------------------------------- on a real run


def test_making_the_first_reason_typical_raises_the_score_of_every_refused_applicant(sample_run):
    first = sample_run.decisions["reason_1"].dropna()
    assert len(first) > 100
    before = sample_run.predictions.loc[first.index, "probability"]
    after = with_typical(sample_run, sample_run.test.cases.loc[first.index], first)
    assert (after < before).all()
    assert (logit(before) - logit(after) > SLIGHT).all()


def test_the_first_reason_raises_the_score_more_than_any_other_attribute(sample_run):
    decisions, cases = sample_run.decisions, sample_run.test.cases
    first = decisions["reason_1"].dropna().head(60)
    scores = pd.DataFrame(
        {
            name: with_typical(sample_run, cases.loc[first.index], dict.fromkeys(first.index, name))
            for name in sample_run.learned["typical"]
        }
    )
    for case, reason in first.items():
        assert scores.loc[case, reason] == pytest.approx(scores.loc[case].min(), abs=1e-12)


def test_reasons_go_to_whoever_is_not_approved_and_to_nobody_else(sample_run):
    decisions = sample_run.decisions
    approved = decisions["decision"] == "approve"
    assert decisions.loc[approved, RANKS].isna().all(axis=None)
    assert decisions.loc[decisions["decision"] == "decline", "reason_1"].notna().all()


def test_no_reason_is_given_twice_and_none_after_a_gap(sample_run):
    for reasons in sample_run.decisions[RANKS].to_numpy():
        given = [reason for reason in reasons if reason is not None]
        assert list(reasons[: len(given)]) == given
        assert len(set(given)) == len(given)


def test_a_sensitive_column_is_no_reason_and_not_known_to_the_model(sample_run):
    sensitive = {"age_in_years", "foreign_worker"}
    assert set(sample_run.config.sensitive) == sensitive
    assert not sensitive & set(sample_run.schema.names)
    assert not sensitive & set(sample_run.learned["typical"])
    assert not sensitive & set(sample_run.decisions[RANKS].stack())
    assert not sensitive & set(sample_run.test.cases.columns)


def test_no_prediction_depends_on_a_sensitive_column(sample_run):
    rows = sample_run.test.cases.join(sample_run.test.extra)
    exchanged = rows.copy()
    for name in sample_run.config.sensitive:
        exchanged[name] = rows[name].iloc[::-1].to_numpy()
    pd.testing.assert_frame_equal(decided_anew(sample_run, rows), decided_anew(sample_run, exchanged))


def test_two_applicants_with_different_weak_points_get_different_reasons(lender):
    good = {"amount": 9000, "income": 25_000.0, "debt": 0.4, "months": 60, "status": "own"}
    rows = pd.DataFrame([{**good, "debt": 1.0}, {**good, "income": 7000.0}, {**good, "income": 60_000.0}])
    decisions = decide_batch(lender, rows.assign(loan=["in debt", "poor", "sound"]))
    assert decisions["reason_1"].tolist() == ["debt", "income", None]
    assert decisions["decision"].tolist() == ["decline", "decline", "approve"]


def test_no_reasons_are_given_where_none_are_asked_for(sample_run):
    rows = sample_run.test.cases.head(50)
    decisions = decided_anew(sample_run, rows, reasons=0)
    assert (decisions["decision"] != "approve").any()
    assert decisions[RANKS].isna().all(axis=None)
    shared = [name for name in decisions.columns if name not in RANKS]
    pd.testing.assert_frame_equal(decisions[shared], decided_anew(sample_run, rows)[shared])


def test_at_most_as_many_reasons_as_asked_for_are_given(sample_run):
    rows = sample_run.test.cases.head(50)
    two, four = (decided_anew(sample_run, rows, reasons=most) for most in (2, 4))
    assert two[["reason_3", "reason_4"]].isna().all(axis=None)
    pd.testing.assert_frame_equal(two[["reason_1", "reason_2"]], four[["reason_1", "reason_2"]])
