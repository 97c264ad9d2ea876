"""How far a distribution has moved: the population stability index, and what it is taken to mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

CHANGE, SHIFT = 0.1, 0.25
"""Below the first, stable; above the second, another distribution: a convention (Siddiqi 2006, "Credit risk
scorecards")."""


def psi(expected: ArrayLike, actual: ArrayLike) -> float:
    """Return the population stability index of two histograms: sum (a - e) ln(a / e) over their bins.

    Parameters
    ----------
    expected, actual : array of shape (bins,)
        Shares, each summing to 1 and none of them 0.

    Examples
    --------
    >>> psi([0.5, 0.5], [0.5, 0.5])
    0.0
    >>> round(psi([0.5, 0.5], [0.9, 0.1]), 3)
    0.879
    """
    e, a = np.asarray(expected, dtype=float), np.asarray(actual, dtype=float)
    return float(((a - e) * np.log(a / e)).sum())
