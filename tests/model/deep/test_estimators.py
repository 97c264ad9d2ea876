"""Networks as estimators: scikit-learn's contract, known answers, the same weights for the same seed."""

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from lepton_platform.model.deep import (
    ConvolutionalNetwork,
    GaussianNoise,
    Mixup,
    NeuralClassifier,
    NeuralRegressor,
    Perceptron,
    RecurrentNetwork,
)

QUICK = {"epochs": 20, "batch_size": 256, "learning_rate": 0.05}
ROUNDING = "in 32-bit floats a batch of another size rounds otherwise, here by 2e-7; 1e-7 is allowed"


@parametrize_with_checks([NeuralClassifier(**QUICK)])
def test_contract_of_classifiers(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [NeuralRegressor(**QUICK)],
    expected_failed_checks=lambda _: {"check_methods_subset_invariance": ROUNDING},
    xfail_strict=False,
)
def test_contract_of_regressors(estimator, check):
    check(estimator)


def weights(network):
    return torch.cat([part.flatten() for part in network.module_.state_dict().values()])


# ------------------------------------------------------------------------------- known answers

TO_THE_END = {"epochs": 400, "batch_size": 10_000, "validation_share": 0, "schedule": "cosine"}


def test_without_hidden_layer_it_is_logistic_regression():
    X, y = load_iris(return_X_y=True)
    X = X + np.random.default_rng(0).normal(size=X.shape)  # overlapping: finite weights are the best
    network = NeuralClassifier(Perceptron(()), learning_rate=0.3, **TO_THE_END).fit(X, y)
    peer = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(X, y)
    np.testing.assert_allclose(network.predict_proba(X), peer.predict_proba(X), atol=2e-3)


def test_without_hidden_layer_and_with_squared_error_it_is_linear_regression():
    rng = np.random.default_rng(0)
    X = rng.normal(3, 10, (200, 4))
    y = X @ rng.normal(size=(4, 2)) + [5, -500] + rng.normal(size=(200, 2))
    network = NeuralRegressor(Perceptron(()), learning_rate=0.1, **TO_THE_END).fit(X, y)
    peer = LinearRegression().fit(X, y)
    np.testing.assert_allclose(network.predict(X), peer.predict(X), atol=1e-3 * y.std())


def test_with_absolute_error_the_best_constant_is_the_median():
    y = np.random.default_rng(0).exponential(size=501)
    X = np.zeros((501, 1))
    network = NeuralRegressor(Perceptron(()), loss="absolute_error", learning_rate=0.1, **TO_THE_END)
    assert network.fit(X, y).predict([[0.0]])[0] == pytest.approx(np.median(y), abs=0.01)


@pytest.mark.parametrize(
    "architecture",
    [ConvolutionalNetwork((8, 8), (5, 3)), RecurrentNetwork(units=16), RecurrentNetwork("lstm")],
)
def test_sequences_are_told_apart(architecture, waves):
    network = NeuralClassifier(architecture, learning_rate=0.02, epochs=30, random_state=0)
    assert network.fit(*waves()).score(*waves(seed=1)) > 0.9


def test_probabilities_are_calibrated_where_the_truth_is_a_coin():
    X, y = np.zeros((1000, 1)), np.arange(1000) % 4 == 0
    network = NeuralClassifier(Perceptron(()), **TO_THE_END, learning_rate=0.1).fit(X, y)
    np.testing.assert_allclose(network.predict_proba([[0.0]]), [[0.75, 0.25]], atol=1e-4)


# ---------------------------------------------------------------------------- reproducibility


@pytest.mark.parametrize(
    "architecture",
    [Perceptron((8,), dropout=0.3), ConvolutionalNetwork((4,), (3,)), RecurrentNetwork(units=4, dropout=0.2)],
)
def test_the_same_seed_gives_the_same_weights_bit_for_bit(architecture, waves):
    X, y = waves()
    more = {"epochs": 3, "augmentation": (GaussianNoise(), Mixup())}
    first, same, other = (
        NeuralClassifier(architecture, random_state=seed, **more).fit(X, y) for seed in (1, 1, 2)
    )
    assert torch.equal(weights(first), weights(same))
    assert not torch.equal(weights(first), weights(other))
    assert first.history_.equals(same.history_)


def test_training_leaves_the_callers_random_numbers_alone(waves):
    torch.manual_seed(3)
    np.random.seed(3)
    expected = torch.rand(2), np.random.random(2)
    torch.manual_seed(3)
    np.random.seed(3)
    NeuralClassifier(Perceptron((4,), dropout=0.5), epochs=2, random_state=0).fit(*waves())
    assert torch.equal(torch.rand(2), expected[0])
    assert np.array_equal(np.random.random(2), expected[1])


