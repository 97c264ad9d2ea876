"""Bad input through the real command line: a clear message, the right exit code, nothing left behind."""

import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib import invalidate_caches
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lepton_platform.run import Options, start

APPLICATION = "finance.credit-risk"
LEPTON = [sys.executable, "-m", "lepton_platform"]


@pytest.fixture
def learn(lepton, tmp_path):
    """Run on a table or on the bytes of a file; return the answer and what is left in --out."""

    def learn(data, *more, test=None, models="logistic", name="loans.csv"):
        path = tmp_path / name
        if isinstance(data, pd.DataFrame):
            data.to_csv(path, index=False)
        elif data is not None:
            path.write_bytes(data.encode() if isinstance(data, str) else data)
        if test is not None:
            test.to_csv(tmp_path / "test.csv", index=False)
            more = ("--test", tmp_path / "test.csv", *more)
        asked = ("--target", "default", "--models", models, "--seed", 1, "--out", tmp_path / "runs")
        answer = lepton("run", APPLICATION, "--data", path, *asked, *more)
        return answer, sorted((tmp_path / "runs").rglob("*"))

    return learn


@pytest.fixture(scope="module")
def finished(tmp_path_factory, loans):
    """The folder of a finished run; tests work on copies."""
    folder = tmp_path_factory.mktemp("finished")
    loans(300, 1).to_csv(folder / "loans.csv", index=False)
    options = Options(data=str(folder / "loans.csv"), models=("boosting",))
    return start(APPLICATION, options, {"target": "default"}, folder / "runs").folder


@pytest.fixture
def root(finished, tmp_path):
    """A folder of runs with a copy of the finished run in it."""
    shutil.copytree(finished, tmp_path / "runs" / APPLICATION / finished.name)
    return tmp_path / "runs"


def refused(answer, *words, code=1):
    """Assert one clear message with these words, and no traceback."""
    assert answer.code == code, answer
    assert answer.err.startswith("Error: "), answer.err
    assert answer.err.count("Error: ") == 1
    assert "Traceback" not in answer.err + answer.out
    for word in words:
        assert word in answer.err, answer.err
    assert answer.out == ""


# --------------------------------------------------------------------- files that cannot be read


def test_a_missing_file_is_named_with_the_nearest_that_is_there(learn, tmp_path):
    (tmp_path / "loans2.csv").write_text("a,default\n1,0\n")
    answer, left = learn(None)
    refused(answer, "loans.csv", "there is no file", "Did you mean 'loans2.csv'?")
    assert left == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", ["loans.csv", "empty (0 bytes)"], id="empty"),
        pytest.param("amount,default\n", ["no rows below the header"], id="header only"),
        pytest.param(bytes(range(256)) * 50, ["not text"], id="binary"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(200), ["not text"], id="picture"),
        pytest.param("amount,debt,default\n1,2,0\n1,2\n3,4,1\n5,6,1,7\n", ["row 1", "row 3"], id="ragged"),
        pytest.param("debt,debt,default\n1,2,0\n", ["'debt'", "2 times", "name of its own"], id="twice"),
        pytest.param("debt,,default\n1,2,0\n", ["column number 2 of 3 has no name"], id="unnamed"),
    ],
)
def test_a_file_that_is_no_table_is_refused(learn, content, words):
    answer, left = learn(content)
    refused(answer, *words)
    assert left == []


@pytest.mark.parametrize("delimiter", ["~", " ", "^"])
def test_a_delimiter_that_is_not_known_is_suspected_when_one_column_is_found(learn, loans, delimiter):
    answer, left = learn(loans().to_csv(index=False, sep=delimiter))
    refused(answer, "'default' is missing", "single column", "comma, semicolon, tab or vertical bar")
    assert left == []


def test_a_workbook_named_csv_is_recognised(learn):
    answer, left = learn(b"PK\x03\x04" + bytes(range(256)) * 8)
    refused(answer, "Excel")
    assert left == []


# ------------------------------------------------------------------- tables that cannot be used


def test_a_target_that_is_missing_is_answered_with_the_nearest_column(learn, loans):
    answer, left = learn(loans().rename(columns={"default": "defaulted"}))
    refused(answer, "'default' is missing", "--target", "Did you mean 'defaulted'?")
    assert left == []


