"""Tables with something changed in them, to see what depends on it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def exchanged(table: pd.DataFrame, column: str, seed: int = 0) -> pd.DataFrame:
    """Return the table with the values of one column exchanged among its rows, at random.

    >>> table = pd.DataFrame({"age": [1, 2, 3, 4], "left": [0, 0, 1, 1]})
    >>> exchanged(table, "left")["left"].tolist()
    [1, 0, 0, 1]
    """
    order = np.random.default_rng(seed).permutation(len(table))
    return table.assign(**{column: table[column].to_numpy()[order]})


def distorted(table: pd.DataFrame, rows: NDArray[np.intp], columns: Sequence[str]) -> pd.DataFrame:
    """Return the table with other values at ``rows`` of ``columns``.

    Numbers are tripled; of other columns each value becomes the next of those that occur, so that no
    new one appears. Gaps stay gaps.

    >>> table = pd.DataFrame({"age": [20, 30, 40], "home": ["own", "rent", "own"]})
    >>> distorted(table, np.array([1, 2]), ["age", "home"])
       age  home
    0   20   own
    1   90   own
    2  120  rent
    """
    changed = table.copy()
    for name in columns:
        values = table[name].iloc[rows]
        if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            changed.loc[table.index[rows], name] = values * 3
        elif not pd.api.types.is_datetime64_any_dtype(values):
            levels = sorted(table[name].dropna().unique(), key=str)
            following = dict(zip(levels, [*levels[1:], *levels[:1]], strict=True))
            changed.loc[table.index[rows], name] = values.map(following)
    return changed


def marked(rows: pd.DataFrame, column: str, value: object) -> pd.DataFrame:
    """Return the rows with ``value`` in ``column`` of the first, whatever the column's type was.

    >>> marked(pd.DataFrame({"age": [20, 30]}), "age", None)["age"].tolist()
    [None, 30]
    """
    values = rows[column].astype(object).tolist()
    return rows.assign(**{column: pd.Series([value, *values[1:]], index=rows.index, dtype=object)})
