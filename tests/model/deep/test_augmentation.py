"""Augmentations do what their names say, on copies, as often as there are batches."""

import numpy as np
import pytest
import torch

from lepton_platform.model.deep import GaussianNoise, Mixup, NeuralClassifier, Perceptron, Scaling, WindowCrop


@pytest.fixture(autouse=True)
def same_random_numbers():
    torch.manual_seed(0)


X = torch.randn(2000, 40, 3, generator=torch.Generator().manual_seed(1))
Y = torch.nn.functional.one_hot(torch.arange(2000) % 4, 4).float()


def test_noise_has_the_deviation_asked_for():
    changed, y = GaussianNoise(0.5)(X, Y)
    assert (changed - X).std().item() == pytest.approx(0.5, rel=0.01)
    assert (changed - X).mean().item() == pytest.approx(0, abs=0.01)
    assert y is Y


def test_scaling_multiplies_each_channel_of_each_sequence_by_one_factor():
    changed, y = Scaling(0.1)(X, Y)
    factors = changed / X
    assert factors.std(dim=1).max() < 1e-3
    assert factors[:, 0].std().item() == pytest.approx(0.1, rel=0.05)
    assert y is Y


def test_a_window_keeps_straight_lines_straight_and_begins_and_ends_inside():
    line = torch.arange(40.0).expand(5, 40)[..., None]
    changed, _ = WindowCrop(0.5)(line, Y[:5])
    assert changed.shape == line.shape
    steps = changed.diff(dim=1)
    assert torch.allclose(steps, torch.full_like(steps, 19 / 39), atol=1e-5)
    assert changed.min() >= 0 and changed.max() <= 39


def test_a_whole_window_changes_nothing():
    assert torch.allclose(WindowCrop(1.0)(X, Y)[0], X, atol=1e-5)


def test_mixup_mixes_inputs_and_targets_by_one_share():
    line = torch.arange(2000.0)[:, None]
    changed, mixed = Mixup(1.0)(line, line)
    assert torch.equal(changed, mixed)
    assert changed.mean().item() == pytest.approx(line.mean().item(), rel=1e-4)
    assert changed.std() < line.std()
    assert torch.allclose(Mixup(1.0)(X, Y)[1].sum(dim=1), torch.ones(2000), atol=1e-6)


def test_the_batch_itself_is_left_as_it_is():
    before = X.clone(), Y.clone()
    for augment in (GaussianNoise(), Scaling(), WindowCrop(), Mixup()):
        augment(X, Y)
    assert torch.equal(X, before[0]) and torch.equal(Y, before[1])


def test_noise_keeps_a_network_from_learning_single_cases_by_heart():
    rng = np.random.default_rng(0)
    inputs, classes = rng.normal(size=(60, 10)), rng.integers(0, 2, 60)
    asked = {"learning_rate": 0.05, "epochs": 60, "validation_share": 0, "random_state": 0}
    by_heart = NeuralClassifier(Perceptron((64,)), **asked).fit(inputs, classes)
    noisy = NeuralClassifier(Perceptron((64,)), augmentation=(GaussianNoise(1.0),), **asked).fit(
        inputs, classes
    )
    sure = [np.abs(network.predict_proba(inputs)[:, 1] - 0.5).mean() for network in (by_heart, noisy)]
    assert sure[0] > 0.49 and sure[1] < 0.45
