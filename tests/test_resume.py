"""Runs that are killed, interrupted or short of time: nothing is torn, nothing is lost, nothing differs.

LEPTON_KILLS sets how often runs are killed (5), LEPTON_SEED at which moments.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

APPLICATION = "finance.credit-risk"
COMMAND = [sys.executable, "-m", "lepton_platform", "run"]
KILLS = int(os.environ.get("LEPTON_KILLS", "5"))
SEED = int(os.environ.get("LEPTON_SEED", "1"))
PATIENCE = 300.0
"""Seconds after which a process counts as stuck; never what is measured."""
NOISE = 1.15
"""What a machine that others use may add to a budget: it slows down after the time was planned."""
MODELS = "logistic,boosting,scorecard"


class Started:
    """A run in a process of its own, and the folder that it works in."""

    def __init__(self, home, data="loans.csv", resume=None, more=()):
        asked = [APPLICATION, "--data", data, "--target", "default", "--models", MODELS, "--seed", "7"]
        if resume is not None:
            asked = ["--resume", resume.name]
        self.record = resume / "run.json" if resume is not None else None
        self._before = self.record.stat().st_mtime_ns if self.record is not None else 0
        self._known = set(home.glob("runs/*/*/run.json"))
        self._home = home
        self.process = subprocess.Popen(
            [*COMMAND, *asked, *more],
            cwd=home,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.process.kill()
        self.process.communicate()

    def at_work(self):
        """Wait until it has taken up its folder, and return that folder."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.record is None:
                self.record = next(iter(set(self._home.glob("runs/*/*/run.json")) - self._known), None)
            if self.record is not None and self.record.stat().st_mtime_ns != self._before:
                return self.record.parent
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.01)
        pytest.fail("the run did not begin")

    def finish(self):
        """Wait until it ends by itself; return exit code, stdout and stderr."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


@pytest.fixture(scope="module")
def home(tmp_path_factory, loans):
    """A folder with loans to learn from."""
    folder = tmp_path_factory.mktemp("home")
    loans(1200, 1).to_csv(folder / "loans.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def undisturbed(home):
    """What a run finds that nothing happens to, and how long it works."""
    with Started(home) as run:
        folder = run.at_work()
        begun = time.monotonic()
        code, _, err = run.finish()
        assert code == 0, err
        return found(folder), time.monotonic() - begun


def found(folder):
    """What the run is for, byte by byte; the leaderboard without how long each fit took."""
    files = ["metrics.json", "predictions.parquet", "decisions.parquet", "out_of_fold.parquet", "schema.json"]
    board = pd.read_csv(folder / "leaderboard.csv").drop(columns="seconds").to_csv()
    return {**{name: (folder / name).read_bytes() for name in files}, "leaderboard": board}


def assert_whole(folder):
    """Every file under its own name is complete, whenever the process that wrote it was killed."""
    for path in folder.rglob("*"):
        if path.name.endswith(".tmp") or any(part.endswith(".tmp") for part in path.parts):
            continue
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".parquet":
            pd.read_parquet(path)
        elif path.suffix == ".csv":
            assert len(pd.read_csv(path)) >= 3
        elif path.suffix == ".html":
            assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    if (folder / "model").exists():
        digests = json.loads((folder / "model" / "manifest.json").read_text(encoding="utf-8"))["sha256"]
        for name, digest in digests.items():
            assert hashlib.sha256((folder / "model" / name).read_bytes()).hexdigest() == digest


def assert_finished_like(expected, folder):
    assert found(folder) == expected
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["status"] == "done"
    assert_whole(folder)
    assert [path for path in folder.rglob("*") if path.name.endswith((".tmp", ".lock"))] == []


# ------------------------------------------------------------------------------------- kill -9


def test_a_run_that_is_killed_again_and_again_ends_as_if_nothing_had_happened(home, undisturbed):
    expected, seconds = undisturbed
    moments = np.random.default_rng(SEED).uniform(0, 1, 6 * KILLS)
    killed, folder, left = 0, None, seconds
    for moment in moments:
        with Started(home, resume=folder) as run:
            folder = run.at_work()
            time.sleep(moment * left)
            alive = run.process.poll() is None
            run.process.kill()
            run.process.communicate()
        assert_whole(folder)
        killed += alive
        left *= 1 - 0.7 * moment  # what was done before is not done again
        if json.loads((folder / "run.json").read_text(encoding="utf-8"))["status"] == "done":
            assert_finished_like(expected, folder)
            folder, left = None, seconds  # it was through before the moment came; kill another one
        if killed == KILLS:
            break
    assert killed == KILLS, f"only {killed} runs were alive when they were to be killed"
    with Started(home, resume=folder) as run:
        folder = run.at_work()
        code, _, err = run.finish()
    assert code == 0, err
    assert_finished_like(expected, folder)


# -------------------------------------------------------------------------------------- Ctrl-C


@pytest.fixture(scope="module")
def interrupted(home, undisturbed):
    """A run that was interrupted at the terminal, and what it said."""
    _, seconds = undisturbed
    with Started(home) as run:
        folder = run.at_work()
        time.sleep(0.3 * seconds)
        run.process.send_signal(signal.SIGINT)
        return folder, run.finish()


@pytest.fixture
def half_done(interrupted, tmp_path):
    """A copy of the interrupted run in a folder of runs of its own; it reads the same data."""
    folder, _ = interrupted
    shutil.copytree(folder, tmp_path / "runs" / APPLICATION / folder.name)
    return tmp_path / "runs" / APPLICATION / folder.name


def test_an_interrupted_run_exits_130_and_says_how_to_go_on(interrupted, lepton):
    folder, (code, out, err) = interrupted
    assert (code, out) == (130, "")
    assert "Interrupted. Go on with: lepton run --resume" in err
    assert "Traceback" not in err
    listed = json.loads(lepton("runs", "--out", folder.parents[1], "--json").out)
    assert {row["id"]: row["status"] for row in listed}[folder.name] == "interrupted"
    assert_whole(folder)
    assert not list(folder.rglob("*.tmp"))


def test_an_interrupted_run_can_be_resumed_to_the_same_end(half_done, undisturbed, lepton):
    answer = lepton("run", "--resume", half_done.name, "--out", half_done.parents[1], "--json")
    assert answer.code == 0, answer.err
    assert json.loads(answer.out)["run"] == half_done.name
    assert_finished_like(undisturbed[0], half_done)
    again = lepton("run", "--resume", half_done.name, "--out", half_done.parents[1])
    assert again.code == 1 and "is finished" in again.err


def test_what_a_killed_run_left_unfinished_is_cleared_away(half_done, undisturbed, lepton):
    half_model = half_done / ".model.tmp"
    half_model.mkdir()
    (half_model / "model.skops").write_bytes(b"PK")
    (half_done / "work").mkdir(exist_ok=True)
    (half_done / "work" / ".logistic.parquet.123.tmp").write_bytes(b"PAR1")
    (half_done / ".run.json.123.tmp").write_text("{")
    answer = lepton("run", "--resume", half_done.name, "--out", half_done.parents[1])
    assert answer.code == 0, answer.err
    assert_finished_like(undisturbed[0], half_done)


def test_a_run_is_not_resumed_on_other_data(half_done, home, lepton):
    data = home / "loans.csv"
    before, record = data.read_bytes(), half_done / "run.json"
    recorded = json.loads(record.read_text(encoding="utf-8"))
    assert recorded["data"]["rows"] == 1200
    try:
        table = pd.read_csv(data)
        table.loc[5, "debt"] += 0.001
        table.to_csv(data, index=False)
        answer = lepton("run", "--resume", half_done.name, "--out", half_done.parents[1])
    finally:
        data.write_bytes(before)
    assert answer.code == 1
    assert "data have changed" in answer.err and "start a new run" in answer.err
    assert json.loads(record.read_text(encoding="utf-8"))["stages"] == recorded["stages"]


def test_a_run_is_not_resumed_on_another_test_file(loans, tmp_path, lepton):
    loans(300, 1).to_csv(tmp_path / "train.csv", index=False)
    loans(100, 2).to_csv(tmp_path / "test.csv", index=False)
    files = ("--data", tmp_path / "train.csv", "--test", tmp_path / "test.csv")
    asked = (*files, "--target", "default", "--models", "logistic", "--out", tmp_path / "runs")
    assert lepton("run", APPLICATION, *asked).code == 0
    (record,) = (tmp_path / "runs").glob("*/*/run.json")
    recorded = json.loads(record.read_text(encoding="utf-8"))
    del recorded["stages"]["report"]
    record.write_text(json.dumps({**recorded, "status": "running"}), encoding="utf-8")
    loans(100, 3).to_csv(tmp_path / "test.csv", index=False)
    answer = lepton("run", "--resume", record.parent.name, "--out", tmp_path / "runs")
    assert answer.code == 1
    assert "data have changed" in answer.err


# -------------------------------------------------------------------------------------- budget


@pytest.fixture(scope="module")
def many(tmp_path_factory, loans):
    """Loans from which all candidates cannot learn, and be tuned, in less than the budget."""
    rng, table = np.random.default_rng(0), loans(4_000, 1)
    noise = {f"n{number}": rng.normal(size=len(table)).round(4) for number in range(10)}
    path = tmp_path_factory.mktemp("many") / "loans.csv"
    table.assign(**noise).to_csv(path, index=False)
    return path


def in_time(path, budget, *more):
    """Run with a budget in a process of its own; return the seconds it took, and how it ended."""
    asked = ["--data", path, "--target", "default", "--budget", budget, "--out", path.parent / "runs"]
    command = [*COMMAND, APPLICATION, *map(str, asked), "--json", *more]
    begun = time.monotonic()
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    return time.monotonic() - begun, ended


def test_a_budget_is_not_overrun_and_leaves_a_model(many):
    seconds, ended = in_time(many, "40s")
    assert ended.returncode == 0, ended.stderr
    assert seconds <= 40 * NOISE
    told = json.loads(ended.stdout)
    assert told["metrics"]["auc"]["value"] > 0.7
    folder = Path(told["run_folder"])
    assert_whole(folder)
    log = (folder / "log.txt").read_text(encoding="utf-8")
    assert "not finished within the budget" in log or "tuned" in log


def test_a_budget_too_short_for_anything_is_a_clear_error(many):
    seconds, ended = in_time(many, "2s", "--models", "boosting")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("Error: no candidate was finished within the budget of 2 s.")
    assert "--models" in ended.stderr
    assert seconds < 60
