"""examples/monotone in real runs, seen from outside: what ``lepton decide`` answers and the report says."""

import html
import json
import re

import numpy as np
import pandas as pd


def page_of(told):
    """Return what a run's report says, without its marks."""
    with open(told["report"], encoding="utf-8") as report:
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", report.read())).split())


def test_the_risk_of_new_cases_never_moves_against_what_was_asked(installation, finished, tmp_path):
    cases = pd.read_csv(finished.world / "loans.csv").head(20)
    ways = {"debt": 1, "amount": 1, "months": -1}
    swept = [
        cases.assign(**{column: value})
        for column in ways
        for value in np.linspace(cases[column].min(), cases[column].max(), 30)
    ]
    pd.concat(swept).to_csv(tmp_path / "swept.csv", index=False)
    done = installation.lepton(
        "decide", "finance.credit-risk", "--run", finished.told["run_folder"], "--data", "swept.csv",
        "--set", "reasons=0", "--out", "decided.csv", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    risk = pd.read_csv(tmp_path / "decided.csv")["probability"].to_numpy().reshape(3, 30, 20)
    moves = np.diff(risk, axis=1) * np.reshape([*ways.values()], (3, 1, 1))
    assert moves.min() > -1e-9 and moves.max() > 0
    assert "moves the wrong way in none of 3 columns" in page_of(finished.told)


def test_the_report_says_where_a_blend_does_not_keep_what_one_member_promises(installation, loans, tmp_path):
    loans(400, 2).to_csv(tmp_path / "loans.csv", index=False)
    done = installation.lepton(
        "run", "finance.credit-risk", "--data", "loans.csv", "--target", "default", "--json",
        "--models", "small trees,monotone/boosting", "--no-monotone.find",
        "--monotone.up", "debt", "--monotone.down", "months", "--mlflow.uri", tmp_path / "store",
        cwd=tmp_path, MLFLOW_ALLOW_FILE_STORE="true",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told["model"]) == {"small trees", "monotone/boosting"}
    assert "moves the wrong way in 2 of 2 columns" in page_of(told)
    assert "Added by monotone" in page_of(told)


def test_the_metric_is_the_default_rate_of_the_safest_by_the_runs_own_predictions(finished):
    predictions = pd.read_parquet(f"{finished.told['run_folder']}/predictions.parquet").set_index("case")
    truth = pd.read_csv(finished.world / "loans.csv")["default"]
    border = predictions["probability"].nsmallest(100).max()
    safer, tied = (truth[predictions["probability"].pipe(test)] for test in (border.__gt__, border.__eq__))
    expected = (safer.sum() + (100 - len(safer)) * tied.mean()) / 100
    found = finished.told["metrics"]["monotone/defaults_of_safest"]["value"]
    assert abs(found - expected) < 1e-12
