"""Intervals of shares, where pictures stand for themselves and where several are of one patient."""

import numpy as np
import pytest
from scipy.stats import beta

from lepton_platform.tasks.image import shares


def test_copies_of_a_picture_make_no_interval_narrower():
    right = np.random.default_rng(0).random(60) < 0.7
    alone = shares.interval(right)
    copied = shares.interval(np.repeat(right, 10), np.repeat(np.arange(60), 10))
    assert copied == pytest.approx(alone, abs=0.03)
    narrow = shares.interval(np.repeat(right, 10))
    assert np.diff(narrow)[0] < 0.4 * np.diff(copied)[0]


def test_a_share_of_all_patients_is_as_uncertain_as_their_number_says():
    assert shares.interval(np.ones(300), np.repeat(np.arange(30), 10)) == shares.interval(np.ones(30))
    assert shares.interval(np.zeros(300), np.repeat(np.arange(30), 10)) == shares.interval(np.zeros(30))


def test_of_pictures_by_themselves_the_interval_is_near_the_bayesian_one():
    low, high = shares.interval(np.arange(400) < 300)
    assert (low, high) == pytest.approx(beta.ppf([0.025, 0.975], 300.5, 100.5), abs=0.003)


def test_nothing_has_no_share():
    assert shares.interval([]) == (0, 1)
    assert shares.written([]) == "none"
