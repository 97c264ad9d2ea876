"""Of columns that put the cases in the same order, one stays."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.base import clone

from lepton_monotone.data import DropTwins


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    debt, income = rng.normal(size=(2, 400))
    columns = {
        "debt": debt,
        "debt_squeezed": np.tanh(debt),
        "debt_upside_down": -debt,
        "debt_roughly": debt + 0.5 * rng.normal(size=400),
        "income": pd.Series(income).mask(rng.random(400) < 0.1),
        "home": pd.Categorical(rng.choice(["own", "rent"], 400)),
        "constant": 1.0,
    }
    return pd.DataFrame(columns)


@pytest.fixture
def outcome(table):
    return (table["debt"] + np.random.default_rng(1).normal(size=400) > 0).astype(int)


def test_no_two_columns_that_stay_are_twins(table, outcome):
    table["debt_and_income"] = table["debt"] + table["income"]
    kept = DropTwins(above=0.6).fit(table, outcome).transform(table).select_dtypes("number")
    pairs = list(itertools.combinations(kept.drop(columns="constant"), 2))
    assert pairs
    assert all(abs(spearmanr(kept[a], kept[b], nan_policy="omit").statistic) < 0.6 for a, b in pairs)


def test_rank_not_scale_makes_a_twin_and_only_twins_are_dropped(table, outcome):
    step = DropTwins().fit(table, outcome)
    assert len(step.dropped_) == 2
    assert set(step.dropped_) < {"debt", "debt_squeezed", "debt_upside_down"}
    assert list(step.get_feature_names_out()) == list(step.transform(table))


def test_of_twins_the_one_nearer_to_the_outcome_stays(table):
    outcome = (table["debt_roughly"] > 0).astype(int)
    step = DropTwins(above=0.8).fit(table[["debt", "debt_roughly"]], outcome)
    assert step.dropped_ == ["debt"]


def test_columns_that_are_wanted_stay_all_of_them(table, outcome):
    step = DropTwins(wanted=("debt_squeezed", "debt_upside_down")).fit(table, outcome)
    assert step.dropped_ == ["debt"]


def test_what_is_dropped_is_learned_in_fit_and_new_cases_follow(table, outcome):
    step = DropTwins().fit(table, outcome)
    new = table.head(3).assign(income=table["debt"].head(3))  # twins here, not in what was learned from
    assert list(step.transform(new)) == list(step.transform(table))
    assert clone(step).get_params() == step.get_params()
