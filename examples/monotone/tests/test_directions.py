"""Which way risk goes: found where it is there, not found in noise or where it turns."""

import numpy as np
import pandas as pd
import pytest

from lepton_monotone.directions import direction, directions

N = 2_000


def outcome(risk, seed=0):
    return (np.random.default_rng(seed).random(len(risk)) < risk).astype(int)


@pytest.fixture
def values():
    return np.random.default_rng(1).normal(size=N)


def test_a_risk_that_rises_or_falls_has_its_direction(values):
    risk = 1 / (1 + np.exp(-values))
    assert direction(values, outcome(risk)) == 1
    assert direction(values, outcome(1 - risk)) == -1


def test_a_risk_that_rises_in_one_step_is_missed_as_rarely_as_the_test_for_turns_says(values):
    risk = np.where(values > 1.0, 0.4, 0.2)
    found = [direction(values, outcome(risk, seed)) for seed in range(200)]
    assert np.mean(np.equal(found, 1)) == pytest.approx(0.95, abs=0.04)


@pytest.mark.parametrize("shape", [np.square, lambda x: -np.square(x), np.sin])
def test_a_risk_that_turns_has_none(values, shape):
    assert direction(2 * values, outcome(1 / (1 + np.exp(-2 * shape(2 * values))))) == 0


def test_in_noise_either_direction_is_found_as_rarely_as_its_test_says(values):
    found = [direction(values, outcome(np.full(N, 0.3), seed)) for seed in range(200)]
    assert np.mean(np.abs(found)) == pytest.approx(2 * 0.05, abs=0.05)


def test_it_depends_on_the_order_of_the_values_alone(values):
    y = outcome(1 / (1 + np.exp(-values)))
    assert direction(values, y) == direction(np.exp(values), y) == -direction(-(values**3), y) == 1


def test_missing_values_and_constant_columns_say_nothing(values):
    y = outcome(1 / (1 + np.exp(-values)))
    with_gaps = np.where(np.arange(N) % 3 == 0, np.nan, values)
    assert (
        direction(with_gaps, y)
        == direction(with_gaps[np.isfinite(with_gaps)], y[np.isfinite(with_gaps)])
        == 1
    )
    assert direction(np.ones(N), y) == direction(np.full(N, np.nan), y) == 0


def test_columns_of_text_have_none(values):
    table = pd.DataFrame({"debt": values, "home": pd.Categorical(np.where(values > 0, "own", "rent"))})
    assert directions(table, outcome(1 / (1 + np.exp(-values)))) == {"debt": 1}
