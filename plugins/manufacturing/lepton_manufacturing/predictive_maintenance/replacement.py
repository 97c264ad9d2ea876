"""When to replace a unit whose remaining life is predicted: the date with the least cost per time.

A unit of age a that is replaced u from now, or at its failure if that comes first, will have cost

    rate(u) = (c_p P(left > u) + c_f P(left <= u)) / (a + E min(left, u))

per unit of time of its life: the renewal reward of age replacement with the life left conditional on
the sensors (Banjevic et al. 2001, "A control-limit policy and software for condition-based maintenance
optimization"). u is at least the lead time, for an order takes that long.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lepton_manufacturing.predictive_maintenance.costs import Costs
from lepton_platform.tasks.remaining_life.intervals import LEVELS, LOW, LifeSpread

Floats = NDArray[np.float64]

STEPS = 125
"""Moments between now and the cap that are tried."""


@dataclass(frozen=True)
class Outlook:
    """Chances of units to fail, over a grid of times from now.

    Attributes
    ----------
    wait : ndarray of shape (times,)
        From 0 to the cap.
    failed : ndarray of shape (units, times)
        Chance that the unit has failed by then; what lies beyond the cap is not told apart.
    """

    wait: Floats
    failed: Floats

    @classmethod
    def of(cls, predicted: Floats, spread: LifeSpread) -> Outlook:
        """Return the outlook of predictions of shape (units,).

        Below the lowest quantile the chance falls exponentially, as it does from the 5 % quantile to it.
        """
        wait = np.linspace(0, spread.cap, STEPS + 1)
        quantiles = spread.quantiles(predicted)
        levels = np.append(LEVELS, 1.0)
        failed = np.empty((len(predicted), len(wait)))
        for unit, row in enumerate(quantiles):
            points = np.append(row, spread.cap) + 1e-9 * np.arange(len(levels))  # strictly rising
            scale = max(row[LOW] - row[0], 1e-9) / np.log(LEVELS[LOW] / LEVELS[0])
            tail = LEVELS[0] * np.exp(np.minimum(wait - row[0], 0) / scale)
            failed[unit] = np.where(wait < row[0], tail, np.interp(wait, points, levels))
        return cls(wait, failed)

    def chance(self, wait: float) -> Floats:
        """Return the chance of failing within ``wait``, shape (units,)."""
        return np.array([np.interp(wait, self.wait, row) for row in self.failed])

    def lived(self) -> Floats:
        """Return E min(left, u), shape (units, times)."""
        step = self.wait[1] - self.wait[0]
        survived = 1 - self.failed
        lived = np.zeros_like(survived)
        lived[:, 1:] = np.cumsum((survived[:, 1:] + survived[:, :-1]) / 2, axis=1) * step
        return lived

    def rates(self, age: Floats, costs: Costs) -> Floats:
        """Return the cost per time of a life that is ended after each wait, shape (units, times)."""
        return np.asarray(self.spent(costs) / np.maximum(age[:, None] + self.lived(), 1e-9), dtype=float)

    def spent(self, costs: Costs) -> Floats:
        """Return the expected cost of the renewal, shape (units, times)."""
        return np.asarray(costs.planned * (1 - self.failed) + costs.failure * self.failed, dtype=float)

    def worth(self, costs: Costs, rate: float) -> Floats:
        """Return what a renewal costs less what the life until then is worth, shape (units, times).

        A unit of time is worth ``rate``, the fleet's cost per time in the long run: the relative value
        of a semi-Markov decision process (Howard 1971).
        """
        return np.asarray(self.spent(costs) - rate * self.lived(), dtype=float)


def best_wait(outlook: Outlook, age: Floats, costs: Costs, lead_time: float) -> Floats:
    """Return the wait of least cost rate from now on, shape (units,).

    It is the lead time itself where waiting longer only costs more: order now. It is the cap where
    nothing speaks for a replacement as far as can be seen.
    """
    first = min(int(np.searchsorted(outlook.wait, lead_time)), len(outlook.wait) - 1)
    best = outlook.rates(age, costs)[:, first:].argmin(axis=1)
    return np.where(best == 0, lead_time, outlook.wait[first:][best])
