"""The application from outside: its runs, decisions and report, through public names alone."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier

from lepton_platform.testing import checks_of

APPLICATION = "vision.digits"
SMALL = ("--hidden", 32, "--epochs", 30, "--models", "network", "--seed", 3, "--json")


@pytest.mark.parametrize("check", checks_of(APPLICATION), ids=str)
def test_it_conforms(check):
    check()


# ------------------------------------------------------------------------------------ on a folder


@pytest.fixture(scope="module")
def ran(lepton, small_mnist, tmp_path_factory):
    """A run on a folder with official test pictures, and what it told."""
    out = tmp_path_factory.mktemp("runs")
    done = lepton("run", APPLICATION, "--data", small_mnist, *SMALL, "--out", out)
    assert done.code == 0, done.err
    return done.told, Path(done.told["run_folder"])


def test_official_test_pictures_are_the_hold_out(ran, digits):
    told, folder = ran
    predictions = pd.read_parquet(folder / "predictions.parquet")
    assert predictions.columns.tolist() == ["case", *(f"p_{digit}" for digit in range(10)), "predicted"]
    assert predictions["case"].tolist() == list(range(700, 900))
    probabilities = predictions.filter(like="p_").to_numpy()
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert np.array_equal(probabilities.argmax(axis=1), predictions["predicted"])
    truth = digits[1][700:900]
    assert told["metrics"]["accuracy"]["value"] == np.mean(predictions["predicted"] == truth) > 0.85
    naive = DummyClassifier().fit(np.zeros((700, 1)), digits[1][:700]).predict(np.zeros((200, 1)))
    assert told["baseline"]["accuracy"]["value"] == np.mean(naive == truth)
    assert told["selected_by"] == "accuracy" and told["model"] == {"network": 1.0}


def test_the_report_shows_how_the_network_learned_and_is_built(ran):
    page = (ran[1] / "report.html").read_text(encoding="utf-8")
    for said in (
        "How the network learned", "Training curves. loss goes from", "How the network is built",
        "Input 64; 2,410 parameters.", "Which digits are taken for which?", "pictures that were read wrong",
        "as the files say: their test pictures are held out", "200 pictures that the model had not seen",
    ):  # fmt: skip
        assert said in page


def test_decisions_need_no_labels_and_are_the_same_in_a_run_and_later(ran, lepton, small_mnist, tmp_path):
    alone = tmp_path / "new-images-idx3-ubyte"
    shutil.copy(small_mnist / "t10k-images-idx3-ubyte", alone)
    out = tmp_path / "read.parquet"
    done = lepton("decide", APPLICATION, "--data", alone, "--run", ran[1], "--out", out)
    assert done.code == 0, done.err
    read, held_out = pd.read_parquet(out), pd.read_parquet(ran[1] / "predictions.parquet")
    assert read["case"].tolist() == list(range(200))
    assert np.allclose(read.drop(columns="case"), held_out.drop(columns="case"), atol=1e-6)


def test_pictures_of_another_size_are_one_message(ran, lepton, write, tmp_path):
    wide = write(tmp_path / "images-idx3-ubyte", np.zeros((3, 28, 28), dtype=np.uint8))
    done = lepton("decide", APPLICATION, "--data", wide, "--run", ran[1])
    assert done.code == 1 and "Traceback" not in done.err
    assert "holds pictures of 28 x 28 pixels, the model learned 8 x 8" in done.err


def test_labels_of_test_pictures_change_no_weight(ran, lepton, small_mnist, write, digits, tmp_path):
    folder = shutil.copytree(small_mnist, tmp_path / "mnist")
    write(folder / "t10k-labels-idx1-ubyte", 9 - digits[1][700:900])
    done = lepton("run", APPLICATION, "--data", folder, *SMALL, "--out", tmp_path)
    other = Path(done.told["run_folder"])
    assert (other / "predictions.parquet").read_bytes() == (ran[1] / "predictions.parquet").read_bytes()
    assert done.told["metrics"]["accuracy"]["value"] < 0.2


def test_a_run_that_is_killed_while_its_network_trains_goes_on_to_the_same_predictions(
    ran, lepton, small_mnist, tmp_path
):
    asked = ["run", APPLICATION, "--data", small_mnist, *SMALL, "--out", tmp_path]
    process = subprocess.Popen([sys.executable, "-m", "lepton_platform", *map(str, asked)])
    while process.poll() is None and not list(tmp_path.glob("*/*/work/checkpoints/*.pt")):
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "the run was not alive when it was to be killed"
    (killed,) = (tmp_path / APPLICATION).iterdir()
    done = lepton("run", "--resume", killed.name, "--out", tmp_path)
    assert done.code == 0, done.err
    assert (killed / "predictions.parquet").read_bytes() == (ran[1] / "predictions.parquet").read_bytes()
    assert not (killed / "work" / "checkpoints").exists()


# ------------------------------------------------------------------------------------- other forms


def test_a_file_named_with_test_is_judged_on_and_the_rest_learned_from(lepton, small_mnist, tmp_path):
    data = (
        "--data",
        small_mnist / "train-images-idx3-ubyte.gz",
        "--test",
        small_mnist / "t10k-images-idx3-ubyte",
    )
    asked = ("--hidden", 8, "--epochs", 2, "--models", "network", "--folds", 2, "--json")
    done = lepton("run", APPLICATION, *data, *asked, "--out", tmp_path)
    assert done.code == 0, done.err
    folder = Path(done.told["run_folder"])
    assert pd.read_parquet(folder / "predictions.parquet")["case"].tolist() == list(range(200))
    assert json.loads((folder / "run.json").read_text())["data"]["rows"] == 700


FAULTY = {
    "no labels": ([3, 5] * 20, False, "says of no picture what digit it shows"),
    "letters": ([3, 11] * 20, True, "column 'digit' holds labels that are no digits: 11"),
    "one digit": ([3] * 40, True, "all pictures show the same digit"),
    "too few": ([3] * 39 + [5], True, "only 1 of the pictures to learn from show a 5"),
}


@pytest.mark.parametrize("name", FAULTY)
def test_pictures_that_nothing_can_be_learned_from_are_one_message(name, lepton, write, tmp_path):
    labels, given, message = FAULTY[name]
    pictures = write(tmp_path / "train-images-idx3-ubyte", np.zeros((40, 8, 8), dtype=np.uint8))
    if given:
        write(tmp_path / "train-labels-idx1-ubyte", np.array(labels))
    done = lepton("run", APPLICATION, "--data", pictures, "--out", tmp_path / "runs")
    assert done.code == 1 and "Traceback" not in done.err
    assert message in done.err
    assert not (tmp_path / "runs" / APPLICATION).exists()


def test_a_digit_that_no_picture_shows_has_no_probability(lepton, write, digits, tmp_path):
    kept = digits[1] < 4
    write(tmp_path / "train-images-idx3-ubyte", digits[0][kept][:200])
    write(tmp_path / "train-labels-idx1-ubyte", digits[1][kept][:200])
    asked = ("--epochs", 2, "--models", "network", "--json")
    done = lepton("run", APPLICATION, "--data", tmp_path, *asked, "--out", tmp_path / "runs")
    assert done.code == 0, done.err
    predictions = pd.read_parquet(Path(done.told["run_folder"]) / "predictions.parquet")
    assert (predictions[[f"p_{digit}" for digit in range(4, 10)]] == 0).all(axis=None)
    assert "no picture shows 4, 5, 6, 7, 8, 9" in done.out