def test_a_run_without_a_target_lists_the_columns(lepton, loans, tmp_path):
    loans().to_csv(tmp_path / "loans.csv", index=False)
    asked = ("--data", tmp_path / "loans.csv", "--out", tmp_path / "runs")
    answer = lepton("run", APPLICATION, *asked, "--set", "target=")
    assert answer.code in (1, 2)
    assert "default" in answer.err and "Traceback" not in answer.err
    assert not list((tmp_path / "runs").rglob("*"))


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        pytest.param(lambda t: 0, ["'0' in every row", "both outcomes"], id="constant"),
        pytest.param(
            lambda t: t["default"] + (t["debt"] > 0.8), ["3 different values", "--positive"], id="3"
        ),
        pytest.param(lambda t: t["default"].map({0: "A", 1: "B"}), ["'A' (", "--positive"], id="letters"),
        pytest.param(lambda t: t["default"].where(t.index != 7), ["no outcome in 1 rows (row 7)"], id="gap"),
        pytest.param(lambda t: t["debt"], ["different values", "--positive"], id="amounts"),
    ],
)
def test_a_target_that_is_no_outcome_is_refused(learn, loans, outcome, words):
    table = loans()
    answer, left = learn(table.assign(default=outcome(table)))
    refused(answer, "'default'", *words)
    assert left == []


def test_a_positive_value_that_never_occurs_is_refused_with_those_that_do(learn, loans):
    answer, left = learn(loans(), "--positive", "2")
    refused(answer, "never is '2'", "Known: 0, 1")
    assert left == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.inf, ["infinite in 2 rows (rows 3, 8)", "leave them empty"]),
        ("n/k", ["no number in 2 of 200 rows", "'n/k'", "(rows 3, 8)", "--categories debt"]),
    ],
)
def test_values_that_are_no_numbers_are_refused_with_their_rows(learn, loans, values, words):
    table = loans()
    table["debt"] = table["debt"].astype(object)
    table.loc[[3, 8], "debt"] = values
    answer, left = learn(table)
    refused(answer, "'debt'", *words)
    assert left == []


def test_all_faults_of_a_table_are_told_at_once(learn, loans):
    table = loans()
    table["debt"] = table["debt"].astype(object).where(table.index != 4, "x")
    table["amount"] = table["amount"].astype(float).where(table.index != 5, np.inf)
    table["default"] = table["default"].where(table.index != 6)
    answer, left = learn(table)
    refused(answer, "3 reasons", "'debt'", "row 4", "'amount'", "row 5", "'default'", "row 6")
    assert left == []


def test_ten_rows_are_too_few(learn, loans):
    answer, left = learn(loans(10, 3))
    refused(answer, "of 10 cases", "At least 10 of each")
    assert left == []


def test_one_event_in_200_000_rows_is_too_few(learn):
    table = pd.DataFrame({"debt": np.random.default_rng(0).random(200_000).round(3), "default": 0})
    table.loc[123_456, "default"] = 1
    answer, left = learn(table)
    refused(answer, "only 1 of 200,000 cases", "At least 10")
    assert left == []


@pytest.mark.parametrize(
    "option", ["--id", "--date", "--group", "--sensitive", "--ignore", "--categories", "--amount"]
)
def test_a_column_that_an_option_names_wrongly_is_answered_with_the_nearest(learn, loans, option):
    answer, left = learn(loans(), option, "dept")
    refused(answer, "'dept' is missing", "Did you mean 'debt'?")
    assert left == []


def test_a_special_code_of_a_column_that_is_not_there_is_refused(learn, loans):
    answer, left = learn(loans(), "--special", "dept:-9")
    refused(answer, "'dept' is missing", "Did you mean 'debt'?")
    assert left == []


def test_amounts_that_are_not_positive_are_refused_before_anything_is_learned(learn, loans):
    table = loans()
    table.loc[[2, 5], "amount"] = 0
    answer, left = learn(table, "--amount", "amount")
    refused(answer, "'amount'", "(rows 2, 5)", "positive amount")
    assert left == []


def test_names_of_cases_that_repeat_are_refused_with_their_rows(learn, loans):
    answer, left = learn(loans().assign(loan=[7, *range(1, 200)]), "--id", "loan")
    refused(answer, "'loan'", "(rows 0, 7)", "--group")
    assert left == []


