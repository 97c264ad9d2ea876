"""The command line as a person and a script meet it."""

import json
import os
import pty
import re
import subprocess
import sys
import threading
from pathlib import Path

import pandas as pd
import pytest

from lepton_platform.run import Options, start

APPLICATION = "finance.credit-risk"
LEPTON = [sys.executable, "-m", "lepton_platform"]
HEAVY = {"numpy", "pandas", "sklearn", "scipy", "lightgbm", "pydantic", "torch", "matplotlib", "interpret"}


@pytest.fixture(scope="module")
def root(tmp_path_factory, loans):
    """A folder of runs with two finished ones in it, of another cost and seed."""
    folder = tmp_path_factory.mktemp("cli")
    loans(300, 1).to_csv(folder / "loans.csv", index=False)
    for seed, cost in ((0, 5.0), (1, 3.0)):
        options = Options(data=str(folder / "loans.csv"), models=("logistic",), seed=seed)
        start(APPLICATION, options, {"target": "default", "cost_of_default": cost}, folder / "runs")
    return folder / "runs"


@pytest.fixture
def ids(root):
    return sorted(path.parent.name for path in root.glob("*/*/run.json"))


# ---------------------------------------------------------------------------------------- help


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ([], ["run", "decide", "list", "runs", "plugin", "doctor", "--version", "--help"]),
        (["run"], [APPLICATION, "--resume", "--out", "lepton run APPLICATION --help"]),
        (
            ["run", APPLICATION],
            [
                *(
                    "--data",
                    "--test",
                    "--models",
                    "--budget",
                    "--seed",
                    "--out",
                    "--resume",
                    "--config",
                    "--set",
                ),
                *("--json", "--engine", "--target", "--positive", "--special", "--id", "--date", "--group"),
                *("--cost-of-default", "--gain-from-good", "--sensitive", "--reasons", "[default:"),
            ],
        ),
        (["decide"], ["APPLICATION", "--data", "--run", "--out", "--set", "--json", ".parquet"]),
        (["list"], ["--json"]),
        (["runs"], ["list", "show", "compare", "--out"]),
        (["runs", "show"], ["RUN", "--out", "--json"]),
        (["runs", "compare"], ["FIRST", "SECOND", "--out", "--json"]),
        (["doctor"], ["--json", "repair"]),
    ],
)
def test_help_names_every_option_and_what_it_does(lepton, command, words):
    answer = lepton(*command, "--help")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("Usage: ")
    for word in words:
        assert word in answer.out, answer.out
    described = re.findall(r"^  (?:-\w, )?--[\w-]+(?:[ /][^ ]+)* {2,}(\S.*)$", answer.out, re.MULTILINE)
    assert described and all(len(text) > 3 for text in described)


def test_every_option_of_the_application_is_described_in_its_help(lepton):
    from lepton_finance.credit_risk.config import CreditRiskConfig
    from lepton_platform.config import option_name

    told = " ".join(lepton("run", APPLICATION, "--help").out.split())
    for name, field in CreditRiskConfig.model_fields.items():
        assert option_name(name) in told
        assert field.description and field.description in told


def test_the_version_is_that_of_the_distribution(lepton):
    from importlib.metadata import version

    assert lepton("--version").out == f"lepton, version {version('lepton-platform')}\n"


def test_without_a_command_the_help_is_shown(lepton):
    answer = lepton()
    assert answer.code == 2
    assert "Usage: " in answer.err and "decide" in answer.err


