"""The reference page of hooks: current, complete, and its examples do in real runs what they say.

Each hook has an example on the page and, here, a test of its effect, named ``test_<hook>_...``.
"""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta

from lepton_platform.hooks import SPECS
from lepton_platform.hookspecs import OBSERVED

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"
PAGE = REFERENCE / "hooks.md"
GENERATOR = REFERENCE / "generate.py"


# ---------------------------------------------------------------------------------- completeness


def test_the_page_is_what_its_generator_prints():
    printed = subprocess.run([sys.executable, GENERATOR], capture_output=True, text=True, check=True).stdout
    assert PAGE.read_text(encoding="utf-8") == printed, f"run {GENERATOR.name} > {PAGE.name}"


@pytest.mark.parametrize("hook", SPECS)
def test_every_hook_is_documented_with_an_example(hook):
    (entry,) = re.findall(rf"^## `{hook}\(.*?(?=^## |\Z)", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert f"\ndef {hook}(" in entry and "Implemented by" in entry
    assert hook in OBSERVED or "`None`" in entry, "say what None means"


@pytest.mark.parametrize("hook", SPECS)
def test_every_hook_has_a_test_of_its_effect(hook):
    assert [name for name in globals() if name.startswith(f"test_{hook}_")]


# --------------------------------------------------------------------------- the examples in runs


@pytest.fixture(scope="module")
def lepton(new_site, tmp_path_factory):
    """The command line, with the examples installed, in a folder of its own."""
    site, folder = new_site("examples"), tmp_path_factory.mktemp("post")
    modules = {file.name: file.read_text(encoding="utf-8") for file in (REFERENCE / "examples").glob("*.py")}
    offered = {"applications": {"post.parcels": "parcels"}, "extensions": {"observer": "observer"}}
    site.install("lepton-hook-examples", modules, **offered)

    def lepton(*arguments):
        return site.lepton(*arguments, cwd=folder)

    lepton.folder = folder
    return lepton


def parcels(n, seed):
    """Parcels that are late the more, the farther they have to go on each promised day."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "weight": rng.gamma(2, 4, n).round(1),
            "distance": rng.integers(5, 900, n),
            "promised_days": rng.integers(1, 5, n),
            "depot": rng.choice(["north", "south", "east"], n),
        }
    )
    score = (table["distance"] / table["promised_days"] - 200) / 80
    return table.assign(late=np.where(rng.random(n) < 1 / (1 + np.exp(-score)), "yes", "no"))


@pytest.fixture(scope="module")
def ran(lepton):
    """A run of the examples, all that it left behind, and the table it learned from."""
    table = parcels(300, 0)
    table.loc[299, "distance"] = 2_000
    (lepton.folder / "parcels.txt").write_text(table.to_string(index=False))
    done = lepton(
        "run", "post.parcels", "--data", "fixed:parcels.txt", "--engine", "one-by-one:",
        "--models", "logistic,few leaves", "--refund", "12", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    folder = Path(told["run_folder"])
    return SimpleNamespace(
        table=table,
        held_out=table.iloc[240:],
        told=told,
        folder=folder,
        log=(folder / "log.txt").read_text(encoding="utf-8"),
        report=(folder / "report.html").read_text(encoding="utf-8"),
        predictions=pd.read_parquet(folder / "predictions.parquet").set_index("case"),
        decisions=pd.read_parquet(folder / "decisions.parquet").set_index("case"),
    )


@pytest.fixture(scope="module")
def decided(lepton, ran):
    """Decisions on more parcels than one batch holds, and what was said meanwhile."""
    table = parcels(12_000, 1).drop(columns="late")
    (lepton.folder / "new.txt").write_text(table.to_string(index=False))
    done = lepton("decide", "post.parcels", "--data", "fixed:new.txt", "--out", "decided.parquet")
    assert done.returncode == 0, done.stderr
    return SimpleNamespace(told=done.stderr, table=pd.read_parquet(lepton.folder / "decided.parquet"))


@pytest.fixture(scope="module")
def watched(lepton, decided):
    """Alerts on a stream of parcels, the state that was left, and the decisions on the same parcels."""
    table = parcels(300, 2).drop(columns="late")
    (lepton.folder / "stream.csv").write_text(table.to_csv(index=False))
    done = lepton("watch", "post.parcels", "--data", "stream.csv", "--state", "state")
    assert done.returncode == 0, done.stderr
    (lepton.folder / "same.txt").write_text(table.to_string(index=False))
    again = lepton("decide", "post.parcels", "--data", "fixed:same.txt", "--out", "same.parquet")
    assert again.returncode == 0, again.stderr
    alerts = [json.loads(line) for line in done.stdout.splitlines()]
    decisions = pd.read_parquet(lepton.folder / "same.parquet")
    return SimpleNamespace(alerts=alerts, state=lepton.folder / "state", decisions=decisions)


def test_lepton_read_brings_a_format_that_the_host_does_not_read(ran):
    assert json.loads((ran.folder / "run.json").read_text())["data"]["rows"] == 300


def test_lepton_load_adds_a_finding_about_the_cases(ran):
    heavy = (ran.table["weight"] > 30).sum()
    assert heavy and f"column 'weight' is above 30 kg in {heavy} rows" in [
        finding["text"] for finding in ran.told["findings"]
    ]


def test_lepton_split_chooses_the_hold_out(ran):
    assert list(ran.predictions.index) == list(ran.held_out.index)
    assert "by the order of the file, the last fifth held out" in ran.report


def test_lepton_steps_stands_before_the_models_and_is_saved_with_them(ran):
    with zipfile.ZipFile(ran.folder / "model" / "model.skops") as model:
        saved = json.loads(model.read("schema.json"))
    assert '"__class__": "Promise"' in json.dumps(saved)


def test_lepton_models_adds_a_candidate_and_removes_another(ran, lepton):
    board = pd.read_csv(ran.folder / "leaderboard.csv").set_index("model")
    assert board.loc["few leaves", "from"] == "post.parcels"
    refused = lepton("run", "post.parcels", "--data", "fixed:parcels.txt", "--models", "splines")
    assert "no model 'splines'" in refused.stderr


def test_lepton_metrics_judges_by_what_the_options_say(ran):
    express = ran.predictions["probability"] > 3 / 12
    late = ran.held_out["late"] == "yes"
    spent = [3.0 if sent else 12.0 * is_late for sent, is_late in zip(express, late, strict=True)]
    assert ran.told["metrics"]["cost"]["value"] == pytest.approx(np.mean(spent))
    assert ran.told["metrics"]["cost"]["unit"] == "EUR per parcel"


def test_lepton_train_keeps_what_it_learned_from_the_training_cases_alone(ran):
    learned = json.loads((ran.folder / "run.json").read_text())["learned"]
    assert learned["farthest"] == ran.table["distance"].iloc[:240].max() < 2_000


def test_lepton_predict_adds_a_column_to_every_prediction(ran, decided):
    beyond = ran.held_out["distance"] > ran.table["distance"].iloc[:240].max()
    assert beyond.any() and list(ran.predictions["beyond"]) == list(beyond)
    assert "beyond" in decided.table


def test_lepton_evaluate_gives_the_exact_interval_of_a_share(ran):
    missed = ((ran.held_out["late"] == "yes") & (ran.predictions["probability"] < 0.5)).sum()
    score = ran.told["metrics"]["surprises"]
    assert score["low"] == pytest.approx(beta.ppf(0.025, missed, 61 - missed))
    assert score["high"] == pytest.approx(beta.ppf(0.975, missed + 1, 60 - missed))


def test_lepton_decide_sends_by_express_what_would_cost_more(ran, decided):
    for table in (ran.decisions, decided.table):
        express = table["probability"] * 12 > 3
        assert list(table["decision"] == "express") == list(express)


def test_lepton_summary_ends_the_verdict_and_goes_into_the_json(ran):
    express = int((ran.decisions["decision"] == "express").sum())
    assert ran.told["decisions"]["express"] == express
    assert ran.told["verdict"].endswith(f"{express} of 60 parcels go by express, for {3 * express:.2f} EUR.")


def test_lepton_sections_stand_where_their_order_says(ran):
    titles = re.findall(r"<h2[^>]*>(.*?)</h2>", ran.report)
    assert titles.index("Verdict") < titles.index("Parcels to send first")
    assert titles.index("Parcels to send first") < titles.index("How good is the model?")


def test_lepton_write_leaves_a_file_beside_the_report(ran):
    listed = pd.read_csv(ran.folder / "express.csv")
    assert set(listed["parcel"]) == set(ran.decisions.index[ran.decisions["decision"] == "express"])


def test_lepton_stream_reads_the_same_format_in_parts(decided):
    assert list(decided.table["case"]) == list(range(12_000))


def test_lepton_update_is_stored_with_the_state(watched):
    record = json.loads((watched.state / "state.json").read_text())
    with zipfile.ZipFile(watched.state / record["model"] / "model.skops") as model:
        saved = json.loads(model.read("schema.json"))
    assert '"watched_"' in json.dumps(saved) and record["rows"] == 300


def test_lepton_alerts_are_printed(watched):
    sure = watched.decisions[watched.decisions["probability"] > 0.95]
    late = [alert["subject"] for alert in watched.alerts if alert["kind"] == "late"]
    assert late == [f"parcel {parcel}" for parcel in sure["case"]] != []


def test_lepton_batch_finished_tells_of_each_part(decided):
    assert re.findall(r"(\d+) more rows decided", decided.told) == ["10000", "2000"]


def test_lepton_stage_started_is_told_before_the_stage(ran):
    starts = [ran.log.index(f" {stage} starts\n") for stage in ("data", "model", "report")]
    assert starts == sorted(starts)


def test_lepton_stage_finished_finds_the_stage_in_the_record(ran):
    for stage, about in json.loads((ran.folder / "run.json").read_text())["stages"].items():
        assert f" {stage} took {about['seconds']} s\n" in ran.log


def test_lepton_progress_says_what_is_next(ran):
    assert " 1 of 3 done, next: cross-validating logistic\n" in ran.log


def test_lepton_run_finished_knows_the_score(ran):
    history = (ran.folder.parent / "history.txt").read_text()
    assert f"{ran.folder.name} auc {ran.told['metrics']['auc']['value']:.3f}\n" in history


def test_lepton_run_failed_is_told_the_error(ran, lepton):
    failed = lepton("run", "post.parcels", "--data", "fixed:parcels.txt", "--target", "lost")
    assert failed.returncode == 1
    assert (ran.folder.parent / "history.txt").read_text().endswith(" DataError\n")


def test_lepton_engine_is_found_by_its_url(ran, lepton):
    assert "--engine one-by-one:" in ran.report  # how to repeat the run that it carried
    unknown = lepton("run", "post.parcels", "--data", "fixed:parcels.txt", "--engine", "one-by-two:")
    assert "'one-by-two:' is no engine that is installed" in unknown.stderr


def test_lepton_commands_stand_beside_lepton_run(ran, lepton):
    assert "List the runs of APPLICATION and how they ended." in lepton("--help").stdout
    assert ran.folder.name in lepton("history", "post.parcels").stdout
