"""Losses of forecasts of a distribution's tail and of its variance; lower is better.

Here losses are positive, as everywhere in Lepton; the sources write VaR and ES as quantiles of returns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def tick_loss(returns: ArrayLike, var: ArrayLike, level: float) -> Floats:
    """Return each day's quantile loss of a VaR (Koenker and Bassett 1978, "Regression quantiles").

    >>> tick_loss([-3.0, 1.0], [2.0, 2.0], 0.05).round(3).tolist()
    [0.95, 0.15]
    """
    above = np.asarray(returns, dtype=float) + np.asarray(var, dtype=float)
    return np.asarray((level - (above < 0)) * above)


def fz0_loss(returns: ArrayLike, var: ArrayLike, es: ArrayLike, level: float) -> Floats:
    """Return each day's joint loss of VaR and ES, both of one level.

    Patton, Ziegel and Chen 2019, "Dynamic semiparametric models for expected shortfall (and value-at-risk)",
    equation 6: the member of the consistent losses whose differences do not depend on the unit. Scaling
    all by ``c`` adds ``ln c``.

    >>> fz0_loss([0.5], [2.0], [2.5], 0.025).round(4).tolist()
    [0.7163]
    """
    r, v, e = (np.asarray(part, dtype=float) for part in (returns, var, es))
    hit = r <= -v
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(hit * (-v - r) / (level * e) + v / e + np.log(e) - 1)


def qlike(realised: ArrayLike, forecast: ArrayLike) -> Floats:
    """Return each day's QLIKE of a variance forecast: 0 where it equals the realised variance.

    Patton 2011, "Volatility forecast comparison using imperfect volatility proxies".

    >>> qlike([1.0, 2.0], [1.0, 1.0]).round(4).tolist()
    [0.0, 0.3069]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.asarray(realised, dtype=float) / np.asarray(forecast, dtype=float)
        return np.asarray(ratio - np.log(ratio) - 1)
