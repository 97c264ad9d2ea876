"""Calibration of several classes: what it may change, and what it must not."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from lepton_platform.tasks.image.calibration import BiasCorrectedTemperature, Temperature, log_loss_of


@pytest.fixture
def drawn():
    """Scores that are three times too sure, and classes drawn from the right probabilities."""
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 1.2, (20_000, 4))
    classes = (softmax(scores, axis=1).cumsum(axis=1) < rng.random((20_000, 1))).sum(axis=1)
    return 3 * scores, classes


def test_the_temperature_finds_how_much_too_sure_scores_are(drawn):
    assert Temperature().fit(*drawn).temperature_ == pytest.approx(3, rel=0.05)


def test_a_temperature_leaves_the_order_of_classes_and_never_raises_the_loss(drawn):
    for scale in (0.1, 1 / 3, 1, 5):
        scores, classes = drawn[0] * scale, drawn[1]
        cooled = Temperature().fit(scores, classes).transform(scores)
        assert np.array_equal(cooled.argsort(axis=1), scores.argsort(axis=1))
        assert log_loss_of(cooled, classes) <= log_loss_of(scores, classes)


def test_with_two_classes_the_biases_are_platts_logistic_regression(drawn):
    margin = drawn[0][:, 0]
    classes = (np.random.default_rng(1).random(len(margin)) < 1 / (1 + np.exp(-margin / 3 - 0.7))).astype(int)
    ours = BiasCorrectedTemperature().fit(np.stack([-margin / 2, margin / 2], axis=1), classes)
    platt = LogisticRegression(C=1e9).fit(margin[:, None], classes)
    chance = np.exp(ours.transform(np.stack([-margin / 2, margin / 2], axis=1)))[:, 1]
    assert chance == pytest.approx(platt.predict_proba(margin[:, None])[:, 1], abs=1e-3)


def test_perfectly_parted_classes_give_finite_numbers():
    scores = np.array([[5.0, -5.0], [4.0, -4.0], [-5.0, 5.0], [-4.0, 4.0]])
    fitted = BiasCorrectedTemperature().fit(scores, np.array([0, 0, 1, 1]))
    assert np.isfinite(fitted.transform(scores)).all()
