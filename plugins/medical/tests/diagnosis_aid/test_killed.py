"""A run that is killed while a network learns ends, resumed, with the model of an undisturbed one."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "lepton_platform", "run"]
PATIENCE = 300.0
"""Seconds after which a process counts as stuck; never what is measured."""


def begin(home, *asked):
    return subprocess.Popen(
        [*COMMAND, *asked],
        cwd=home,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finish(process):
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    return json.loads(out)["run_folder"]


def checkpoints(home):
    return {path: path.stat().st_mtime_ns for path in home.glob("runs/*/*/work/checkpoints/*.pt")}


def wait_for(home, trainings):
    """Wait until so many trainings have left a checkpoint."""
    end = time.monotonic() + PATIENCE
    while len(checkpoints(home)) < trainings:
        assert time.monotonic() < end, "no checkpoint was written"
        time.sleep(0.005)


def found(folder):
    """What the run is for, byte by byte: predictions, decisions, and the arrays and weights of the model."""
    files = ["predictions.parquet", "decisions.parquet", "out_of_fold.parquet"]
    with zipfile.ZipFile(folder / "model" / "model.skops") as model:
        # the schema names the arrays by where they were in memory
        learned = sorted(model.read(name) for name in model.namelist() if name != "schema.json")
    return {name: (folder / name).read_bytes() for name in files}, learned


@pytest.fixture
def asked(archive):
    source = archive(train=40, test=10)
    options = ["--models", "kernel,small network", "--gallery", "0", "--heat-maps", "0", "--folds", "2"]
    return ["medical.diagnosis-aid", "--data", str(source), "--seed", "3", *options, "--json"]


def test_weights_are_those_of_an_undisturbed_run_after_kills_in_a_training(asked, tmp_path):
    undisturbed, disturbed = tmp_path / "undisturbed", tmp_path / "disturbed"
    undisturbed.mkdir()
    disturbed.mkdir()
    expected = found(Path(finish(begin(undisturbed, *asked))))
    process = begin(disturbed, *asked)
    for trainings in (1, 2):  # in the first fold's training, and in the second's
        wait_for(disturbed, trainings)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL, "the run was over before it was to be killed"
        assert len(checkpoints(disturbed)) == trainings
        (run,) = disturbed.glob("runs/*/*/run.json")
        process = begin(disturbed, "--resume", run.parent.name, "--json")
    resumed = found(Path(finish(process)))
    assert resumed == expected
