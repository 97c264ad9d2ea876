"""A training that is killed or interrupted ends, called again, with the weights of an undisturbed one."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, clone

from lepton_platform.errors import RunError
from lepton_platform.model.deep import NeuralRegressor, Perceptron, checkpoint

TRAINING = """
import sys
import numpy as np, torch
from lepton_platform.model.deep import GaussianNoise, NeuralClassifier, Perceptron, checkpoint

def train(folder):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(1000, 20)), rng.integers(0, 3, 1000)
    network = NeuralClassifier(
        Perceptron((64,), dropout=0.2), schedule="cosine", epochs=60, patience=None,
        augmentation=(GaussianNoise(),), random_state=5, checkpoints=folder,
    )
    return network.fit(X, y)
"""
IN_A_PROCESS = """
torch.set_num_threads(1)
checkpoint.SHARE = 1e9  # after every epoch
train(sys.argv[1])
"""


def test_a_training_that_is_killed_again_and_again_ends_with_the_same_weights_bit_for_bit(tmp_path):
    folder, here = tmp_path / "checkpoints", {}
    exec(TRAINING, here)
    expected = here["train"](None)
    for seconds in np.random.default_rng(0).uniform(0, 0.2, 2):
        left = kept(folder)
        process = subprocess.Popen([sys.executable, "-c", TRAINING + IN_A_PROCESS, folder])
        while kept(folder) == left and process.poll() is None:
            time.sleep(0.005)
        time.sleep(seconds)
        process.kill()
        assert process.wait() == -signal.SIGKILL, "the training was not alive when it was to be killed"
    assert len(kept(folder)) == 1
    resumed = here["train"](folder)
    assert torch.equal(weights(resumed), weights(expected))
    assert resumed.history_.equals(expected.history_)


def kept(folder):
    """Return the checkpoints in a folder, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in folder.glob("*.pt")}


def weights(fitted):
    return torch.cat([part.flatten() for part in fitted.module_.state_dict().values()])


class Interrupting(BaseEstimator):
    """Ends the training at one of its batches, as Ctrl-C would."""

    left = None

    def __call__(self, X, y):
        if Interrupting.left is not None:
            Interrupting.left -= 1
            if Interrupting.left == 0:
                raise KeyboardInterrupt
        return X, y


@pytest.fixture
def interrupted(monkeypatch):
    """Return a way to interrupt trainings at a batch; checkpoints are written after every epoch."""
    monkeypatch.setattr(checkpoint, "SHARE", 1e9)
    return lambda batch: monkeypatch.setattr(Interrupting, "left", batch)


X = np.random.default_rng(0).normal(size=(200, 4))
Y = X[:, 0] + np.random.default_rng(1).normal(size=200)


def network(folder, **more):
    asked = {"epochs": 12, "batch_size": 50, "learning_rate": 0.05, "augmentation": (Interrupting(),)}
    return NeuralRegressor(Perceptron((8,)), random_state=0, checkpoints=folder, **asked | more)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle", "plateau"])
@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_a_training_goes_on_with_its_optimiser_schedule_and_best_weights(
    schedule, optimiser, interrupted, tmp_path
):
    asked = {"schedule": schedule, "optimiser": optimiser, "patience": 6}
    expected = network(None, **asked).fit(X, Y)
    interrupted(4 * 6 + 2)  # in epoch 7
    with pytest.raises(KeyboardInterrupt):
        network(tmp_path, **asked).fit(X, Y)
    interrupted(None)
    resumed = network(tmp_path, **asked).fit(X, Y)
    assert torch.equal(weights(resumed), weights(expected))
    assert resumed.history_.equals(expected.history_)
    assert resumed.best_epoch_ == expected.best_epoch_


def test_a_finished_training_is_not_run_again(interrupted, tmp_path):
    first = network(tmp_path).fit(X, Y)
    interrupted(1)
    again = network(tmp_path).fit(X, Y)
    assert torch.equal(weights(first), weights(again))


@pytest.mark.parametrize(
    "other",
    [{"learning_rate": 0.01}, {"random_state": 1}, {"architecture": Perceptron((9,))}, {"X": X[::-1]}],
)
def test_another_training_does_not_take_up_this_ones_checkpoint(other, tmp_path):
    one = network(tmp_path).fit(X, Y)
    changed = dict(other)
    inputs = changed.pop("X", X)
    two = clone(one).set_params(**changed).fit(inputs, Y)
    alone = clone(two).set_params(checkpoints=None).fit(inputs, Y)
    assert torch.equal(weights(two), weights(alone))
    assert len(list(tmp_path.glob("*.pt"))) == 2


def test_a_damaged_checkpoint_is_one_message(tmp_path):
    network(tmp_path).fit(X, Y)
    (path,) = tmp_path.glob("*.pt")
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(RunError, match="is damaged; remove it to start anew"):
        network(tmp_path).fit(X, Y)


def test_a_checkpoint_that_holds_code_is_refused(tmp_path):
    network(tmp_path).fit(X, Y)
    (path,) = tmp_path.glob("*.pt")
    torch.save({"module": print}, path)
    with pytest.raises(RunError, match="is damaged"):
        network(tmp_path).fit(X, Y)


def test_writing_takes_a_small_share_of_the_time(tmp_path):
    kept = checkpoint.Checkpoint(tmp_path, "", [])
    kept.write({"a": torch.zeros(3)}, last=False)
    written = kept.path.stat().st_mtime_ns
    kept.write({"a": torch.ones(3)}, last=False)  # at once: not yet
    assert kept.path.stat().st_mtime_ns == written
    kept.write({"a": torch.ones(3)}, last=True)
    assert kept.read()["a"].tolist() == [1, 1, 1]