# ---------------------------------------------------------------------------------- test files


def test_a_test_file_with_other_columns_is_refused_with_all_that_are_missing(learn, loans):
    test = loans(50, 2).drop(columns="months").rename(columns={"debt": "dept"})
    answer, left = learn(loans(), test=test)
    refused(answer, "test.csv", "'debt' is missing. Did you mean 'dept'?", "'months' is missing")
    assert left == []


def test_a_test_file_without_outcomes_is_refused_before_anything_is_learned(learn, loans):
    answer, left = learn(loans(), test=loans(50, 2).drop(columns="default"))
    refused(answer, "test.csv", "'default' is missing")
    assert left == []


def test_a_test_file_that_is_missing_is_named(learn, loans, tmp_path):
    answer, left = learn(loans(), "--test", tmp_path / "none.csv")
    refused(answer, "none.csv", "there is no file")
    assert left == []


def test_strange_columns_and_categories_and_another_order_of_columns_are_no_fault(learn, loans, tmp_path):
    """The legitimate items of the list in one run: each is used or left out, and it is said."""
    train, test = (
        table.assign(nothing=np.nan, reference=[f"{prefix}{n}" for n in range(len(table))])
        for prefix, table in (("T", loans()), ("S", loans(60, 2)))
    )
    test.loc[:4, "home"] = "castle"
    answer, left = learn(train, "--json", test=test[[*test.columns[::-1]]].assign(new="x"))
    assert answer.code == 0, answer.err
    told = json.loads(answer.out)
    said = [finding["text"] for finding in told["findings"]]
    assert any("'nothing' has no value in any row: left out" in text for text in said)
    assert any("'reference' names rather than describes" in text for text in said)
    assert any("'home' has categories that training never saw ('castle')" in text for text in said)
    assert any("is read as '1' = 1" in text for text in said)
    predictions = pd.read_parquet(Path(told["run_folder"]) / "predictions.parquet")
    assert len(predictions) == 60 and predictions["probability"].between(0, 1).all()
    assert not [path for path in left if path.suffix == ".tmp"]


# ------------------------------------------------------------------------------ what was asked


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rnu"], ["no command 'rnu'", "run"]),
        (["run", "finance.credit-rsk"], ["'finance.credit-rsk'", "Did you mean 'finance.credit-risk'?"]),
        (["run"], ["lepton list"]),
        (["run", APPLICATION, "--cost-of-defalt", "5"], ["Did you mean --cost-of-default?"]),
        (["run", APPLICATION, "--set", "cost_of_defalt=5"], ["Did you mean '--cost-of-default'?"]),
        (["run", APPLICATION, "--set", "cost"], ["KEY=VALUE"]),
        (["run", APPLICATION, "--cost-of-default", "-5"], ["--cost-of-default", "greater than 0"]),
        (["run", APPLICATION, "--cost-of-default", "dear"], ["--cost-of-default", "'dear'"]),
        (["run", APPLICATION, "--special", "none"], ["--special", "'none'"]),
        (["run", APPLICATION, "--seed", "-1"], ["--seed"]),
        (["run", APPLICATION, "--budget", "soon"], ["--budget 'soon'", "60s, 5m or 1h"]),
        (["run", APPLICATION, "--config", "none.toml"], ["none.toml", "No such file"]),
        (["run", APPLICATION, "--models", "logistc"], ["'logistc'", "Did you mean 'logistic'?"]),
        (["run", APPLICATION, "--engine", "abacus://here"], ["abacus://here"]),
        (["run", "--resume", "none"], ["no run 'none'"]),
        (["decide", APPLICATION], ["--data"]),
        (["decide", "finance.credit-rsk", "--data", "x.csv"], ["Did you mean 'finance.credit-risk'?"]),
        (["decide", APPLICATION, "--data", "x.csv", "--json"], ["--out"]),
        (["runs", "show", "none"], ["no run 'none'"]),
    ],
)  # fmt: skip
def test_a_request_that_cannot_be_understood_exits_2_with_a_suggestion(
    lepton, tmp_path, monkeypatch, arguments, words
):
    monkeypatch.chdir(tmp_path)
    refused(lepton(*arguments), *words, code=2)
    assert [path.name for path in tmp_path.rglob("*") if path.name != "runs"] == []


