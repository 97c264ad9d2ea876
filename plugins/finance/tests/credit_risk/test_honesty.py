"""The traps of credit scoring: each test would fail if a run flattered itself."""

import json

import numpy as np
import pandas as pd
import pytest

from lepton_platform.cli import main
from lepton_platform.decide import decide, decide_batch
from lepton_platform.report.verdict import verdict
from lepton_platform.run import reopen
from lepton_platform.store import RunFolder

ALIKE = ["predictions.parquet", "decisions.parquet", "metrics.json"]
"""Files that hold nothing but what a run found: no dates, no durations, no paths."""


def probabilities(run):
    return run.predictions["probability"].to_numpy()


def contents(run, names=ALIKE):
    return {name: (run.folder / name).read_bytes() for name in names}


@pytest.fixture(scope="module")
def tables(loans):
    """Past loans to learn from and others to be judged on."""
    return loans(600, 1), loans(250, 2)


@pytest.fixture(scope="module")
def plain(learn, tables):
    """The run that the others are compared with."""
    return learn(*tables, models=("logistic", "boosting"), sensitive="sex")


# ----------------------------------------------------------------------- what is compared with


def test_both_rules_without_a_model_are_in_every_leaderboard(plain, sample_run):
    for run in (plain, sample_run):
        table = run.leaderboard.set_index("model")
        bad = run.dataset.target.iloc[run.split.train].mean()
        assert table.loc["approve all", "expected_cost"] == pytest.approx(5 * bad)
        assert table.loc["decline all", "expected_cost"] == pytest.approx(1 - bad)
        assert (table.loc[["approve all", "decline all", "base rate"], "status"] == "baseline").all()
        assert (
            pd.read_csv(run.folder / "leaderboard.csv")["model"].tolist() == run.leaderboard["model"].tolist()
        )
        report = (run.folder / "report.html").read_text(encoding="utf-8")
        assert "approve all" in report and "decline all" in report and "expected cost" in report


def test_the_mean_probability_is_near_the_base_rate(plain, sample_run):
    for run in (plain, sample_run):
        rate = run.dataset.target.iloc[run.split.train].mean()
        assert run.out_of_fold["probability"].mean() == pytest.approx(rate, abs=0.005)
        error = np.sqrt(rate * (1 - rate) / len(run.truth))
        assert abs(probabilities(run).mean() - run.truth.mean()) < 4 * error


def test_no_other_cut_off_is_much_cheaper_out_of_fold(plain, sample_run):
    """Were the probabilities spoilt by class weights, the cheapest cut-off would lie far from 1/6."""
    for run in (plain, sample_run):
        truth = run.dataset.target.iloc[run.split.train].to_numpy()
        probability = run.out_of_fold["probability"].to_numpy()
        cost = {
            cut: np.where(probability <= cut, 5 * truth, 1 - truth).mean()
            for cut in (1 / 6, *np.linspace(0.02, 0.8, 40))
        }
        assert cost[1 / 6] <= min(cost.values()) * 1.08


def test_every_metric_has_an_interval_around_it_and_a_baseline_beside_it(plain):
    told = json.loads((plain.folder / "metrics.json").read_text())
    assert told["selected_by"] == "auc"
    assert told["model"].keys() == told["baseline"].keys()
    for score in told["model"].values():
        assert score["low"] <= score["value"] <= score["high"]
        assert score["better"] in ("higher", "lower")
    gain = told["model"]["auc"]["value"] - told["baseline"]["auc"]["value"]
    assert told["gain_over_baseline"]["value"] == pytest.approx(gain)


# --------------------------------------------------------------------------- nothing may leak


def test_changing_the_test_labels_changes_no_prediction_cut_off_or_decision(learn, tables, plain):
    train, test = tables
    other = learn(train, test.assign(default=1 - test["default"]), plain.options.models, sensitive="sex")
    files = ["predictions.parquet", "decisions.parquet", "out_of_fold.parquet", "schema.json"]
    assert contents(other, files) == contents(plain, files)
    assert other.learned["typical"] == plain.learned["typical"]
    assert other.summary["cut_off"] == plain.summary["cut_off"]
    assert other.scores["auc"].value == pytest.approx(1 - plain.scores["auc"].value)


def test_a_category_with_one_level_per_row_changes_no_prediction(learn, tables, plain):
    named = [
        table.assign(note=[f"{prefix}-{number}" for number in range(len(table))])
        for prefix, table in zip("ab", tables, strict=True)
    ]
    other = learn(*named, plain.options.models, sensitive="sex")
    assert np.array_equal(probabilities(other), probabilities(plain))
    assert any("'note' names rather than describes" in str(finding) for finding in other.findings)


def test_a_shuffled_target_teaches_nothing_and_the_verdict_says_so(learn, tables):
    train, test = (
        table.assign(default=np.random.default_rng(4).permutation(table["default"])) for table in tables
    )
    run = learn(train, test, ("logistic", "boosting"))
    assert run.scores["auc"].low <= 0.5 <= run.scores["auc"].high
    assert verdict(run).startswith("Nothing was learned")
    assert "Nothing was learned" in (run.folder / "report.html").read_text(encoding="utf-8")
    ensemble = run.leaderboard.set_index("model").loc["ensemble"]
    assert abs(ensemble["auc"] - 0.5) < 0.1


def test_a_copy_of_the_target_is_reported_as_a_leak(learn, tables):
    train, test = (
        table.assign(
            collections=np.where(
                np.random.default_rng(5).random(len(table)) < 0.01, 1 - table["default"], table["default"]
            )
        )
        for table in tables
    )
    run = learn(train, test)
    warnings = [str(finding) for finding in run.findings if finding.level == "warning"]
    assert any("'collections' nearly gives the outcome away" in warning for warning in warnings)
    assert any("--ignore collections" in warning for warning in warnings)
    report = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "collections" in report and "nearly gives the outcome away" in report


