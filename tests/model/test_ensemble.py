"""The greedy ensemble: never worse than its best member, and a blend of one is that one."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from lepton_platform.model.calibration import LogisticCalibration
from lepton_platform.model.ensemble import Blend, greedy_weights, shrunk_weights, without_negligible


def squared_error(target):
    return lambda score: float(((score - target) ** 2).mean())


def members(seed, count):
    rng = np.random.default_rng(seed)
    target = rng.normal(size=200)
    return target, {
        f"m{i}": target + rng.normal(rng.normal(), rng.uniform(0.2, 2), 200) for i in range(count)
    }


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("count", [1, 2, 7])
def test_the_mean_is_never_worse_than_the_best_member_and_weights_sum_to_one(seed, count):
    target, scores = members(seed, count)
    loss = squared_error(target)
    weights = greedy_weights(scores, loss)
    blended = np.sum([weight * scores[name] for name, weight in weights.items()], axis=0)
    assert loss(blended) <= min(map(loss, scores.values())) + 1e-12
    assert sum(weights.values()) == pytest.approx(1)
    assert all(weight > 0 for weight in weights.values())
    assert list(weights) == [name for name in scores if name in weights]


def slow_greedy(scores, loss, rounds):
    """Caruana's algorithm as the paper writes it: bags of names, each mean computed anew."""
    bag, bags = [], []
    for _ in range(rounds):
        bag = min(([*bag, name] for name in scores), key=lambda b: loss(np.mean([scores[n] for n in b], 0)))
        bags.append(bag)
    best = min(bags, key=lambda b: loss(np.mean([scores[n] for n in b], 0)))
    return {name: best.count(name) / len(best) for name in scores if name in best}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rounds", [1, 5, 12])
def test_weights_equal_a_slow_version_of_the_algorithm(seed, rounds):
    target, scores = members(seed, 4)
    fast = greedy_weights(scores, squared_error(target), rounds)
    assert fast == pytest.approx(slow_greedy(scores, squared_error(target), rounds))


def test_a_member_that_is_right_takes_all_the_weight():
    target, scores = members(0, 3)
    assert greedy_weights({**scores, "right": target}, squared_error(target)) == {"right": 1.0}


def test_opposite_errors_cancel():
    target = np.linspace(0, 1, 50)
    scores = {"high": target + 1, "low": target - 1, "wild": target + 30}
    assert greedy_weights(scores, squared_error(target)) == {"high": 0.5, "low": 0.5}


# ------------------------------------------------------------------------------------- shrinking

LOSSES = {"a": 0.50, "b": 0.51, "c": 0.52, "far": 0.60}
BASELINE_LOSS = 0.62
GREEDY = {"a": 0.6, "far": 0.4}


@pytest.mark.parametrize("rarer", [1, 100, 10_000, 10**9])
def test_shrunk_weights_sum_to_one_and_lie_between_greedy_and_equal(rarer):
    weights = shrunk_weights(GREEDY, LOSSES, BASELINE_LOSS, rarer)
    assert sum(weights.values()) == pytest.approx(1)
    equal = {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3, "far": 0.0}
    for name, weight in weights.items():
        low, high = sorted([GREEDY.get(name, 0.0), equal[name]])
        assert low <= weight <= high


@pytest.mark.parametrize(
    ("rarer", "expected"),
    [(0, {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}), (10**12, GREEDY | {"b": 0, "c": 0})],
)
def test_few_cases_give_equal_shares_and_many_the_greedy_ones(rarer, expected):
    assert shrunk_weights(GREEDY, LOSSES, BASELINE_LOSS, rarer) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("members", [1, 3, 200])
def test_without_negligible_members_the_others_keep_their_proportions(members):
    weights = dict(enumerate(np.random.default_rng(members).dirichlet(np.ones(members))))
    kept = without_negligible(weights)
    assert set(kept) == {name for name in weights if weights[name] >= 0.02 * max(weights.values())}
    assert sum(kept.values()) == pytest.approx(1)
    assert [kept[name] / weights[name] for name in kept] == pytest.approx(
        [1 / sum(map(weights.get, kept))] * len(kept)
    )


# ------------------------------------------------------------------------------------- the blend


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(2)
    X = pd.DataFrame(rng.normal(size=(300, 3)), columns=["a", "b", "c"])
    return X, pd.Series((rng.random(300) < expit(X["a"] - X["b"])).astype(int))


def calibration(slope, intercept):
    made = LogisticCalibration()
    made.slope_, made.intercept_ = slope, intercept
    return made


def test_a_blend_of_one_member_with_slope_one_is_that_member(table):
    X, y = table
    alone = LogisticRegression().fit(X, y).predict_proba(X)
    blend = Blend([("only", LogisticRegression())], [1.0], calibration(1, 0)).fit(X, y)
    assert blend.predict_proba(X) == pytest.approx(alone, abs=1e-12)
    assert np.array_equal(blend.predict(X), (alone[:, 1] >= 0.5).astype(int))


def test_a_blend_is_the_calibrated_weighted_mean_of_log_odds(table):
    X, y = table
    blend = Blend(
        [("all", LogisticRegression()), ("rate", DummyClassifier(strategy="prior"))],
        [0.75, 0.25],
        calibration(0.8, -0.3),
    ).fit(X, y)
    linear = LogisticRegression().fit(X, y).decision_function(X)
    rate = np.log(y.mean() / (1 - y.mean()))
    expected = expit(0.8 * (0.75 * linear + 0.25 * rate) - 0.3)
    assert blend.predict_proba(X)[:, 1] == pytest.approx(expected, abs=1e-12)
    assert blend.predict_proba(X).sum(axis=1) == pytest.approx(1)


def test_adopting_fitted_members_equals_fitting_them(table):
    X, y = table
    one = Blend([("m", LogisticRegression())], [1.0], calibration(1, 0))
    fitted = clone(one.members[0][1]).fit(X, y)
    assert np.array_equal(one.adopt([fitted]).predict_proba(X), one.fit(X, y).predict_proba(X))


def test_fitting_leaves_the_members_given_unfitted(table):
    member = LogisticRegression()
    Blend([("m", member)], [1.0], calibration(1, 0)).fit(*table)
    assert not hasattr(member, "coef_")
