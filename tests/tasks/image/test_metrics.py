"""Metrics of several classes equal scikit-learn's and slow counts."""

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as reference
from scipy.special import softmax

from lepton_platform.tasks.image import metrics


@pytest.fixture(params=[2, 5])
def judged(request):
    rng = np.random.default_rng(request.param)
    truth = rng.integers(0, request.param, 400)
    chances = softmax(rng.normal(0, 1, (400, request.param)) + np.eye(request.param)[truth], axis=1)
    table = pd.DataFrame(chances, columns=[f"p_{code}" for code in range(request.param)])
    return truth, table.assign(predicted=chances.argmax(axis=1), referred=False)


def test_auc_accuracy_and_log_loss_are_scikit_learns(judged):
    truth, table = judged
    chances = metrics.probabilities(table)
    score = chances[:, 1] if chances.shape[1] == 2 else chances
    assert metrics.auc(*judged) == pytest.approx(reference.roc_auc_score(truth, score, multi_class="ovr"))
    assert metrics.accuracy(*judged) == pytest.approx(reference.accuracy_score(truth, table["predicted"]))
    assert metrics.log_loss(*judged) == pytest.approx(reference.log_loss(truth, chances))


def test_brier_of_two_classes_is_twice_the_one_sided(judged):
    truth, table = judged
    chances = metrics.probabilities(table)
    if chances.shape[1] == 2:
        expected = 2 * reference.brier_score_loss(truth, chances[:, 1])
    else:
        expected = sum(((np.arange(5) == code) - row) @ ((np.arange(5) == code) - row)
                       for code, row in zip(truth, chances, strict=True)) / len(truth)  # fmt: skip
    assert metrics.brier(*judged) == pytest.approx(expected)


def test_the_calibration_error_is_a_slow_count(judged):
    truth, table = judged
    chances = metrics.probabilities(table)
    sure, right = chances.max(axis=1), chances.argmax(axis=1) == truth
    error = 0.0
    for number in range(15):
        inside = (sure >= number / 15) & (sure < (number + 1) / 15)
        if inside.any():
            error += inside.mean() * abs(sure[inside].mean() - right[inside].mean())
    assert metrics.expected_calibration_error(*judged) == pytest.approx(error)


def test_a_constant_answer_on_breast_images_is_right_on_114_of_156():
    table = pd.DataFrame({"p_0": np.full(156, 0.27), "p_1": np.full(156, 0.73)})
    assert metrics.accuracy(np.repeat([0, 1], [42, 114]), table) == pytest.approx(0.7308, abs=1e-4)


def test_referring_the_least_sure_raises_accuracy_of_good_scores(judged):
    assert metrics.accuracy_at_80(*judged) > metrics.accuracy(*judged)
    assert metrics.area_under_risk_coverage(*judged) < 1 - metrics.accuracy(*judged)


def test_a_missing_class_has_no_auc(judged):
    truth, table = judged
    assert np.isnan(metrics.auc(np.zeros_like(truth), table))
