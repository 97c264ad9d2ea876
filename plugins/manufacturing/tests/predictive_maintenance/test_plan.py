from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

from lepton_manufacturing.predictive_maintenance import plan
from lepton_manufacturing.predictive_maintenance.plan import LATER, Workshop

SHOP = Workshop(crews=1, slots=6, work_slots=2, closed=frozenset({3}), parts=2, parts_per_slot=0.5)


def fleet(units, slots, seed):
    rng = np.random.default_rng(seed)
    return rng.uniform(1, 10, (units, slots)), rng.uniform(4, 12, units)


@pytest.mark.parametrize("seed", range(4))
def test_the_plan_is_the_cheapest_of_all_that_keep_the_rules(seed):
    costs, later = fleet(3, SHOP.slots, seed)
    every = [np.array(begins) for begins in product(range(LATER, SHOP.slots), repeat=3)]
    allowed = [plan.cost_of(begins, costs, later) for begins in every if not plan.faults(begins, SHOP)]
    found = plan.solve(costs, later, SHOP)
    assert found.proved and plan.faults(found.begins, SHOP) == []
    assert found.cost == pytest.approx(min(allowed), rel=1e-3)
    assert found.bound <= found.cost * (1 + 1e-3)


@pytest.mark.parametrize(
    ("begins", "shop", "said"),
    [
        ([0, 1], SHOP, "slot 1: 2 crews at work"),
        ([2, LATER], SHOP, "slot 3: work while closed"),
        ([5, LATER], SHOP, "work goes on after the last slot"),
        ([9, LATER], SHOP, "1 jobs begin in no slot"),
        ([0, LATER], Workshop(1, 6, 1, frozenset(), 9, 0, first=2), "1 jobs begin before slot 2"),
        ([0, 1], Workshop(1, 6, 1, frozenset(), 1, 0), "slot 1: 2 parts used, 1 were there"),
    ],
)
def test_the_replay_finds_every_broken_rule(begins, shop, said):
    assert any(fault.startswith(said) for fault in plan.faults(np.array(begins), shop))


def test_a_scarce_crew_goes_to_who_loses_most_by_waiting():
    costs = np.array([[1.0, 2.0], [1.0, 50.0]])
    found = plan.solve(costs, np.array([99.0, 99.0]), Workshop(1, 2, 1, frozenset(), 9, 0))
    assert found.begins.tolist() == [1, 0]


def test_costs_in_another_unit_give_the_same_plan():
    costs, later = fleet(5, SHOP.slots, 9)
    assert (plan.solve(costs, later, SHOP).begins == plan.solve(1e6 * costs, 1e6 * later, SHOP).begins).all()


def test_each_crew_does_one_job_at_a_time():
    shop = Workshop(2, 6, 2, frozenset(), 9, 0)
    table = plan.as_table(np.array([0, 0, 2, LATER, 2]), pd.Index(list("abcde")), shop)
    assert table["unit"].tolist() == ["a", "b", "c", "e"]
    for _, jobs in table.groupby("crew"):
        assert (jobs["slot"].to_numpy()[1:] > jobs["last_slot"].to_numpy()[:-1]).all()
