"""Predictions of cases with one column changed at a time, asked of any model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BATCH = 50_000
"""Changed cases that are predicted together: few calls, and memory that stays flat."""


def what_if(
    predict: Callable[[pd.DataFrame], Floats], cases: pd.DataFrame, changes: Mapping[str, pd.Series[Any]]
) -> pd.DataFrame:
    """Return the predictions when one column is changed and the others stay, shape (n, changes).

    Parameters
    ----------
    predict : function of a frame
        Gives a number per row.
    cases : frame of n rows
    changes : column → series of n values
        What stands in for the column; a case that has the value already is not asked again.

    Examples
    --------
    >>> cases = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    >>> zeros = pd.Series([0.0, 0.0])
    >>> what_if(lambda rows: rows.sum(axis=1).to_numpy(), cases, {"a": zeros, "b": zeros})
         a    b
    0  3.0  1.0
    1  4.0  2.0
    """
    unchanged = predict(cases)
    answers = {name: unchanged.copy() for name in changes}
    waiting: list[tuple[str, NDArray[np.intp], pd.DataFrame]] = []
    for name, values in changes.items():
        rows = np.flatnonzero(_differs(cases[name], values))
        changed = cases.iloc[rows].assign(**{name: values.iloc[rows].to_numpy()})
        waiting.append((name, rows, changed.astype({name: cases[name].dtype})))
        if sum(len(rows) for _, rows, _ in waiting) >= BATCH:
            _ask(predict, waiting, answers)
    _ask(predict, waiting, answers)
    return pd.DataFrame(answers, index=cases.index)


def _differs(values: pd.Series[Any], others: pd.Series[Any]) -> NDArray[np.bool_]:
    mine, theirs = values.to_numpy(), others.to_numpy()
    both_missing = values.isna().to_numpy() & others.isna().to_numpy()
    return np.asarray((mine != theirs) & ~both_missing, dtype=bool)


def _ask(
    predict: Callable[[pd.DataFrame], Floats],
    waiting: list[tuple[str, NDArray[np.intp], pd.DataFrame]],
    answers: dict[str, Floats],
) -> None:
    asked = [changed for _, rows, changed in waiting if len(rows)]
    if asked:
        predicted = predict(pd.concat(asked, ignore_index=True))
        ends = np.cumsum([len(rows) for _, rows, _ in waiting])
        for (name, rows, _), part in zip(waiting, np.split(predicted, ends[:-1]), strict=True):
            answers[name][rows] = part
    waiting.clear()
