"""Answer or refer: the point keeps its promise out of fold, and says so where it cannot."""

import numpy as np
import pytest

from lepton_platform.tasks.image.operating_point import choose, risk_coverage


@pytest.fixture
def calibrated():
    """Probabilities of two classes, and classes drawn from them."""
    rng = np.random.default_rng(0)
    chance = rng.beta(0.6, 0.6, 4_000)
    return np.stack([1 - chance, chance], axis=1), (rng.random(4_000) < chance).astype(np.intp)


@pytest.mark.parametrize("risk", [0.02, 0.05, 0.1])
def test_answered_pictures_are_wrong_at_most_at_the_stated_risk(calibrated, risk):
    chances, truth = calibrated
    point = choose(chances, truth, risk)
    answer, sure = point.answers(chances)
    given = sure >= point.threshold
    wrong = (answer != truth)[given].mean()
    assert risk - 0.01 < wrong <= risk


def test_a_stated_sensitivity_is_reached_and_not_by_far(calibrated):
    chances, truth = calibrated
    answer, _ = choose(chances, truth, 0.05, positive=1, sensitivity=0.95).answers(chances)
    assert 0.95 <= (answer[truth == 1] == 1).mean() < 0.955


def test_a_sensitivity_that_is_there_already_changes_no_answer(calibrated):
    chances, truth = calibrated
    point = choose(chances, truth, 0.05, positive=1, sensitivity=0.5)
    assert point.preference == 0
    assert np.array_equal(point.answers(chances)[0], chances.argmax(axis=1))


def test_where_nothing_is_sure_every_picture_is_referred():
    chances = np.full((50, 2), 0.5)
    point = choose(chances, np.arange(50) % 2, 0.05)
    assert (point.answers(chances)[1] < point.threshold).all()


def test_risk_at_full_coverage_is_the_error_and_a_random_order_has_it_throughout(calibrated):
    chances, truth = calibrated
    coverage, risk = risk_coverage(chances, truth)
    assert coverage[-1] == 1
    assert risk[-1] == pytest.approx((chances.argmax(axis=1) != truth).mean())
    order = np.random.default_rng(1).random((4_000, 1))  # as sure as a coin says, right or wrong
    shuffled = np.where(chances == chances.max(axis=1, keepdims=True), 0.5 + order / 2, 0.5 - order / 2)
    assert risk_coverage(shuffled, truth)[1].mean() == pytest.approx(risk[-1], abs=0.02)
