"""How early and how well the end of a life was seen coming: measures of prognostics.

Saxena et al. 2010, "Metrics for offline evaluation of prognostic performance", sections 4.1 and 4.2.
All are of whole lives: units with a prediction at each of their moments, made without having seen them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ALPHA = 0.2
"""Share of the life left by which a prediction may be off."""
LAMBDAS = tuple(round(0.05 * step, 2) for step in range(21))


def whole_lives(age: Floats, left: Floats, predictions: pd.DataFrame, cap: float) -> pd.DataFrame:
    """Return rows of ``unit, age, left, rul, low, high``, in order, of units that were seen to fail.

    ``left`` is what each row had left, capped; at the last row of a unit that failed it is 0. What was
    left above the cap follows from the ages.
    """
    rows = predictions.reset_index(names="unit").assign(age=age, left=left)
    ended = rows.groupby("unit")["left"].transform(lambda part: (part == 0).any())
    lives = rows[ended].sort_values(["unit", "age"], kind="stable")
    end = lives.groupby("unit")["age"].transform("max")
    return lives.assign(left=end - lives["age"], cap=cap).reset_index(drop=True)


def share_within(lives: pd.DataFrame) -> pd.Series[Any]:
    """Return, for each share of life lived (lambda), how many units' predictions are within alpha.

    A prediction counts as within if it is off by no more than ``ALPHA`` of what was left, both up to the
    cap. Each unit has its say once, by its moment nearest to lambda.
    """
    truth = np.minimum(lives["left"], lives["cap"])
    within = (lives["rul"] - truth).abs() <= ALPHA * truth + 1e-9
    lived = lives["age"] / (lives["age"] + lives["left"])
    frame = pd.DataFrame({"unit": lives["unit"], "lived": lived, "within": within})
    shares = []
    for point in LAMBDAS:
        nearest = (frame["lived"] - point).abs().groupby(frame["unit"]).idxmin()
        shares.append(float(frame.loc[nearest, "within"].mean()))
    return pd.Series(shares, index=pd.Index(LAMBDAS, name="share of life lived"))


def horizons(lives: pd.DataFrame, tolerance: float) -> pd.Series[Any]:
    """Return each unit's prognostic horizon: what was left when it began to be right to the end.

    Right is to be off by no more than ``tolerance``, in the unit of time, both up to the cap. 0: it
    never was.

    >>> life = pd.DataFrame({"unit": "a", "left": [3.0, 2, 1, 0], "rul": [9.0, 2, 1, 1], "cap": 99.0})
    >>> horizons(life, 1.0).tolist()
    [2.0]
    """
    late = (lives["rul"] - np.minimum(lives["left"], lives["cap"])).abs() > tolerance
    found = {}
    for unit, wrong in late.groupby(lives["unit"], sort=False):
        left = lives.loc[wrong.index, "left"].to_numpy()
        last = np.flatnonzero(wrong.to_numpy())
        start = last[-1] + 1 if len(last) else 0
        found[unit] = float(left[start]) if start < len(left) else 0.0
    return pd.Series(found, dtype=float)
