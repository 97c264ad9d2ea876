"""Sets hold the true class as often as was asked, in each class."""

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import binom

from lepton_platform.tasks.image import conformal


@pytest.mark.parametrize("confidence", [0.8, 0.9, 0.95])
def test_coverage_in_each_class_is_in_the_binomial_band(confidence):
    rng = np.random.default_rng(0)
    classes = rng.choice(3, 30_000, p=[0.7, 0.2, 0.1])
    chances = softmax(rng.normal(0, 1, (30_000, 3)) + 1.5 * np.eye(3)[classes], axis=1)
    least = conformal.thresholds(chances[:15_000], classes[:15_000], confidence)
    held = conformal.sets(chances[15_000:], least)[np.arange(15_000), classes[15_000:]]
    for code in range(3):
        inside = held[classes[15_000:] == code]
        n = len(inside)
        # the threshold itself is from as many cases: twice the variance
        low, high = binom.ppf([1e-4, 1 - 1e-4], n // 2, confidence) / (n // 2)
        assert low <= inside.mean() <= high


def test_too_few_cases_of_a_class_put_it_into_every_set():
    least = conformal.thresholds(np.array([[0.9, 0.1], [0.3, 0.7]]), np.array([0, 1]), 0.9)
    assert least.tolist() == [0, 0]
