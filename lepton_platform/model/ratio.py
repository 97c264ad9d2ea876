"""Metrics that are ratios of sums over groups of cases: series, customers, engines.

Whole groups are drawn for their intervals, for the rows of one are alike; and since a group adds a
numerator and a denominator of its own, a resample costs no more than adding these up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Parts = tuple[Floats, Floats]
"""Numerator and denominator of each group, shape (groups,) each."""


class Ratio:
    """A metric's function: the sum of its numerators over that of its denominators.

    ``parts`` returns both from truth and predictions, the groups always in the same order.

    Examples
    --------
    >>> def error(truth, predictions):
    ...     missed = (predictions["mean"] - truth).abs().groupby(level=0).sum()
    ...     return missed.to_numpy(), np.ones(len(missed))
    >>> told = pd.DataFrame({"mean": [1.0, 2.0, 5.0]}, index=["a", "a", "b"])
    >>> Ratio(error)(np.array([1.0, 1.0, 2.0]), told)
    2.0
    """

    def __init__(self, parts: Callable[[NDArray[Any], pd.DataFrame], Parts]) -> None:
        self.parts = parts

    def __call__(self, truth: NDArray[Any], predictions: pd.DataFrame) -> float:
        return ratio(*self.parts(truth, predictions))


def ratio(numerators: Floats, denominators: Floats) -> float:
    """Return the ratio of two sums; NaN where nothing is divided by.

    >>> ratio(np.array([1.0, 2.0]), np.array([2.0, 4.0]))
    0.5
    """
    below = denominators.sum()
    return float(numerators.sum() / below) if below > 0 else float("nan")
