"""Which way risk goes with a column: +1 never down, -1 never up, 0 neither or not to be told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import xlogy
from scipy.stats import chi2
from sklearn.isotonic import IsotonicRegression

Floats = NDArray[np.float64]
SIGNIFICANCE = 0.05


def directions(table: pd.DataFrame, outcome: NDArray[np.int_]) -> dict[str, int]:
    """Return the direction of each column of numbers in ``table``; ``outcome`` is 0 or 1 per row."""
    numbers = table.select_dtypes("number")
    return {str(name): direction(values.to_numpy(np.float64), outcome) for name, values in numbers.items()}


def direction(values: Floats, outcome: NDArray[Any], groups: int = 10) -> int:
    """Return which way the rate of ``outcome`` goes with ``values``, both of shape (n,).

    Over groups of about equally many cases, a rate that only rises (or only falls) must fit better
    than one rate for all, and no worse than a rate for each group. Both are likelihood-ratio tests
    whose statistic, given the number of different rates in the monotone fit, is chi-square with that
    number less 1, and with the groups less that number, degrees of freedom: Robertson, Wright and
    Dykstra, Order Restricted Statistical Inference (1988), section 2.3. Missing values are left out.

    Examples
    --------
    >>> debt = np.repeat([0.0, 1.0, 2.0], 100)
    >>> rises = np.concatenate([np.arange(100) < rate for rate in (10, 20, 40)]).astype(int)
    >>> turns = np.concatenate([np.arange(100) < rate for rate in (10, 40, 10)]).astype(int)
    >>> direction(debt, rises), direction(-debt, rises), direction(debt, turns)
    (1, -1, 0)
    """
    known = np.isfinite(values)
    cases, events = _counts(values[known], outcome[known], groups)
    if len(cases) < 2:
        return 0
    rates = events / cases
    fits = {sign: _monotone(rates, cases, sign) for sign in (1, -1)}
    sign = min(fits, key=lambda sign: _deviance(cases, events, fits[sign]))
    fit, levels = fits[sign], len(np.unique(fits[sign]))
    flat = np.full(len(cases), events.sum() / cases.sum())
    moves = _significant(_deviance(cases, events, flat) - _deviance(cases, events, fit), levels - 1)
    turns = _significant(_deviance(cases, events, fit) - _deviance(cases, events, rates), len(cases) - levels)
    return sign if moves and not turns else 0


def _counts(values: Floats, outcome: NDArray[Any], groups: int) -> tuple[Floats, Floats]:
    """Return cases and events per group of neighbouring values; equal values share a group."""
    if not len(values):
        return np.empty(0), np.empty(0)
    edges = np.unique(np.quantile(values, np.linspace(0, 1, groups + 1)[1:-1]))
    place = np.searchsorted(edges, values, side="left")
    cases = np.bincount(place).astype(np.float64)
    events = np.bincount(place, weights=outcome).astype(np.float64)
    return cases[cases > 0], events[cases > 0]


def _monotone(rates: Floats, cases: Floats, sign: int) -> Floats:
    order = np.arange(len(rates))
    fitted = IsotonicRegression(increasing=sign > 0).fit_transform(order, rates, sample_weight=cases)
    return np.asarray(np.round(fitted, 12), dtype=np.float64)  # pooled groups share one rate exactly


def _deviance(cases: Floats, events: Floats, rates: Floats) -> float:
    return float(-2 * (xlogy(events, rates) + xlogy(cases - events, 1 - rates)).sum())


def _significant(statistic: float, freedom: int) -> bool:
    return freedom > 0 and bool(chi2.sf(statistic, freedom) < SIGNIFICANCE)