@pytest.mark.parametrize("command", [["--help"], ["--version"], ["run", "--help"], ["nothing"]])
def test_starting_up_imports_no_heavy_library(command):
    code = (
        "import sys\nfrom lepton_platform.cli import main\n"
        f"try: main({command!r})\nexcept SystemExit: pass\n"
        "print(','.join(sys.modules), file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    loaded = {name.partition(".")[0] for name in ended.stderr.splitlines()[-1].split(",")}
    assert "click" in loaded
    assert not loaded & HEAVY


# --------------------------------------------------------------------------- list, doctor, runs


def test_list_shows_each_application_in_one_line(lepton):
    answer = lepton("list")
    assert (answer.code, answer.err) == (0, "")
    (line,) = [line for line in answer.out.splitlines() if line.startswith(APPLICATION)]
    assert "Score loan applications" in line and "lepton-finance" in line
    (row,) = [row for row in json.loads(lepton("list", "--json").out) if row["id"] == APPLICATION]
    assert row["summary"].startswith("Score loan applications")
    assert row["plugin"].startswith("lepton-finance ")


def test_doctor_finds_nothing_wrong_here(lepton):
    answer = lepton("doctor")
    assert answer.code == 0, answer.out
    assert "Everything that is installed can be loaded." in answer.out
    told = json.loads(lepton("doctor", "--json").out)
    assert told["faults"] == []
    assert told["parts"]["pandas"] == pd.__version__
    assert APPLICATION in [offer["name"] for offer in told["applications"]]


def test_runs_are_listed_oldest_first(lepton, root, ids):
    answer = lepton("runs", "--out", root)
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert [line.split()[0] for line in lines] == ids
    assert all(APPLICATION in line and "done" in line and "auc 0." in line for line in lines)
    rows = json.loads(lepton("runs", "list", "--out", root, "--json").out)
    assert [row["id"] for row in rows] == ids
    for row in rows:
        metrics = json.loads((Path(row["run_folder"]) / "metrics.json").read_text())
        assert row["score"] == metrics["model"][row["selected_by"]]["value"]


def test_a_folder_without_runs_says_so(lepton, tmp_path):
    assert lepton("runs", "--out", tmp_path).out == f"There are no runs in {tmp_path.resolve()}.\n"
    assert json.loads(lepton("runs", "--out", tmp_path, "--json").out) == []


def test_one_run_is_shown_with_its_metrics(lepton, root, ids):
    answer = lepton("runs", "show", ids[0], "--out", root)
    assert (answer.code, answer.err) == (0, "")
    assert ids[0] in answer.out and "loans.csv" in answer.out
    for name in ("auc", "brier", "ece", "expected_cost"):
        assert re.search(rf"^{name} +\d+\.\d+ \(\d.* to .*\) +baseline", answer.out, re.MULTILINE)
    told = json.loads(lepton("runs", "show", ids[0], "--out", root, "--json").out)
    assert told["id"] == ids[0] and told["status"] == "done"
    assert told["metrics"]["model"]["auc"]["low"] <= told["metrics"]["model"]["auc"]["value"]


def test_two_runs_are_compared_by_metrics_and_by_what_was_asked(lepton, root, ids):
    answer = lepton("runs", "compare", *ids, "--out", root)
    assert (answer.code, answer.err) == (0, "")
    assert ids[0] in answer.out and ids[1] in answer.out
    assert re.search(r"^cost_of_default +5\.0 +3\.0$", answer.out, re.MULTILINE)
    assert re.search(r"^seed +0 +1$", answer.out, re.MULTILINE)
    told = json.loads(lepton("runs", "compare", *ids, "--out", root, "--json").out)
    assert told["differ"]["cost_of_default"] == [5.0, 3.0]
    assert len(told["metrics"]["auc"]) == 2
    assert "target" not in told["differ"]


# ------------------------------------------------------------------------------ run and decide


def test_a_run_piped_prints_its_verdict_and_where_things_are_and_nothing_else(lepton, root, tmp_path):
    asked = ("--data", root.parent / "loans.csv", "--target", "default", "--models", "logistic")
    answer = lepton("run", APPLICATION, *asked, "--out", tmp_path)
    assert answer.code == 0
    verdict, worth, report, decisions = [line for line in answer.out.splitlines() if line]
    assert verdict.startswith(("The model is better", "Nothing was learned", "The model is worse"))
    assert "applicants" in worth
    assert Path(report.removeprefix("Report:").strip()).is_file()
    assert Path(decisions.removeprefix("Decisions:").strip()).is_file()
    assert re.fullmatch(r"(\d+ warnings about the data are in the report\.\n)?", answer.err)


def test_json_is_one_object_on_stdout_and_nothing_else(lepton, root, tmp_path):
    asked = ("--data", root.parent / "loans.csv", "--target", "default", "--models", "logistic")
    answer = lepton("run", APPLICATION, *asked, "--out", tmp_path, "--json")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.count("\n") == 1
    told = json.loads(answer.out)
    folder = Path(told["run_folder"])
    assert told["application"] == APPLICATION and folder.parent == tmp_path / APPLICATION
    metrics = json.loads((folder / "metrics.json").read_text())
    assert told["metrics"] == metrics["model"] and told["baseline"] == metrics["baseline"]
    assert told["selected_by"] == metrics["selected_by"] == "auc"
    assert sum(told["decisions"][word] for word in ("approve", "decline", "refer")) == 60
    assert Path(told["report"]).is_file()


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("out.csv", pd.read_csv),
        ("out.parquet", pd.read_parquet),
        ("out.jsonl", lambda path: pd.read_json(path, lines=True)),
    ],
)
def test_decisions_are_written_in_the_form_that_the_suffix_names(lepton, root, loans, tmp_path, name, read):
    loans(30, 5).drop(columns="default").to_csv(tmp_path / "new.csv", index=False)
    asked = ("--data", tmp_path / "new.csv", "--runs", root, "--out", tmp_path / name)
    answer = lepton("decide", APPLICATION, *asked, "--json")
    assert (answer.code, answer.err) == (0, "")
    told = json.loads(answer.out)
    table = read(tmp_path / name)
    assert told["cases"] == len(table) == 30
    assert table["case"].tolist() == list(range(30))
    assert told["decisions"] == table["decision"].value_counts().to_dict()