def test_deciding_without_a_finished_run_says_how_to_make_one(lepton, tmp_path):
    answer = lepton("decide", APPLICATION, "--data", "x.csv", "--runs", tmp_path)
    refused(answer, "no finished run", f"lepton run {APPLICATION} --data FILE")


def test_a_plugin_that_cannot_be_loaded_exits_3_and_disturbs_no_other(lepton, tmp_path, monkeypatch):
    package = tmp_path / "lepton_broken-1.2.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: lepton-broken\nVersion: 1.2\n")
    (package / "entry_points.txt").write_text("[lepton.applications]\nbroken.app = lepton_broken\n")
    (tmp_path / "lepton_broken.py").write_text("import a_module_that_nobody_has\n")
    monkeypatch.syspath_prepend(tmp_path)
    invalidate_caches()
    words = ["lepton-broken 1.2", "a_module_that_nobody_has", "pip install"]
    refused(lepton("run", "broken.app"), *words, code=3)
    listed = lepton("list")
    assert listed.code == 0 and APPLICATION in listed.out
    assert all(word in listed.err for word in [*words, "lepton doctor"])
    checked = lepton("doctor")
    assert checked.code == 3 and all(word in checked.out for word in words)


# ------------------------------------------------------------------ deciding with a finished run


@pytest.fixture
def decide(lepton, root, tmp_path):
    """Decide a table with the finished run; return the answer and the path of the decisions."""

    def decide(table, *more, out="decisions.csv", longest=resource.RLIM_INFINITY):
        path = tmp_path / "new.csv"
        if isinstance(table, pd.DataFrame):
            table.to_csv(path, index=False)
        else:
            path.write_text(table)
        written = tmp_path / out
        asked = ("--data", path, "--runs", root, "--out", written)
        with no_file_longer_than(longest):
            return lepton("decide", APPLICATION, *asked, *more), written

    return decide


def nothing_new_in(folder):
    return sorted(path.name for path in folder.iterdir()) == ["new.csv", "runs"]


def test_new_cases_without_a_column_are_refused_by_the_name_of_their_file(decide, loans, tmp_path):
    answer, _ = decide(loans(20, 3).rename(columns={"debt": "dept"}))
    refused(answer, "new.csv", "'debt' is missing. Did you mean 'dept'?")
    assert nothing_new_in(tmp_path)


def test_a_fault_far_down_a_long_file_is_told_with_its_row_in_the_file(decide, loans, tmp_path):
    table = pd.concat([loans(2000, 3).drop(columns=["default", "months"]).assign(months=1)] * 60)
    table = table.reset_index(drop=True)
    table.loc[110_007, "debt"] = np.inf
    answer, _ = decide(table, "--set", "reasons=0")
    refused(answer, "new.csv", "'debt'", "row 110007")
    assert nothing_new_in(tmp_path)


def test_new_cases_that_are_none_are_refused(decide, tmp_path):
    answer, _ = decide("amount,debt,months,home\n")
    refused(answer, "no rows below the header")
    assert nothing_new_in(tmp_path)


def test_a_kind_of_output_that_is_not_known_is_answered_with_those_that_are(decide, loans, tmp_path):
    answer, _ = decide(loans(20, 3), out="decisions.docx")
    refused(answer, "decisions.docx", ".csv, .jsonl, .parquet", code=2)
    assert nothing_new_in(tmp_path)