def test_an_honest_column_is_not_reported_as_a_leak(plain, sample_run):
    for run in (plain, sample_run):
        assert not any("gives the outcome away" in str(finding) for finding in run.findings)


# --------------------------------------------------------------------- rows in and rows out


def test_every_row_is_scored_after_random_cells_were_blanked(plain, tables):
    rows = tables[1].drop(columns=["default"]).astype(object)
    blank = np.random.default_rng(6).random(rows.shape) < 0.3
    rows = rows.mask(blank)
    rows.iloc[0] = None
    decisions = decide_batch(plain, rows)
    assert len(decisions) == len(rows)
    assert decisions["probability"].between(0, 1).all()
    assert decisions["decision"].isin(["approve", "decline", "refer"]).all()


def test_a_run_keeps_every_row_of_a_test_file_with_gaps(learn, tables):
    train, test = tables
    blank = np.random.default_rng(7).random(test.shape) < 0.2
    blank[:, test.columns.get_loc("default")] = False
    run = learn(train, test.mask(blank))
    assert len(pd.read_parquet(run.folder / "predictions.parquet")) == len(test)
    assert run.predictions.index.tolist() == list(range(len(test)))


def test_names_of_columns_and_order_of_columns_and_rows_do_not_matter(learn, tables):
    """Training rows keep their order: folds are drawn by position, so theirs is part of the seed."""
    train, test = tables
    straight = learn(train, test)
    names = {name: f"x{number}" for number, name in enumerate(reversed(train.columns)) if name != "default"}
    columns = list(np.random.default_rng(8).permutation(train.columns))
    rows = np.random.default_rng(9).permutation(len(test))
    twisted = learn(
        train.rename(columns=names), test[columns].rename(columns=names).iloc[rows].reset_index(drop=True)
    )
    assert probabilities(twisted) == pytest.approx(probabilities(straight)[rows], abs=1e-9)
    turned = learn(train[columns], test)
    assert probabilities(turned) == pytest.approx(probabilities(straight), abs=1e-9)


# ------------------------------------------------------------------------- the same again


def test_the_same_seed_gives_the_same_bytes(learn, tables, plain):
    again = learn(*tables, plain.options.models, sensitive="sex")
    assert contents(again) == contents(plain)
    assert again.leaderboard.drop(columns="seconds").equals(plain.leaderboard.drop(columns="seconds"))


def test_the_saved_model_decides_exactly_as_the_run_did(sample_run, tmp_path, capsys):
    cases = sample_run.test.cases
    cases.to_parquet(tmp_path / "new.parquet", index=False)
    wanted = sample_run.decisions.reset_index(drop=True)
    asked = [
        "--run",
        sample_run.folder,
        "--data",
        tmp_path / "new.parquet",
        "--out",
        tmp_path / "out.parquet",
    ]
    with pytest.raises(SystemExit) as ended:
        main(["decide", "finance.credit-risk", *map(str, asked)])
    assert ended.value.code == 0
    decided = pd.read_parquet(tmp_path / "out.parquet")
    assert decided["case"].tolist() == list(range(len(cases)))
    pd.testing.assert_frame_equal(decided[wanted.columns], wanted, check_exact=True)


def test_a_csv_and_a_parquet_of_the_same_cases_are_decided_alike(sample_run, tmp_path):
    cases, run = sample_run.test.cases, reopen(RunFolder(sample_run.folder))
    cases.to_csv(tmp_path / "new.csv", index=False)
    cases.to_parquet(tmp_path / "new.parquet", index=False)
    for kind in ("csv", "parquet"):
        decide(run, str(tmp_path / f"new.{kind}"), str(tmp_path / f"{kind}.parquet"))
    assert (tmp_path / "csv.parquet").read_bytes() == (tmp_path / "parquet.parquet").read_bytes()


def test_deciding_one_row_equals_deciding_it_in_a_batch(sample_run):
    rows = sample_run.test.cases.head(25)
    together = decide_batch(sample_run, rows)
    alone = pd.concat([decide_batch(sample_run, rows.iloc[[at]]) for at in range(len(rows))])
    pd.testing.assert_frame_equal(alone, together, rtol=1e-12)


# --------------------------------------------------------------------------------- real loans


@pytest.fixture(scope="module")
def bureau(learn, real_loans):
    """Return a function that learns from some HELOC applicants and is judged on others."""
    table, _ = real_loans("heloc")
    train, test = table.iloc[:3000], table.iloc[3000:4500]

    def bureau(models, **options):
        return learn(train, test, models, target="RiskPerformance", positive="Bad", **options)

    return bureau


def test_special_codes_told_apart_from_amounts_raise_the_linear_auc(bureau):
    as_amounts = bureau(("logistic",)).leaderboard.set_index("model")
    apart = bureau(("logistic",), special="-9,-8,-7").leaderboard.set_index("model")
    assert apart.loc["logistic", "auc"] > as_amounts.loc["logistic", "auc"] + 0.005


def test_the_scorecard_stays_monotone_after_calibration(bureau):
    """More external credit, no worse a score, whatever else an applicant is (HELOC data dictionary)."""
    run = bureau(("scorecard",), special="-9,-8,-7")
    values = np.arange(30.0, 97.0)
    for case in run.test.cases.index[:20]:
        swept = run.test.cases.loc[[case] * len(values)].reset_index(drop=True)
        risk = run.hooks.predict(run.model, swept.assign(ExternalRiskEstimate=values))["probability"]
        assert (np.diff(risk) <= 1e-12).all()
        assert risk.iloc[0] > risk.iloc[-1]
