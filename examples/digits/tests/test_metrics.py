"""The metrics are scikit-learn's, and faster."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score
from sklearn.metrics import log_loss as sklearn_log_loss

from lepton_digits.task import metrics


def readings(digits, n=500, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.choice(digits, n)
    table = rng.dirichlet(np.ones(10), n)
    table[rng.random(n) < 0.3, 0] = 0  # a certainty that is wrong now and then
    table /= table.sum(axis=1, keepdims=True)
    frame = pd.DataFrame(table, columns=metrics.PROBABILITIES)
    return truth, frame.assign(predicted=table.argmax(axis=1))


@pytest.mark.parametrize("digits", [range(10), (3, 5), (7,)])
def test_they_are_scikit_learns(digits):
    truth, predictions = readings(list(digits))
    predicted = predictions["predicted"]
    assert metrics.accuracy(truth, predictions) == pytest.approx(accuracy_score(truth, predicted))
    assert metrics.macro_f1(truth, predictions) == pytest.approx(f1_score(truth, predicted, average="macro"))
    expected = sklearn_log_loss(truth, predictions[metrics.PROBABILITIES], labels=range(10))
    assert metrics.log_loss(truth, predictions) == pytest.approx(expected)
    table = metrics.confusion(truth, predicted.to_numpy())
    assert np.array_equal(table, confusion_matrix(truth, predicted, labels=range(10)))


def test_a_perfect_reader_has_one_one_and_nought():
    truth = np.arange(10)
    perfect = pd.DataFrame(np.eye(10), columns=metrics.PROBABILITIES).assign(predicted=truth)
    assert metrics.accuracy(truth, perfect) == metrics.macro_f1(truth, perfect) == 1
    assert metrics.log_loss(truth, perfect) == 0
