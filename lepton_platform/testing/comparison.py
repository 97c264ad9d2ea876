"""Tables compared, the difference told in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ROUNDING = 1e-6
"""Difference of sums that were only taken in another order: networks add in 32 bits, and in another
order for one case than for a batch."""


def difference(left: pd.DataFrame, right: pd.DataFrame, tolerance: float = 0.0) -> str:
    """Return in words how two tables differ, or nothing if they do not.

    ``tolerance`` is absolute and relative. Rows are compared by their place.

    >>> a = pd.DataFrame({"p": [0.1, 0.2]})
    >>> difference(a, pd.DataFrame({"p": [0.1, 0.5]}))
    "column 'p' differs in 1 of 2 rows, first 0.2 and 0.5"
    >>> difference(a, a + 1e-12, tolerance=1e-9)
    ''
    """
    if list(left.columns) != list(right.columns):
        return f"the columns are {', '.join(map(str, left))} and {', '.join(map(str, right))}"
    if len(left) != len(right):
        return f"there are {len(left)} and {len(right)} rows"
    for name in left.columns:
        differs = ~_equal(left[name], right[name], tolerance)
        if differs.any():
            first = int(np.flatnonzero(differs)[0])
            values = f"{left[name].iloc[first]} and {right[name].iloc[first]}"
            return f"column {name!r} differs in {differs.sum()} of {len(left)} rows, first {values}"
    return ""


def _equal(left: pd.Series[Any], right: pd.Series[Any], tolerance: float) -> NDArray[np.bool_]:
    empty = left.isna().to_numpy() & right.isna().to_numpy()
    if all(pd.api.types.is_numeric_dtype(values) for values in (left, right)):
        a, b = (values.to_numpy(dtype=float) for values in (left, right))
        return np.asarray(empty | np.isclose(a, b, rtol=tolerance, atol=tolerance))
    pairs = zip(left.astype(object), right.astype(object), strict=True)
    same = [bool(np.all(a == b)) for a, b in pairs]
    return np.asarray(empty | np.asarray(same, dtype=bool))
