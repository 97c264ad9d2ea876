"""Approve, decline, refer: each decision against the rule written out for one applicant."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from lepton_platform import Source
from lepton_platform.decide import decide_batch
from lepton_platform.run import reopen
from lepton_platform.store import RunFolder

WORDS = ["approve", "decline", "refer"]


def sure(run, rows, **options):
    """Decisions on rows, with limits of the probability that never straddle a cut-off."""
    opened = reopen(RunFolder(run.folder), {"reasons": 0, **options})
    named = rows.assign(loan=np.arange(len(rows)))
    dataset = opened.hooks.load(Source(rows=named), "decide")
    predictions = opened.hooks.predict(opened.model, dataset.cases)
    narrow = predictions.assign(low=predictions["probability"], high=predictions["probability"])
    return opened.hooks.decide(narrow, dataset.cases)


def test_the_decisions_file_holds_what_scripts_rely_on(lender):
    table = pd.read_parquet(lender.folder / "decisions.parquet")
    wanted = ["case", "probability", "decision", "reason_1", "reason_2", "reason_3", "reason_4"]
    assert [name for name in table.columns if name in wanted] == wanted
    assert set(table["decision"]) <= set(WORDS)
    predictions = pd.read_parquet(lender.folder / "predictions.parquet")
    assert predictions.columns[:2].tolist() == ["case", "probability"]
    assert np.array_equal(predictions["probability"], table["probability"])


def test_each_decision_follows_from_its_own_row(lender):
    schema = {column.name: column for column in lender.schema.columns}
    seen = set()
    for case, row in lender.decisions.iterrows():
        applicant = lender.test.cases.loc[case]
        strange = False
        for name, column in schema.items():
            value = applicant[name]
            if pd.isna(value) or value in column.special:
                continue
            if column.kind == "category":
                strange |= value not in column.levels
            else:
                width = column.high - column.low
                strange |= value < column.low - width or value > column.high + width
        if strange or row["low"] <= row["cut_off"] < row["high"]:
            expected = "refer"
        else:
            expected = "approve" if row["probability"] <= row["cut_off"] else "decline"
        assert row["decision"] == expected
        seen.add(expected)
    assert seen == set(WORDS)


def test_the_summary_counts_the_decisions(lender):
    counts = lender.decisions["decision"].value_counts()
    assert {word: lender.summary[word] for word in WORDS} == {word: counts.get(word, 0) for word in WORDS}
    assert lender.summary["cases"] == 200
    assert lender.summary["cut_off"] == pytest.approx(1 / 6)


def test_expected_profit_is_gain_times_good_less_loss_times_bad(lender):
    probability = lender.decisions["probability"]
    assert lender.decisions["expected_profit"].to_numpy() == pytest.approx(
        (1 - probability) - 5 * probability
    )


def test_limits_on_both_sides_of_the_cut_off_are_referred(lender, loans):
    cases = lender.test.cases.head(4)
    predictions = pd.DataFrame(
        {
            "probability": [0.10, 0.10, 0.30, 0.30],
            "low": [0.05, 0.05, 0.10, 0.20],
            "high": [0.15, 0.20, 0.40, 0.40],
        },
        index=cases.index,
    )
    assert lender.hooks.decide(predictions, cases)["decision"].tolist() == [
        "approve",
        "refer",
        "refer",
        "decline",
    ]


def test_a_probability_exactly_at_the_cut_off_is_approved(lender):
    cases = lender.test.cases.head(1)
    at = [1.0 / 6.0]
    predictions = pd.DataFrame({"probability": at, "low": at, "high": at}, index=cases.index)
    assert lender.hooks.decide(predictions, cases)["decision"].tolist() == ["approve"]


def test_values_unlike_training_are_referred_and_scored(lender, loans):
    rows = loans(6, 9).drop(columns="default")
    rows["income"], rows["debt"] = 25_000.0, 0.3
    rows["status"] = ["own", "castle", "own", "own", None, "own"]
    rows.loc[2, "income"] = 1e9
    rows.loc[3, "debt"] = -4.0
    rows.loc[5, "months"] = np.nan
    decisions = sure(lender, rows)
    assert decisions["decision"].eq("refer").tolist() == [False, True, True, True, False, False]
    assert decisions["probability"].between(0, 1).all()


def test_special_codes_far_from_all_amounts_are_not_unlike_training(lender, loans):
    rows = loans(2, 9).drop(columns="default").assign(income=25_000.0, debt=0.3, months=[-99_999, -99_998])
    assert sure(lender, rows)["decision"].eq("refer").tolist() == [False, True]


def test_a_dearer_default_approves_no_more_applicants(lender, loans):
    rows = loans(300, 12).drop(columns="default")
    approved = [
        set(np.flatnonzero(sure(lender, rows, cost_of_default=cost)["decision"] == "approve"))
        for cost in (1.0, 3.0, 5.0, 20.0)
    ]
    assert all(dearer <= cheaper for cheaper, dearer in pairwise(approved))
    assert len(approved[0]) > len(approved[-1])


def test_todays_rule_is_compared_and_kept_from_the_model(lender):
    assert "approved_today" not in lender.schema.names
    truth, today = lender.truth.to_numpy(), lender.test.extra["approved_today"].str.lower() == "yes"
    theirs = np.where(today, 1 - truth - 5 * truth, 0).mean()
    gained = lender.summary["advantage_per_case"]["today's rule"]["value"]
    assert gained == pytest.approx(lender.summary["profit_per_case"]["value"] - theirs)


def test_cases_are_named_by_their_id_column(lender):
    for name in ("predictions", "decisions"):
        table = pd.read_parquet(lender.folder / f"{name}.parquet")
        assert table["case"].tolist() == [f"N{number}" for number in range(200)]
    row = lender.test.cases.iloc[[7]].assign(loan="X")
    assert decide_batch(lender, row).index.tolist() == ["X"]
