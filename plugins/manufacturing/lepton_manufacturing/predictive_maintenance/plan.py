"""When each unit of a fleet is replaced, where crews, open slots and parts are scarce.

Time goes in slots, numbered from 0. A job keeps one crew for some slots, all of them open, and takes one
part when it begins. What it costs to begin a unit's job in a slot is given; the plan with the least sum
is OR-Tools' CP-SAT's (Perron and Didier). A unit may be left to a later plan, at a cost that is given too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from ortools.sat.python import cp_model

from lepton_manufacturing.predictive_maintenance.config import MaintenanceConfig

Floats = NDArray[np.float64]

LATER = -1
"""Slot of a unit whose job is left to a later plan."""
UNITS_OF_COST = 10_000
"""The greatest cost in whole numbers, which the solver counts in."""
EFFORT = 20.0
"""Deterministic time of the solver: the same plan on any machine."""


@dataclass(frozen=True)
class Workshop:
    """What can be done at once and when."""

    crews: int
    slots: int
    work_slots: int
    closed: frozenset[int]
    parts: int
    parts_per_slot: float
    first: int = 0
    """Slot before which no job can begin, for an order takes its time."""

    @classmethod
    def of(cls, config: MaintenanceConfig) -> Workshop:
        first = int(np.ceil(config.lead_time / config.slot - 1e-9))
        return cls(
            config.crews, config.horizon, config.work_slots, config.closed_slots(), config.parts,
            config.parts_per_slot, first,
        )  # fmt: skip

    def can_begin(self, slot: int) -> bool:
        """Whether a job that begins in ``slot`` finds all its slots open and before the end."""
        during = range(slot, slot + self.work_slots)
        return self.first <= slot and during[-1] < self.slots and self.closed.isdisjoint(during)

    def parts_by(self, slot: int) -> int:
        """Return how many parts there have been up to and with ``slot``."""
        return self.parts + int(self.parts_per_slot * slot + 1e-9)


@dataclass(frozen=True)
class Plan:
    """The slot in which each unit's job begins, or ``LATER``; its cost and a bound on the least one."""

    begins: NDArray[np.intp]
    cost: float
    bound: float
    proved: bool


def solve(costs: Floats, later: Floats, workshop: Workshop) -> Plan:
    """Return the plan of least cost.

    Parameters
    ----------
    costs : ndarray of shape (units, slots)
        Of beginning each unit's job in each slot.
    later : ndarray of shape (units,)
        Of leaving it to a later plan.
    """
    scale = UNITS_OF_COST / max(
        float(np.abs(costs).max(initial=0)), float(np.abs(later).max(initial=0)), 1e-12
    )
    model = cp_model.CpModel()
    slots = [slot for slot in range(workshop.slots) if workshop.can_begin(slot)]
    begin = {(unit, slot): model.new_bool_var("") for unit in range(len(costs)) for slot in slots}
    left = [model.new_bool_var("") for _ in later]
    for unit in range(len(costs)):
        model.add_exactly_one([left[unit], *(begin[unit, slot] for slot in slots)])
    for slot in range(workshop.slots):
        at_work = [begin[unit, one] for unit, one in begin if one <= slot < one + workshop.work_slots]
        if len(at_work) > workshop.crews:
            model.add(sum(at_work) <= workshop.crews)
    if workshop.parts < len(costs):
        for slot in slots:
            model.add(sum(begin[key] for key in begin if key[1] <= slot) <= workshop.parts_by(slot))
    worth = [round(scale * float(costs[key])) * variable for key, variable in begin.items()]
    worth += [round(scale * float(cost)) * variable for cost, variable in zip(later, left, strict=True)]
    model.minimize(sum(worth))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_deterministic_time = EFFORT
    status = solver.solve(model)
    begins = np.full(len(costs), LATER)
    for (unit, slot), variable in begin.items():
        if solver.boolean_value(variable):
            begins[unit] = slot
    return Plan(
        begins, cost_of(begins, costs, later), solver.best_objective_bound / scale, status == cp_model.OPTIMAL
    )


def cost_of(begins: NDArray[np.intp], costs: Floats, later: Floats) -> float:
    """Return what a plan costs."""
    chosen = np.where(begins == LATER, later, costs[np.arange(len(costs)), np.maximum(begins, 0)])
    return float(chosen.sum())


def faults(begins: NDArray[np.intp], workshop: Workshop) -> list[str]:
    """Return every rule of the workshop that a plan breaks, by replaying it; no part of the solver is used.

    >>> shop = Workshop(crews=1, slots=4, work_slots=2, closed=frozenset(), parts=9, parts_per_slot=0)
    >>> faults(np.array([0, 1]), shop), faults(np.array([0, 2]), shop)
    (['slot 1: 2 crews at work, there are 1'], [])
    """
    found = []
    early = int(((begins != LATER) & (begins < workshop.first)).sum())
    if early:
        found.append(f"{early} jobs begin before slot {workshop.first}, sooner than ordered parts come")
    busy = np.zeros(workshop.slots + workshop.work_slots, dtype=int)
    used = 0
    for slot in range(workshop.slots):
        begun = int((begins == slot).sum())
        busy[slot : slot + workshop.work_slots] += begun
        used += begun
        if busy[slot] > workshop.crews:
            found.append(f"slot {slot}: {busy[slot]} crews at work, there are {workshop.crews}")
        if busy[slot] and slot in workshop.closed:
            found.append(f"slot {slot}: work while closed")
        if used > workshop.parts_by(slot):
            found.append(f"slot {slot}: {used} parts used, {workshop.parts_by(slot)} were there")
    if busy[workshop.slots :].any():
        found.append("work goes on after the last slot")
    strange = int(((begins < LATER) | (begins >= workshop.slots)).sum())
    return [*found, f"{strange} jobs begin in no slot of the plan"] if strange else found


def as_table(begins: NDArray[np.intp], units: pd.Index[str], workshop: Workshop) -> pd.DataFrame:
    """Return a row per job that is planned: unit, first and last slot, and crew, by the first slot."""
    rows = []
    free = np.zeros(workshop.crews, dtype=int)
    for unit in np.argsort(begins, kind="stable"):
        if begins[unit] == LATER:
            continue
        crew = int(np.flatnonzero(free <= begins[unit])[0])
        free[crew] = begins[unit] + workshop.work_slots
        rows.append((units[unit], int(begins[unit]), int(free[crew]) - 1, crew + 1))
    return pd.DataFrame(rows, columns=["unit", "slot", "last_slot", "crew"])