@pytest.mark.parametrize(("hidden", "threads"), [(8, 1), (2000, 2)])
def test_small_steps_are_computed_on_one_thread_and_the_callers_threads_come_back(hidden, threads):
    seen = []

    class Note(BaseEstimator):
        def __call__(self, X, y):
            seen.append(torch.get_num_threads())
            return X, y

    torch.set_num_threads(2)
    try:
        X, y = np.random.default_rng(0).normal(size=(60, 20)), np.arange(60) % 2
        NeuralClassifier(Perceptron((hidden,)), epochs=1, augmentation=(Note(),)).fit(X, y)
        assert seen == [threads]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


# ---------------------------------------------------------------------------- validation part


def halves(waves):
    X, y = waves()
    return X[:120], y[:120], X[120:], y[120:]


def test_what_is_in_the_validation_part_changes_no_step_of_training(waves):
    X, y, X_val, y_val = halves(waves)
    network = NeuralClassifier(Perceptron((8,)), epochs=5, patience=None, random_state=0)
    plain = network.fit(X, y, X_val, y_val).history_["loss"].tolist()
    corrupted = network.fit(X, y, 100 * X_val[::-1], 1 - y_val).history_["loss"].tolist()
    assert plain == corrupted


def test_scales_are_learned_from_the_training_part_alone(waves):
    X, y, X_val, y_val = halves(waves)
    network = NeuralRegressor(Perceptron(()), epochs=1).fit(X, 3.0 * y, X_val + 1000, y_val)
    np.testing.assert_allclose(network.scaler_.mean_, X.mean(axis=(0, 1)), atol=1e-12)
    np.testing.assert_allclose(network.scaler_.scale_, X.std(axis=(0, 1)))
    assert network.target_scaler_.mean_ == pytest.approx(1.5)


def test_the_validation_part_has_the_share_that_was_asked_for_of_every_class():
    X, y = np.arange(400.0)[:, None], np.repeat(["a", "b"], [300, 100])
    network = NeuralClassifier(standardise=True, validation_share=0.2, epochs=1).fit(X, y)
    assert network.scaler_.n_samples_seen_ == 320
    learned, held_out = network._split(400, y, seed=0)
    assert sorted([*learned, *held_out]) == list(range(400))
    assert (y[held_out] == "b").sum() == 20


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_with_too_few_cases_for_a_validation_part_there_is_none(rows):
    network = NeuralRegressor(epochs=3).fit(np.eye(rows), np.arange(rows))
    assert network.best_epoch_ == 3
    assert network.history_["validation_loss"].isna().all()


def test_classes_that_training_lacks_are_named(waves):
    X, y, X_val, _ = halves(waves)
    with pytest.raises(ValueError, match="y_val holds classes that y does not: 7"):
        NeuralClassifier().fit(X, y, X_val, np.full(120, 7))


# ------------------------------------------------------------------------------------- inputs


def test_cases_of_another_shape_are_refused(waves):
    X, y = waves()
    network = NeuralClassifier(epochs=1).fit(X, y)
    with pytest.raises(ValueError, match=r"a case has shape \(24, 1\); NeuralClassifier learned \(24, 2\)"):
        network.predict(X[:, :, :1])


@pytest.mark.parametrize("architecture", [ConvolutionalNetwork(), RecurrentNetwork()])
def test_a_table_is_no_sequence(architecture):
    with pytest.raises(ValueError, match=r"takes sequences, X of shape \(n, time, channels\)"):
        NeuralClassifier(architecture).fit(*load_iris(return_X_y=True))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"optimiser": "adma"}, r"optimiser='adma' is not known. Did you mean 'adam'\?"),
        ({"schedule": "cosinus"}, r"schedule='cosinus' is not known. Did you mean 'cosine'\?"),
        ({"loss": "squared_error"}, "loss='squared_error' is not known. Known: cross_entropy"),
        ({"precision": "half"}, "precision='half' is not known"),
        ({"architecture": Perceptron(activation="rleu")}, r"Did you mean 'relu'\?"),
        ({"epochs": 0}, "epochs=0 must be above 0"),
    ],
)
def test_a_parameter_that_cannot_be_is_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        NeuralClassifier(**wrong).fit(*load_iris(return_X_y=True))


def test_mixed_precision_learns_the_same_but_for_rounding(waves):
    X, y = waves()
    asked = {"epochs": 5, "random_state": 0}
    full = NeuralClassifier(Perceptron((16,)), precision="full", **asked).fit(X, y).predict_proba(X)
    mixed = NeuralClassifier(Perceptron((16,)), precision="mixed", **asked).fit(X, y).predict_proba(X)
    assert 0 < np.abs(full - mixed).max() < 0.02