def test_an_output_that_cannot_be_written_is_named(decide, loans, tmp_path):
    answer, _ = decide(loans(20, 3), out="new.csv/decisions.csv")
    refused(answer, "cannot write", "new.csv/decisions.csv", "Not a directory")
    assert nothing_new_in(tmp_path)


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove", "manifest", "both"])
def test_a_model_that_was_tampered_with_is_not_loaded(decide, root, loans, tmp_path, damage):
    model = next(root.glob("*/*/model"))
    saved = model / "model.skops"
    content = bytearray(saved.read_bytes())
    content[len(content) // 2] ^= 1
    if damage in ("flip", "both"):
        saved.write_bytes(content)
    if damage == "truncate":
        saved.write_bytes(content[:-10])
    if damage == "remove":
        saved.unlink()
    if damage in ("manifest", "both"):
        digests = json.loads((model / "manifest.json").read_text())
        digests["sha256"]["model.skops"] = hashlib.sha256(content).hexdigest()
        (model / "manifest.json").write_text(json.dumps(digests))
    answer, _ = decide(loans(20, 3))
    refused(answer, "manifest.json" if damage in ("manifest", "both") else "model.skops")
    assert nothing_new_in(tmp_path)


def test_a_record_that_cannot_be_read_is_named(lepton, root):
    record = next(root.glob("*/*/run.json"))
    record.write_text("{")
    refused(lepton("runs", "show", record.parent.name, "--out", root), "no readable run.json")


# ------------------------------------------------------------------------- places and full disks


def test_a_run_folder_below_a_file_cannot_be_made(lepton, loans, tmp_path):
    loans().to_csv(tmp_path / "loans.csv", index=False)
    asked = (
        "--data",
        tmp_path / "loans.csv",
        "--target",
        "default",
        "--out",
        tmp_path / "loans.csv" / "runs",
    )
    refused(lepton("run", APPLICATION, *asked), "cannot make the run folder", "--out")
    assert [path.name for path in tmp_path.iterdir()] == ["loans.csv"]


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="needs a file system that takes no files")
def test_a_run_folder_where_nobody_may_write_cannot_be_made(lepton):
    refused(lepton("run", APPLICATION, "--out", "/proc/lepton"), "cannot make the run folder /proc/lepton")


@contextmanager
def no_file_longer_than(size):
    """As on a full disk, the system refuses to write more (and Python is told, not killed)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [0, 100, 6_000, 60_000])
def test_a_full_disk_ends_a_run_with_a_message_and_no_torn_file(lepton, loans, tmp_path, size):
    loans().to_csv(tmp_path / "loans.csv", index=False)
    asked = ("--data", tmp_path / "loans.csv", "--target", "default", "--models", "boosting")
    with no_file_longer_than(size):
        answer = lepton("run", APPLICATION, *asked, "--out", tmp_path / "runs")
    refused(answer, "cannot write", "File too large")
    left = [path for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    assert bool(left) is (size > 1_000)
    for path in left:
        assert path.suffix != ".tmp" and path.name != ".lock"
        if path.suffix == ".json":
            json.loads(path.read_text())
        if path.suffix == ".parquet":
            pd.read_parquet(path)


def test_a_full_disk_leaves_no_half_written_decisions(decide, loans, tmp_path):
    answer, _ = decide(loans(5000, 3), "--set", "reasons=0", longest=100_000)
    refused(answer, "cannot write", "decisions.csv", "File too large")
    assert nothing_new_in(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_to_a_full_disk_is_one_message():
    with open("/dev/full", "w") as full:
        ended = subprocess.run([*LEPTON, "list"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
    assert (ended.returncode, ended.stderr) == (1, "Error: cannot write: No space left on device\n")


# ---------------------------------------------------------------------------- two runs at once


def test_two_runs_at_once_keep_apart_and_neither_can_be_resumed_meanwhile(lepton, loans, tmp_path):
    loans(400, 1).to_csv(tmp_path / "loans.csv", index=False)
    asked = ["--data", "loans.csv", "--target", "default", "--models", "logistic,boosting", "--json"]
    command = [*LEPTON, "run", APPLICATION, *asked]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    both = [
        subprocess.Popen(
            command, cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    try:
        records = tmp_path / "runs" / APPLICATION
        patience = time.monotonic() + 120
        while not (busy := sorted(records.glob("*/run.json"))):
            assert time.monotonic() < patience
            time.sleep(0.02)
        answer = lepton("run", "--resume", busy[0].parent.name, "--out", tmp_path / "runs")
        told = [process.communicate(timeout=300) for process in both]
    finally:
        for process in both:
            process.kill()
            process.wait()
    refused(answer, "being worked on by another process")
    assert [process.returncode for process in both] == [0, 0]
    results = [json.loads(out) for out, _ in told]
    assert len({result["run_folder"] for result in results}) == 2
    assert results[0]["metrics"] == results[1]["metrics"]
    for result in results:
        assert json.loads((Path(result["run_folder"]) / "run.json").read_text())["status"] == "done"
        assert not list(Path(result["run_folder"]).rglob("*.tmp"))
