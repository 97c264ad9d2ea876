"""The constraints hold whatever the data say, and nothing but the constraints is changed."""

import itertools

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.base import clone

from lepton_monotone.config import Monotone
from lepton_monotone.model import MonotoneBoosting, defaults_of_safest, lepton_models
from lepton_platform import DataError, Dataset
from lepton_platform.errors import ConfigError


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    columns = {
        "debt": rng.normal(size=800),
        "income": pd.Series(rng.normal(size=800)).mask(rng.random(800) < 0.1),
        "age": rng.integers(18, 80, 800).astype(float),
        "home": pd.Categorical(rng.choice(["own", "rent", "other"], 800)),
    }
    return pd.DataFrame(columns)


@pytest.fixture
def outcome(table):
    score = table["debt"] - table["income"].fillna(0) + ((table["age"] - 50) / 15) ** 2 - 1
    return (np.random.default_rng(1).random(800) < 1 / (1 + np.exp(-score))).astype(int)


def moves(model, table, column):
    """Steps of the probability of 60 cases while one column goes through its values, shape (60, 39)."""
    values = np.linspace(table[column].min(), table[column].max(), 40)
    swept = [model.predict_proba(table.head(60).assign(**{column: value}))[:, 1] for value in values]
    return np.diff(np.column_stack(swept), axis=1)


def test_what_the_data_show_is_found_and_never_turns(table, outcome):
    model = MonotoneBoosting().fit(table, outcome)
    assert model.directions_ == {"debt": 1, "income": -1, "age": 0, "home": 0}
    assert moves(model, table, "debt").min() >= 0 and moves(model, table, "debt").max() > 0
    assert moves(model, table, "income").max() <= 0 and moves(model, table, "income").min() < 0
    assert moves(model, table, "age").min() < 0 < moves(model, table, "age").max()


@pytest.mark.parametrize("way", [1, -1])
@pytest.mark.parametrize("column", ["debt", "income", "age"])
def test_what_is_given_holds_even_against_the_data(table, outcome, column, way):
    model = MonotoneBoosting({column: way}).fit(table, outcome)
    assert (way * moves(model, table, column)).min() >= 0


def test_a_column_that_is_set_free_may_turn(table, outcome):
    assert MonotoneBoosting({"debt": 0}).fit(table, outcome).directions_["debt"] == 0


def test_without_a_direction_it_is_lightgbm_with_the_same_parameters(table, outcome):
    mine = MonotoneBoosting(find=False).fit(table, outcome)
    plain = LGBMClassifier(**{**mine.model_.get_params(), "monotone_constraints": None}).fit(table, outcome)
    np.testing.assert_array_equal(mine.predict_proba(table), plain.predict_proba(table))


def test_it_can_be_cloned_and_fits_the_same_again(table, outcome):
    first = MonotoneBoosting({"debt": 1}, num_leaves=4)
    again = clone(first)
    assert again.get_params() == first.get_params()
    probabilities = [model.fit(table, outcome).predict_proba(table) for model in (first, again)]
    np.testing.assert_array_equal(*probabilities)
    np.testing.assert_array_equal(first.predict(table), probabilities[0].argmax(axis=1))


def test_a_direction_for_a_column_that_is_not_there_is_no_fault(table, outcome):
    assert "months" not in MonotoneBoosting({"months": 0}).fit(table, outcome).directions_


def test_one_column_has_one_direction():
    with pytest.raises(ConfigError, match="debt is named more than once"):
        Monotone.checked({"up": "debt,arrears", "down": "income,debt"})


# ---------------------------------------------------------------------------------- the metric


def test_defaults_of_the_safest_is_the_mean_over_all_orders_of_ties():
    risk, truth = np.array([0.1, 0.3, 0.3, 0.3, 0.3, 0.8]), np.array([0, 1, 0, 0, 1, 1])
    ties = [1, 2, 3, 4]
    for taken in range(1, 7):
        orders = [(0, *order, 5) for order in itertools.permutations(ties)]
        slow = np.mean([truth[list(order[:taken])].mean() for order in orders])
        assert defaults_of_safest(truth, risk, taken / 6) == pytest.approx(slow)


def test_defaults_of_all_or_by_one_score_for_all_is_the_default_rate():
    truth = np.random.default_rng(0).integers(0, 2, 101)
    assert defaults_of_safest(truth, np.random.default_rng(1).random(101), 1.0) == pytest.approx(truth.mean())
    assert defaults_of_safest(truth, np.full(101, 0.2), 0.7) == pytest.approx(truth.mean())


# --------------------------------------------------------------------------------- the options


@pytest.mark.parametrize("option", ["up", "down", "free"])
@pytest.mark.parametrize("column", ["dept", "home"])
def test_a_column_that_is_not_there_or_holds_no_numbers_is_an_error_that_names_the_others(
    table, option, column
):
    config = Monotone.checked({option: f"debt,{column}"})
    with pytest.raises(DataError) as error:
        lepton_models(Dataset(table), config)
    assert f"column '{column}' is named by --monotone.{option}" in str(error.value)
    assert "Columns of numbers: debt, income, age" in str(error.value)
