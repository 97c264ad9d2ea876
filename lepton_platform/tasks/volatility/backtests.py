"""Backtests: whether losses beyond VaR come as often, and as far apart, as they should.

``hits`` are 0 and 1, a 1 for each day on which the loss was beyond the VaR of the tail probability
``level``; days in order. A p-value near 0 speaks against the model.
"""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlog1py, xlogy
from scipy.stats import binom, chi2, norm

Floats = NDArray[np.float64]
YEAR = 250
"""Days that the traffic light looks back on."""
Zone = Literal["green", "yellow", "red"]
DQ_LAGS = 4


class Backtest(NamedTuple):
    """A statistic and the chance of one as large if the model is right."""

    statistic: float
    p: float


def kupiec(hits: ArrayLike, level: float) -> Backtest:
    """Test unconditional coverage (Kupiec 1995, "Techniques for verifying ... risk measurement models").

    >>> tuple(round(part, 4) for part in kupiec([1] * 5 + [0] * 245, 0.01))
    (1.9568, 0.1619)
    """
    counted = np.asarray(hits, dtype=float)
    n, x = len(counted), counted.sum()
    statistic = 2 * (_likelihood(x, n - x, x / n) - _likelihood(x, n - x, level)) if n else 0.0
    return Backtest(max(float(statistic), 0.0), float(chi2.sf(max(statistic, 0.0), 1)))


def independence(hits: ArrayLike) -> Backtest:
    """Test whether a hit makes another one the next day likelier (Christoffersen 1998), on n - 1 transitions.

    >>> independence([0, 1] * 50).p < 1e-9, independence([0] * 10).statistic
    (True, 0.0)
    """
    counted = np.asarray(hits, dtype=bool)
    before, after = counted[:-1], counted[1:]
    n01, n00 = (~before & after).sum(), (~before & ~after).sum()
    n11, n10 = (before & after).sum(), (before & ~after).sum()
    both = n01 + n11
    p, p01, p11 = (
        part / max(whole, 1) for part, whole in ((both, len(after)), (n01, n00 + n01), (n11, n10 + n11))
    )
    alike = _likelihood(both, n00 + n10, p)
    statistic = 2 * (_likelihood(n01, n00, p01) + _likelihood(n11, n10, p11) - alike)
    return Backtest(max(float(statistic), 0.0), float(chi2.sf(max(statistic, 0.0), 1)))


def conditional_coverage(hits: ArrayLike, level: float) -> Backtest:
    """Test both at once: the sum of the two (Christoffersen 1998, "Evaluating interval forecasts")."""
    statistic = kupiec(hits, level).statistic + independence(hits).statistic
    return Backtest(statistic, float(chi2.sf(statistic, 2)))


def _likelihood(hits: float, others: float, p: float) -> float:
    return float(xlogy(hits, p) + xlog1py(others, -p))


def dynamic_quantile(hits: ArrayLike, var: ArrayLike, level: float) -> Backtest:
    """Test whether hits can be foretold from earlier ones and from the VaR itself.

    Engle and Manganelli 2004, "CAViaR": the regression of hit - level on a constant, four lags and the
    VaR. With too few days, or hits that are all alike, nothing can be said: NaN.
    """
    excess = np.asarray(hits, dtype=float) - level
    n = len(excess) - DQ_LAGS
    if n < 10 * DQ_LAGS or np.ptp(excess) == 0:
        return Backtest(float("nan"), float("nan"))
    scaled = np.asarray(var, dtype=float)[DQ_LAGS:]
    lagged = [excess[DQ_LAGS - lag : len(excess) - lag] for lag in range(1, DQ_LAGS + 1)]
    X = np.column_stack([np.ones(n), scaled / max(np.abs(scaled).max(), 1e-300), *lagged])
    fitted = X @ np.linalg.lstsq(X, excess[DQ_LAGS:], rcond=None)[0]
    statistic = float(fitted @ fitted / (level * (1 - level)))
    return Backtest(statistic, float(chi2.sf(statistic, np.linalg.matrix_rank(X))))


def acerbi_szekely(returns: ArrayLike, var: ArrayLike, es: ArrayLike, level: float) -> Backtest:
    """Test the ES: 0 is expected, below 0 losses in the tail were greater than foreseen.

    Acerbi and Szekely 2014, "Backtesting expected shortfall", the second statistic; its p-value, one-sided,
    from the normal approximation to the mean of the days' terms.
    """
    r, v, e = (np.asarray(part, dtype=float) for part in (returns, var, es))
    terms = (r < -v) * r / (level * e) + 1
    if len(terms) < 2 or np.ptp(terms) == 0:
        return Backtest(float(terms.mean()) if len(terms) else float("nan"), float("nan"))
    statistic = float(terms.mean())
    return Backtest(statistic, float(norm.cdf(statistic / (terms.std(ddof=1) / np.sqrt(len(terms))))))


@cache
def zones(n: int, level: float) -> tuple[int, int]:
    """Return the least number of hits in ``n`` days that is yellow, and the least that is red.

    Basel Committee 1996, "Supervisory framework for the use of backtesting": yellow from a cumulative
    chance of 95 %, red from 99.99 %.

    >>> zones(250, 0.01)
    (5, 10)
    """
    return int(binom.ppf(0.95, n, level)), int(binom.ppf(0.9999, n, level))


def traffic_light(hits: ArrayLike, level: float) -> tuple[Zone, int]:
    """Return the zone of the last ``YEAR`` days, and the hits in them.

    >>> traffic_light([1] * 4 + [0] * 246, 0.01), traffic_light([1] * 5 + [0] * 245, 0.01)
    (('green', 4), ('yellow', 5))
    """
    last = np.asarray(hits, dtype=bool)[-YEAR:]
    count = int(last.sum())
    yellow, red = zones(max(len(last), 1), level)
    return "red" if count >= red else "yellow" if count >= yellow else "green", count


def zone_of(count: NDArray[np.int_], n: int, level: float) -> NDArray[np.int_]:
    """Return the zones of several counts of hits in ``n`` days: 0 green, 1 yellow, 2 red."""
    return np.searchsorted(np.array(zones(n, level)), count, side="right")
