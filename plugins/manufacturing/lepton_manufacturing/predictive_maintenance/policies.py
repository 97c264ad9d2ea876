"""What ways of maintaining a fleet would have cost on lives whose ends are known.

A policy ends each life by a planned replacement or by a failure. Over many renewals its cost per time
is the sum of costs over the sum of lives; intervals are bootstraps over units.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from lifelines import WeibullFitter
from numpy.typing import NDArray

from lepton_manufacturing.predictive_maintenance.age_replacement import interval_of, weibull_age
from lepton_manufacturing.predictive_maintenance.costs import Costs
from lepton_platform.model.evaluation import Estimate, interval, resamples

Floats = NDArray[np.float64]

PREDICTIVE, INTERVAL, WEIBULL, NEVER = "predictive", "fixed interval", "Weibull age", "run to failure"


class Renewals(NamedTuple):
    """How each unit's life ended: its length, and whether by failure; shape (units,) each."""

    life: Floats
    failed: NDArray[np.bool_]

    def rate(self, costs: Costs, seed: int = 0) -> Estimate:
        """Return cost per time with its 95 % interval over units."""
        spent = costs.of(self.failed)
        draws = [spent[rows].sum() / self.life[rows].sum() for rows in resamples(len(spent), seed)]
        return interval(float(spent.sum() / self.life.sum()), draws, (0.0, float("inf")))


def at_age(ends: Floats, age: float) -> Renewals:
    """Return renewals at a fixed age, or at failure if that comes first.

    >>> at_age(np.array([5.0, 20.0]), 10.0)
    Renewals(life=array([ 5., 10.]), failed=array([ True, False]))
    """
    return Renewals(np.minimum(ends, age), ends <= age)


def as_predicted(
    units: NDArray[np.intp], time: Floats, wait: Floats, ends: Floats, lead_time: float
) -> Renewals:
    """Return renewals where each row of a log says how long to wait.

    The first row at which the wait is no longer than the lead time orders; where none does, the last
    row's wait is kept to. Rows are in the order of time within a unit; ``units`` numbers them from 0,
    and ``ends`` has the end of each.
    """
    planned = np.full(len(ends), np.inf)
    orders = wait <= lead_time * (1 + 1e-9)
    for unit in range(len(ends)):
        rows = np.flatnonzero(units == unit)
        ordered = rows[orders[rows]]
        row = ordered[0] if len(ordered) else rows[-1]
        planned[unit] = time[row] + wait[row]
    return Renewals(np.minimum(planned, ends), ends <= planned)


def compared(
    learned: Floats, failed: NDArray[np.bool_], predictive: Renewals, ends: Floats, costs: Costs
) -> dict[str, Renewals]:
    """Return each policy's renewals of units that end at ``ends``.

    Ages are chosen on lives ``learned`` from, of which some had not ``failed``: the interval on those
    that had, Weibull's on all.
    """
    weibull = WeibullFitter().fit(learned, failed)
    return {
        PREDICTIVE: predictive,
        WEIBULL: at_age(ends, weibull_age(weibull.rho_, weibull.lambda_, costs)),
        INTERVAL: at_age(ends, interval_of(learned[failed], costs)),
        NEVER: at_age(ends, np.inf),
    }


def table(policies: Mapping[str, Renewals], money: Costs, downtime: Costs, seed: int) -> pd.DataFrame:
    """Return what each policy costs per time, in money and in time lost, against running to failure."""
    rows = []
    base = policies[NEVER].rate(money, seed).value
    for name, renewals in policies.items():
        cost = renewals.rate(money, seed)
        rows.append(
            {
                "policy": name,
                "cost per 1,000": 1000 * cost.value,
                "low": 1000 * cost.low,
                "high": 1000 * cost.high,
                "saved against run to failure": 1 - cost.value / base,
                **_downtime(renewals.rate(downtime, seed)),
                "failures": int(renewals.failed.sum()),
                "mean life used": float(renewals.life.mean()),
            }
        )
    return pd.DataFrame(rows)


def _downtime(lost: Estimate) -> dict[str, float]:
    ends = {"": lost.value, ", low": lost.low, ", high": lost.high}
    return {f"downtime per 1,000{end}": 1000 * value for end, value in ends.items()}


def saving(mine: Renewals, other: Renewals, costs: Costs, seed: int) -> Estimate:
    """Return how much less ``mine`` costs per time, on the same resamples of units."""
    spent, theirs = costs.of(mine.failed), costs.of(other.failed)

    def less(rows: NDArray[np.intp]) -> float:
        return float(theirs[rows].sum() / other.life[rows].sum() - spent[rows].sum() / mine.life[rows].sum())

    everyone = np.arange(len(spent))
    return interval(less(everyone), [less(rows) for rows in resamples(len(spent), seed)])