def test_decisions_without_a_file_go_to_stdout_as_csv(lepton, root, loans, tmp_path):
    loans(30, 5).to_csv(tmp_path / "new.csv", index=False)
    asked = ("--data", tmp_path / "new.csv", "--runs", root)
    printed = lepton("decide", APPLICATION, *asked)
    assert (printed.code, printed.err) == (0, "")
    lepton("decide", APPLICATION, *asked, "--out", tmp_path / "out.csv")
    assert printed.out == (tmp_path / "out.csv").read_text()


def test_deciding_takes_the_newest_good_run_or_the_one_that_is_named(lepton, root, ids, loans, tmp_path):
    loans(10, 5).to_csv(tmp_path / "new.csv", index=False)
    asked = ("--data", tmp_path / "new.csv", "--runs", root, "--out", tmp_path / "out.csv", "--json")
    assert json.loads(lepton("decide", APPLICATION, *asked).out)["run"] == ids[1]
    assert json.loads(lepton("decide", APPLICATION, *asked, "--run", ids[0]).out)["run"] == ids[0]


def test_options_may_come_from_a_file_and_the_command_line_wins(lepton, root, tmp_path):
    (tmp_path / "options.toml").write_text('target = "default"\ncost-of-default = 7\ngain-from-good = 2\n')
    asked = (
        "--data",
        root.parent / "loans.csv",
        "--models",
        "logistic",
        "--out",
        tmp_path / "runs",
        "--json",
    )
    both = ("--config", tmp_path / "options.toml", "--cost-of-default", "4")
    answer = lepton("run", APPLICATION, *asked, *both)
    assert answer.code == 0, answer.err
    record = json.loads((Path(json.loads(answer.out)["run_folder"]) / "run.json").read_text())
    assert record["config"]["cost_of_default"] == 4
    assert record["config"]["gain_from_good"] == 2
    assert json.loads(answer.out)["decisions"]["cut_off"] == pytest.approx(2 / 6)


def test_a_terminal_shows_progress_and_a_pipe_does_not(root, tmp_path):
    """Stderr is a terminal here, stdout is a pipe: progress goes to the former alone."""
    terminal, its_end = pty.openpty()
    asked = ["--data", root.parent / "loans.csv", "--target", "default", "--models", "logistic", "--json"]
    shown = bytearray()

    def watch():
        while True:
            try:
                part = os.read(terminal, 4096)
            except OSError:  # the other end was closed
                return
            if not part:
                return
            shown.extend(part)

    command = [*LEPTON, "run", APPLICATION, *map(str, asked), "--out", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=its_end, text=True)
    os.close(its_end)
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        out, _ = process.communicate(timeout=300)
    finally:
        process.kill()
        watcher.join(timeout=30)
        os.close(terminal)
    assert process.returncode == 0
    assert json.loads(out)["application"] == APPLICATION
    said = shown.decode()
    for words in ("data stage done in", "cross-validating logistic", "report stage done in"):
        assert words in said
