"""A portfolio of fixed weights: its returns, and what each position adds to its risk.

Weights are shares of the portfolio's value at the start of each day; they need not sum to one (leverage,
cash). A position's contribution is its part of the portfolio's risk in the sense of Euler: the parts
sum to the whole (Tasche 2000, "Risk contributions and performance measurement").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_platform import DataError, Finding, Run, Source

Floats = NDArray[np.float64]

PORTFOLIO = "portfolio"
"""Name of the portfolio among the instruments."""
DECAY = 0.97
"""Of the exponential average of products of standardised returns (integrated DCC; Engle 2002)."""


def read_weights(run: Run, uri: str, instruments: pd.Index[Any]) -> pd.Series[Any]:
    """Return the weight of each position, by instrument.

    Raises
    ------
    DataError
        The columns ``instrument`` and ``weight`` are not there, a weight is no number, an instrument is not
        among the returns or stands there twice.
    """
    table = run.hooks.read(Source(uri))
    missing = [name for name in ("instrument", "weight") if name not in table]
    found = [Finding("error", "is missing from the file of weights", name) for name in missing]
    if found:
        raise DataError(found, uri)
    names = table["instrument"].astype(str)
    weights = pd.to_numeric(table["weight"], errors="coerce")
    for wrong, said in (
        (weights.isna(), "has a weight that is no number"),
        (~names.isin(instruments), f"is not among the returns ({', '.join(map(str, instruments[:10]))})"),
        (names.duplicated(), "stands there twice"),
    ):
        found += [Finding("error", f"{name!r} {said}", "instrument") for name in names[wrong]]
    if found:
        raise DataError(found, uri)
    return pd.Series(weights.to_numpy(dtype=float), names.to_numpy(), name="weight")


def portfolio_returns(returns: pd.Series[Any], weights: pd.Series[Any], logs: bool) -> pd.Series[Any]:
    """Return the portfolio's return of each day on which all positions have one.

    ``returns`` are indexed by date and instrument; ``logs`` says that they are logarithms, as is then the
    result: simple returns add up over positions, logarithms do not.
    """
    wide = returns.unstack(level=1)[list(weights.index)].dropna()
    numbers, shares = wide.to_numpy(dtype=float), weights.to_numpy()
    earned = np.log1p(np.maximum(np.expm1(numbers) @ shares, -0.999_999)) if logs else numbers @ shares
    return pd.Series(earned, wide.index)


@dataclass(frozen=True)
class Contributions:
    """What positions add to the portfolio's risk of the next day, in the unit of the returns."""

    volatility: pd.Series[Any]
    """By instrument; sums to the portfolio's volatility."""
    shortfall: pd.Series[Any]
    """By instrument; sums to the portfolio's expected shortfall."""
    correlation: pd.DataFrame


def contributions(
    z: pd.DataFrame, volatility: pd.Series[Any], weights: pd.Series[Any], level: float
) -> Contributions:
    """Return each position's part of tomorrow's volatility and expected shortfall.

    Parameters
    ----------
    z : DataFrame
        Standardised returns of the positions, a row per day, the latest last.
    volatility : Series
        Forecast of the positions' volatility for tomorrow.
    level : float
        Tail probability of the shortfall.

    Notes
    -----
    Volatility from today's correlations; the shortfall by multivariate filtered historical simulation: the
    standardised returns of each past day, taken together, at tomorrow's volatility.
    """
    names = list(weights.index)
    standardised, w = z[names].dropna().to_numpy(dtype=float), weights.to_numpy()
    sigma = volatility[names].to_numpy(dtype=float)
    correlation = correlation_now(standardised)
    marginal = (correlation * np.outer(sigma, sigma)) @ w
    whole = float(np.sqrt(max(w @ marginal, 0.0)))
    losses = -standardised * sigma * w
    total = losses.sum(axis=1)
    tail = total >= np.quantile(total, 1 - level)
    return Contributions(
        pd.Series(w * marginal / max(whole, 1e-300), names),
        pd.Series(losses[tail].mean(axis=0), names),
        pd.DataFrame(correlation, names, names),
    )


def correlation_now(z: Floats) -> Floats:
    """Return the correlations of standardised returns, shape (days, n), the later days weighing more."""
    share = DECAY ** np.arange(len(z))[::-1]
    covariance = (z * (share / share.sum())[:, None]).T @ z
    deviation = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    return np.asarray(covariance / np.outer(deviation, deviation))
