"""The quantiles of a forecast: its levels, and how they are kept in order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]

LEVELS = (0.025, *(round(0.05 * step, 2) for step in range(1, 20)), 0.975)
"""Probabilities that the truth is at most the quantile."""
COLUMNS = tuple(f"q{level:.3f}" if level in (0.025, 0.975) else f"q{level:.2f}" for level in LEVELS)
MEDIAN = LEVELS.index(0.5)
GRID = tuple(np.arange(1, 20) / 20)
"""The levels of quantile losses: 0.05 to 0.95."""


def between(levels: tuple[float, ...], quantiles: Floats) -> Floats:
    """Return the quantiles of ``LEVELS`` from those of fewer levels, shape (rows, levels).

    Straight lines between them on the scale of the normal distribution, on which a normal
    forecast's quantiles are one line; crossing quantiles are sorted first (Chernozhukov,
    Fernandez-Val and Galichon 2010, "Quantile and probability curves without crossing").

    >>> between((0.05, 0.5, 0.95), norm.ppf([[0.05, 0.5, 0.95]]))[0, [0, 6, -1]].round(4)
    array([-1.96  , -0.5244,  1.96  ])
    """
    ordered = np.sort(quantiles, axis=1)
    at, wanted = norm.ppf(levels), norm.ppf(LEVELS)
    left = np.clip(np.searchsorted(at, wanted, side="right") - 1, 0, len(at) - 2)
    share = (wanted - at[left]) / (at[left + 1] - at[left])
    found = ordered[:, left] * (1 - share) + ordered[:, left + 1] * share
    return np.asarray(np.sort(found, axis=1), dtype=float)


def pinball(truth: Floats, quantiles: Floats, levels: NDArray[np.float64]) -> Floats:
    """Return the quantile loss of each row and level, shape (rows, levels).

    Koenker and Bassett (1978): ``level`` times what lies above the quantile, ``1 - level`` times
    what lies below.
    """
    above = truth[:, None] - quantiles
    return np.asarray(np.maximum(levels * above, (levels - 1) * above), dtype=float)
