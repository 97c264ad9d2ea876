"""The training loop: its steps are a plain loop's, it stops early, and it says where it diverged."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from lepton_platform.errors import DivergedError
from lepton_platform.model.deep import NeuralClassifier, NeuralRegressor, Perceptron, losses
from lepton_platform.model.deep.loop import Part, Recipe, Training, seeded

CPU = torch.device("cpu")


def recipe(**changes):
    asked = {
        "loss": functional.cross_entropy,
        "score": losses.accuracy,
        "optimiser": "adam",
        "learning_rate": 0.01,
        "weight_decay": 0.0,
        "schedule": "constant",
        "epochs": 5,
        "batch_size": 32,
        "patience": None,
        "max_gradient_norm": None,
        "augmentation": (),
        "mixed": False,
    }
    return Recipe(**asked | changes)


def blobs(n, seed):
    rng = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 3, (n,), generator=rng)
    return Part(torch.randn(n, 5, generator=rng) + y[:, None], y)


def network():
    return nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3))


def test_its_steps_are_those_of_a_plain_loop():
    train = blobs(128, 0)
    with seeded(1, CPU):
        module = network()
        Training(module, recipe(), 128).run(train, None, None)
    torch.manual_seed(1)
    plain = network()
    optimiser = torch.optim.Adam(plain.parameters(), lr=0.01)
    for _ in range(5):
        for rows in torch.randperm(128).split(32):
            optimiser.zero_grad()
            functional.cross_entropy(plain(train.X[rows]), train.y[rows]).backward()
            optimiser.step()
    for ours, theirs in zip(module.parameters(), plain.parameters(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize(("rows", "batches"), [(64, 2), (65, 3), (31, 1)])
def test_every_case_is_met_once_an_epoch_in_batches_of_nearly_equal_size(rows, batches):
    met = []

    def note(X, y):
        met.append(X)
        return X, y

    X = torch.arange(rows * 5.0).reshape(rows, 5)
    with seeded(0, CPU):
        training = Training(network(), recipe(epochs=1, augmentation=(note,)), rows)
        training.run(Part(X, torch.zeros(rows, dtype=torch.int64)), None, None)
    sizes = [len(batch) for batch in met]
    assert len(sizes) == batches and max(sizes) - min(sizes) <= 1
    assert torch.equal(torch.cat(met).sort(dim=0).values, X)


def test_the_loss_of_an_epoch_is_the_mean_over_cases():
    train = blobs(50, 0)
    with seeded(0, CPU):
        module = network()
        before = functional.cross_entropy(module(train.X), train.y).item()
        training = Training(module, recipe(learning_rate=1e-12, epochs=1), 50)
        training.run(train, None, None)
    assert training.history[0].loss == pytest.approx(before, abs=1e-6)


# ------------------------------------------------------------------------------ early stopping


def overfitting():
    """A training whose validation loss gets worse: a few cases with random classes."""
    train, validation = blobs(20, 0), blobs(200, 1)
    return Part(train.X, torch.randint(0, 3, (20,), generator=torch.Generator().manual_seed(2))), validation


def test_the_best_epochs_weights_are_kept_and_not_the_last_ones():
    train, validation = overfitting()
    with seeded(0, CPU):
        module = network()
        training = Training(module, recipe(learning_rate=0.05, epochs=60), 20)
        training.run(train, validation, None)
    judged = [epoch.validation_loss for epoch in training.history]
    best = int(np.argmin(judged)) + 1
    assert training.best.epoch == best < 60
    with seeded(0, CPU):
        again = network()
        Training(again, recipe(learning_rate=0.05, epochs=best), 20).run(train, None, None)
    for kept, wanted in zip(module.parameters(), again.parameters(), strict=True):
        assert torch.equal(kept, wanted)
    with torch.inference_mode():
        loss = functional.cross_entropy(module(validation.X), validation.y).item()
    assert loss == pytest.approx(min(judged), abs=1e-7)


def test_the_best_weights_are_a_copy_that_later_steps_do_not_reach():
    train, validation = overfitting()
    with seeded(0, CPU):
        training = Training(network(), recipe(learning_rate=0.05, epochs=60), 20)
        training._epoch(train, validation)
        kept = copy.deepcopy(training.best.weights)
        for _ in range(3):
            training._learn(train)
    assert all(torch.equal(training.best.weights[name], kept[name]) for name in kept)


@pytest.mark.parametrize("patience", [1, 5])
def test_training_ends_after_as_many_epochs_without_a_better_loss_as_patience_says(patience):
    train, validation = overfitting()
    with seeded(0, CPU):
        training = Training(network(), recipe(learning_rate=0.05, epochs=500, patience=patience), 20)
        training.run(train, validation, None)
    assert len(training.history) == training.best.epoch + patience


def test_without_a_validation_part_all_epochs_are_run_and_the_last_weights_kept():
    X, y = np.eye(20), np.arange(20) % 2
    fitted = NeuralClassifier(validation_share=0, epochs=13, patience=2).fit(X, y)
    assert fitted.best_epoch_ == len(fitted.history_) == 13


# ----------------------------------------------------------------------------------- divergence


def test_a_loss_that_is_no_number_names_epoch_and_batch():
    met = []

    def poison(X, y):
        met.append(X)
        return (X * math.inf if len(met) == 4 + 3 else X), y

    with seeded(1, CPU), pytest.raises(DivergedError, match="in epoch 2, at batch 3 of 4, the loss is not"):
        Training(network(), recipe(augmentation=(poison,)), 128).run(blobs(128, 0), None, None)


def test_weights_that_the_last_step_spoilt_are_noticed():
    train = Part(1e6 * blobs(32, 0).X, blobs(32, 0).y)
    with seeded(0, CPU), pytest.raises(DivergedError, match="in epoch 1, at batch 1 of 1"):
        Training(network(), recipe(optimiser="sgd", learning_rate=1e35), 32).run(train, None, None)


def test_a_validation_part_that_gives_no_number_is_named():
    train, validation = blobs(32, 0), blobs(32, 1)
    validation.X[3, 2] = math.inf
    with seeded(0, CPU), pytest.raises(DivergedError, match="in epoch 1, at the validation part"):
        Training(network(), recipe(), 32).run(train, validation, None)


def test_a_learning_rate_that_is_too_high_is_one_message_with_a_remedy():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 3)), rng.normal(size=200)
    with pytest.raises(DivergedError, match=r"Lower learning_rate \(it was 1e\+06\)"):
        NeuralRegressor(Perceptron((64, 64)), optimiser="sgd", learning_rate=1e6).fit(X, y)


def test_long_gradients_are_shortened_to_the_norm_asked_for():
    X, y = torch.full((1, 1), 1000.0), torch.tensor([0])
    with seeded(0, CPU):
        module = nn.Linear(1, 2, bias=False)
        before = module.weight.detach().clone()
        asked = recipe(optimiser="sgd", learning_rate=1.0, max_gradient_norm=0.25, epochs=1)
        Training(module, asked, 1).run(Part(X, y), None, None)
    # a first step with Nesterov momentum 0.9 goes 1.9 gradients far
    assert (module.weight - before).norm().item() == pytest.approx(1.9 * 0.25, rel=1e-4)
