"""Shares of pictures with their uncertainty."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import binomtest

from lepton_platform.model import evaluation
from lepton_platform.model.ratio import ratio


def interval(found: ArrayLike, groups: ArrayLike | None = None) -> tuple[float, float]:
    """Return the 95 % interval of the share of what is true; (0, 1) of nothing.

    Wilson's (1927). Where pictures are several of a group (a patient), whole groups are drawn in a
    bootstrap instead; of a share of 0 or 1, which no resample changes, it is Wilson's over groups.

    >>> interval([True] * 36 + [False] * 6)
    (0.7216, 0.9328)
    """
    right = np.asarray(found, dtype=bool)
    codes = pd.factorize(np.asarray(groups))[0] if groups is not None else np.arange(len(right))
    sizes = np.bincount(codes).astype(np.float64)
    of_group = np.bincount(codes, right).astype(np.float64)
    if len(sizes) == len(right) or right.all() or not right.any():
        units = len(sizes)
        return _wilson(units if right.all() else int(right.sum()), units)
    draws = [ratio(of_group[drawn], sizes[drawn]) for drawn in evaluation.resamples(len(sizes), seed=0)]
    _, low, high = evaluation.interval(float(right.mean()), draws, (0.0, 1.0))
    return round(low, 4), round(high, 4)


def _wilson(found: int, of: int) -> tuple[float, float]:
    if of == 0:
        return 0.0, 1.0
    low, high = binomtest(found, of).proportion_ci(method="wilson")
    return round(float(low), 4), round(float(high), 4)


def written(found: ArrayLike, groups: ArrayLike | None = None) -> str:
    """Write the share of what is true for people, with its interval.

    >>> written([True] * 36 + [False] * 6)
    '85.7 % (72.2 to 93.3)'
    """
    right = np.asarray(found, dtype=bool)
    if len(right) == 0:
        return "none"
    low, high = interval(right, groups)
    return f"{100 * right.mean():.1f} % ({100 * low:.1f} to {100 * high:.1f})"
