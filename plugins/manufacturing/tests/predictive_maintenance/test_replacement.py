from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from lepton_manufacturing.predictive_maintenance.age_replacement import (
    interval_of,
    run_to_failure_rate,
    weibull_age,
    weibull_rate,
)
from lepton_manufacturing.predictive_maintenance.costs import Costs
from lepton_manufacturing.predictive_maintenance.policies import as_predicted, at_age, compared, saving
from lepton_manufacturing.predictive_maintenance.replacement import Outlook, best_wait
from lepton_platform.tasks.remaining_life.intervals import LifeSpread


@pytest.mark.parametrize(
    ("shape", "ratio", "age", "rate", "never"),
    [(2, 5, 0.5107, 4.0852, 5.6419), (2, 10, 0.3365, 6.0561, 11.2838), (3, 5, 0.5026, 3.0314, 5.5992)],
)
def test_age_replacement_costs_what_the_textbook_says(shape, ratio, age, rate, never):
    costs = Costs(1.0, float(ratio))
    best = weibull_age(shape, 1.0, costs)
    assert best == pytest.approx(age, abs=5e-5)
    assert weibull_rate(best, shape, 1.0, costs) == pytest.approx(rate, abs=5e-5)
    assert run_to_failure_rate(shape, 1.0, costs) == pytest.approx(never, abs=5e-5)


def test_the_rate_is_the_integral_of_renewal_theory():
    lived = quad(lambda t: np.exp(-((t / 70) ** 2.4)), 0, 50)[0]
    failed = 1 - np.exp(-((50 / 70) ** 2.4))
    assert weibull_rate(50, 2.4, 70, Costs(3, 40)) == pytest.approx((3 * (1 - failed) + 40 * failed) / lived)


@pytest.mark.parametrize("shape", [0.5, 1.0])
def test_what_does_not_age_is_never_replaced_on_age(shape):
    assert weibull_age(shape, 1.0, Costs(1, 1000)) == np.inf


def test_the_fixed_interval_is_the_cheapest_of_all_ages_tried():
    lives = np.random.default_rng(0).weibull(3, 60) * 100
    costs = Costs(1.0, 20.0)

    def rate(age):
        renewals = at_age(lives, age)
        return costs.of(renewals.failed).sum() / renewals.life.sum()

    tried = min(rate(age) for age in np.arange(1, 200, 0.05))
    assert rate(interval_of(lives, costs)) == pytest.approx(tried, rel=2e-3)


def spread_of_normal(deviation, cap=125.0):
    """A spread as many units would give whose life left is normal around the prediction."""
    rng = np.random.default_rng(0)
    predicted = rng.uniform(0, cap, 40_000)
    truth = np.clip(predicted + rng.normal(0, deviation, 40_000), 0, cap)
    return LifeSpread(cap).fit(predicted, truth, np.arange(40_000))


def test_the_best_wait_is_that_of_a_normal_life_left():
    costs, age, left = Costs(1.0, 20.0), 100.0, 60.0
    wait = best_wait(Outlook.of(np.array([left]), spread_of_normal(8.0)), np.array([age]), costs, 0.0)[0]
    grid = np.arange(20.0, 80.0, 0.1)
    failed = norm.cdf(grid, left, 8)
    lived = np.array([quad(lambda t: norm.sf(t, left, 8), 0, one)[0] for one in grid])
    rate = (1 - failed + 20 * failed) / (age + lived)
    assert wait == pytest.approx(grid[rate.argmin()], abs=2.5)


def test_a_dearer_failure_is_replaced_sooner_and_an_order_takes_its_time():
    outlook, age = Outlook.of(np.array([60.0, 5.0]), spread_of_normal(8.0)), np.array([100.0, 100.0])
    waits = [best_wait(outlook, age, Costs(1.0, ratio), 10.0) for ratio in (2.0, 20.0, 200.0)]
    assert waits[0][0] >= waits[1][0] >= waits[2][0] >= 10
    assert all(wait[1] == 10 for wait in waits)


def test_advice_that_knows_the_end_replaces_just_before_it():
    unit = np.repeat([0, 1], [4, 3])
    age = np.array([1.0, 2, 3, 4, 1, 2, 3])
    ends = np.array([9.0, 30.0])
    wait = np.array([7.5, 6.5, 5.5, 4.5, 28, 27, 26])
    renewals = as_predicted(unit, age, wait, ends, lead_time=5.0)
    assert renewals.life.tolist() == [8.5, 29.0] and not renewals.failed.any()
    late = as_predicted(unit, age, wait + 2, ends, lead_time=5.0)
    assert late.failed.tolist() == [True, True] and late.life.tolist() == [9.0, 30.0]


def test_knowing_the_end_saves_money_against_every_rule():
    rng = np.random.default_rng(1)
    ends, costs = rng.weibull(3, 200) * 100 + 5, Costs(1.0, 20.0)
    knowing = at_age(ends, np.inf)._replace(life=ends - 1, failed=np.zeros(200, dtype=bool))
    for name, other in compared(ends, np.ones(200, dtype=bool), knowing, ends, costs).items():
        if other is not knowing:
            assert saving(knowing, other, costs, 0).low > 0, name
