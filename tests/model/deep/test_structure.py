"""The table of layers counts what the formulas say."""

import numpy as np
import pytest

from lepton_platform.model.deep import (
    ConvolutionalNetwork,
    NeuralClassifier,
    Perceptron,
    RecurrentNetwork,
    structure,
)


def fitted(architecture, shape, classes=10):
    X = np.random.default_rng(0).normal(size=(40, *shape))
    return NeuralClassifier(architecture, epochs=1).fit(X, np.arange(40) % classes)


def test_the_digits_network_has_its_101770_parameters():
    table = structure(fitted(Perceptron((128,)), (784,)))
    assert table["kind"].tolist() == ["Linear", "ReLU", "Linear"]
    assert table["output shape"].tolist() == ["128", "128", "10"]
    assert table["parameters"].tolist() == [784 * 128 + 128, 0, 128 * 10 + 10]
    assert table.attrs["caption"] == "Input 784; 101,770 parameters."


@pytest.mark.parametrize(
    ("architecture", "parameters"),
    [
        (ConvolutionalNetwork((8,), (5,)), 2 * 8 * 5 + 8 + 2 * 8 + 8 * 2 + 2),
        (RecurrentNetwork("gru", units=6), 3 * (2 * 6 + 6 * 6 + 2 * 6) + 6 * 2 + 2),
        (RecurrentNetwork("lstm", units=6), 4 * (2 * 6 + 6 * 6 + 2 * 6) + 6 * 2 + 2),
    ],
)
def test_parameters_of_sequence_networks_are_the_formulas(architecture, parameters):
    table = structure(fitted(architecture, (12, 2), classes=2))
    assert table["parameters"].sum() == parameters
    assert table["output shape"].iloc[-1] == "2"


def test_looking_inside_leaves_the_network_as_it_was():
    network = fitted(ConvolutionalNetwork((4,), (3,)), (12, 2), classes=2)
    X = np.random.default_rng(1).normal(size=(5, 12, 2))
    before = network.predict_proba(X)
    structure(network)
    assert np.array_equal(network.predict_proba(X), before)
    assert not any(layer._forward_hooks for layer in network.module_.modules())
