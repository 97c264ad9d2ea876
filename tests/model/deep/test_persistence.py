"""Networks are saved without pickle, and torch is loaded only by those who ask for networks."""

import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import safetensors.numpy
import torch
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lepton_platform.model import persistence
from lepton_platform.model.deep import (
    ConvolutionalNetwork,
    GaussianNoise,
    Mixup,
    NeuralClassifier,
    NeuralRegressor,
    Perceptron,
    RecurrentNetwork,
    structure,
)
from lepton_platform.plugins import host_layer

TABLE = np.random.default_rng(0).normal(size=(60, 5))
SEQUENCES = np.random.default_rng(0).normal(size=(60, 12, 2))
CLASSES = np.arange(60) % 3
NETWORKS = {
    "perceptron": (NeuralClassifier(Perceptron((8,), "gelu", dropout=0.1)), TABLE, CLASSES),
    "names of classes": (NeuralClassifier(), TABLE, np.array(["a", "b", "c"])[CLASSES]),
    "regressor": (NeuralRegressor(), TABLE, TABLE[:, 0]),
    "several targets": (NeuralRegressor(standardise=False), TABLE, TABLE[:, :2]),
    "convolutions": (NeuralClassifier(ConvolutionalNetwork((4,), (3,))), SEQUENCES, CLASSES),
    "recurrent": (NeuralClassifier(RecurrentNetwork(units=4)), SEQUENCES, CLASSES),
    "in a pipeline": (make_pipeline(StandardScaler(), NeuralClassifier()), TABLE, CLASSES),
    "augmented": (NeuralClassifier(augmentation=(GaussianNoise(), Mixup())), TABLE, CLASSES),
}


@pytest.fixture(params=NETWORKS)
def fitted(request):
    network, X, y = NETWORKS[request.param]
    prefix = "neuralclassifier__" if request.param == "in a pipeline" else ""
    network = clone(network).set_params(**{f"{prefix}epochs": 2, f"{prefix}random_state": 0})
    return network.fit(X, y), X


def test_a_loaded_network_predicts_bit_for_bit_what_the_saved_one_did(fitted, tmp_path):
    network, X = fitted
    persistence.save(tmp_path / "model", {"model": network})
    digest = persistence.manifest_digest(tmp_path / "model")
    loaded = persistence.load(tmp_path / "model", digest, [host_layer()])["model"]
    assert np.array_equal(loaded.predict(X), network.predict(X))
    if hasattr(network, "predict_proba"):
        assert np.array_equal(loaded.predict_proba(X), network.predict_proba(X))


def saved(folder):
    network = NeuralClassifier(Perceptron((8,)), epochs=3, random_state=0).fit(TABLE, CLASSES)
    persistence.save(folder / "model", {"model": network})
    return network, folder / "model"


def test_history_structure_and_best_epoch_come_back(tmp_path):
    network, folder = saved(tmp_path)
    loaded = persistence.load(folder, persistence.manifest_digest(folder), [host_layer()])["model"]
    assert loaded.history_.equals(network.history_)
    assert loaded.best_epoch_ == network.best_epoch_
    assert structure(loaded).equals(structure(network))


def test_the_file_holds_the_weights_as_safetensors_and_no_pickle(tmp_path):
    network, folder = saved(tmp_path)
    with zipfile.ZipFile(folder / "model.skops") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert not any(b"torch" in part or b"\x80\x04\x95" in part for part in parts.values())
    (packed,) = [part for part in parts.values() if b"0.weight" in part[:1000]]
    weights = safetensors.numpy.load(packed)
    for name, tensor in network.module_.state_dict().items():
        assert np.array_equal(weights[name], tensor.numpy())


def test_loading_draws_no_random_numbers(tmp_path):
    network, _ = saved(tmp_path)
    packed = pickle.dumps(network)
    torch.manual_seed(0)
    pickle.loads(packed)
    drawn = torch.rand(3)
    torch.manual_seed(0)
    assert torch.equal(torch.rand(3), drawn)


WITHOUT = """
import sys

class NoTorch:
    def find_spec(name, *_):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")

sys.meta_path.insert(0, NoTorch)
import lepton_platform.model.host, lepton_platform.run, lepton_platform.tasks.binary.model
print("the host works")
import lepton_platform.model.deep
"""


def test_without_torch_the_host_works_and_says_what_to_install_for_networks():
    ended = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True)
    assert ended.stdout == "the host works\n"
    said = ended.stderr.splitlines()[-1]
    assert said.startswith("lepton_platform.errors.MissingExtraError: lepton_platform.model.deep needs torch")
    assert said.endswith("pip install 'lepton-platform[deep]'")
