"""Losses and scores beside their closed forms, gradients beside finite differences."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error, r2_score

from lepton_platform.model.deep import ConvolutionalNetwork, Perceptron, RecurrentNetwork, losses

LOGITS = np.random.default_rng(0).normal(size=(50, 4))
CLASSES = np.arange(50) % 4
NUMBERS = np.random.default_rng(1).normal(size=(50, 4))


def of(function, outputs, targets):
    return float(function(torch.from_numpy(outputs), torch.from_numpy(targets)))


def test_cross_entropy_is_minus_the_mean_log_probability_of_the_class():
    loss = of(losses.OF_CLASSES["cross_entropy"], LOGITS, CLASSES)
    probabilities = np.exp(log_softmax(LOGITS, axis=1))
    assert loss == pytest.approx(-np.log(probabilities[np.arange(50), CLASSES]).mean())
    assert loss == pytest.approx(log_loss(CLASSES, probabilities))


def test_cross_entropy_of_probabilities_is_the_expected_one_of_classes():
    soft = np.full((50, 4), [0.7, 0.1, 0.1, 0.1])
    loss = of(losses.OF_CLASSES["cross_entropy"], LOGITS, soft)
    assert loss == pytest.approx(-(soft * log_softmax(LOGITS, axis=1)).sum(axis=1).mean())


def test_cross_entropy_of_equal_outputs_is_the_log_of_the_number_of_classes():
    assert of(losses.OF_CLASSES["cross_entropy"], np.zeros((50, 4)), CLASSES) == pytest.approx(np.log(4))


def huber(error):
    return np.where(abs(error) < 1, error**2 / 2, abs(error) - 0.5).mean()


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("squared_error", lambda error: (error**2).mean()),
        ("absolute_error", lambda error: abs(error).mean()),
        ("huber", huber),
    ],
)
def test_losses_of_numbers_are_their_formulas(name, formula):
    assert of(losses.OF_NUMBERS[name], LOGITS, NUMBERS) == pytest.approx(formula(LOGITS - NUMBERS))


def test_squared_error_is_scikit_learns():
    assert of(losses.OF_NUMBERS["squared_error"], LOGITS, NUMBERS) == pytest.approx(
        mean_squared_error(NUMBERS, LOGITS)
    )


def test_scores_are_scikit_learns():
    assert of(losses.accuracy, LOGITS, CLASSES) == pytest.approx(
        accuracy_score(CLASSES, LOGITS.argmax(axis=1))
    )
    one = LOGITS[:, :1], NUMBERS[:, :1]
    assert of(losses.r_squared, *one) == pytest.approx(r2_score(one[1], one[0]))


ARCHITECTURES = {
    "perceptron": (Perceptron((5,), "tanh"), (3,)),
    "convolutions": (ConvolutionalNetwork((3,), (3,)), (6, 2)),
    "gru": (RecurrentNetwork("gru", units=3), (6, 2)),
    "lstm": (RecurrentNetwork("lstm", units=3, layers=2), (6, 2)),
}


@pytest.mark.parametrize("name", ["cross_entropy", "squared_error", "huber"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_gradients_are_finite_differences(architecture, name):
    torch.manual_seed(0)
    made, shape = ARCHITECTURES[architecture]
    module = made.build(shape, 4).double()
    X = torch.randn(8, *shape, dtype=torch.float64)
    targets = torch.from_numpy(CLASSES[:8] if name == "cross_entropy" else NUMBERS[:8])
    loss = {**losses.OF_CLASSES, **losses.OF_NUMBERS}[name]
    loss(module(X), targets).backward()
    step = 1e-6
    for weights in module.parameters():
        flat, gradient = weights.data.view(-1), weights.grad.view(-1)
        for place in range(0, len(flat), max(1, len(flat) // 5)):
            ends = []
            for side in (step, -step):
                before = flat[place].item()
                flat[place] += side
                ends.append(loss(module(X), targets).item())
                flat[place] = before
            assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(gradient[place].item(), abs=1e-7)
