"""Replacement on age alone: what to do where nothing is known of a unit but how long lives are.

Age replacement renews a unit at age T or at its failure, whichever comes first; by the renewal reward
theorem it costs (Barlow and Proschan, Mathematical Theory of Reliability, 1965, section 4.2)

    rate(T) = (c_p S(T) + c_f F(T)) / integral of S from 0 to T

per unit of time. Times are in the unit of the log, costs in any one unit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import gamma, gammainc

from lepton_manufacturing.predictive_maintenance.costs import Costs

Floats = NDArray[np.float64]


def weibull_rate(age: float, shape: float, scale: float, costs: Costs) -> float:
    """Return the cost rate of replacing at ``age`` where lives are Weibull.

    >>> round(weibull_rate(0.5107, 2.0, 1.0, Costs(1.0, 5.0)), 4)
    4.0852
    """
    spent = (age / scale) ** shape
    failed = -np.expm1(-spent)
    lived = scale * gamma(1 + 1 / shape) * gammainc(1 / shape, spent)
    return float((costs.planned * (1 - failed) + costs.failure * failed) / lived)


def run_to_failure_rate(shape: float, scale: float, costs: Costs) -> float:
    """Return the cost rate of never replacing: c_f over the mean life.

    >>> round(run_to_failure_rate(2.0, 1.0, Costs(1.0, 5.0)), 4)
    5.6419
    """
    return float(costs.failure / (scale * gamma(1 + 1 / shape)))


def weibull_age(shape: float, scale: float, costs: Costs) -> float:
    """Return the age of replacement with the least cost rate; infinity where it never pays.

    With ``shape`` up to 1 a unit is as good at any age as new, and a new one costs.

    >>> round(weibull_age(2.0, 1.0, Costs(1.0, 10.0)), 4)
    0.3365
    >>> weibull_age(0.9, 1.0, Costs(1.0, 10.0))
    inf
    """
    if shape <= 1 or costs.failure <= costs.planned:
        return float("inf")

    def rate(logged: float) -> float:
        return weibull_rate(float(np.exp(logged)) * scale, shape, scale, costs)

    found = minimize_scalar(
        rate, bounds=(np.log(1e-4), np.log(20)), method="bounded", options={"xatol": 1e-9}
    )
    best = float(np.exp(found.x)) * scale
    return best if found.fun < run_to_failure_rate(shape, scale, costs) else float("inf")


def interval_of(lives: ArrayLike, costs: Costs) -> float:
    """Return the fixed interval that would have cost least on these lives; infinity: never.

    >>> interval_of([10.0, 20.0, 30.0], Costs(1.0, 10.0)) < 10
    True
    """
    known = np.sort(np.asarray(lives, dtype=float))
    tried = np.append(np.nextafter(known, 0), np.inf)  # just before each failure is best
    rates = [
        (costs.planned * (known > age).sum() + costs.failure * (known <= age).sum())
        / np.minimum(known, age).sum()
        for age in tried
    ]
    return float(tried[int(np.argmin(rates))])
