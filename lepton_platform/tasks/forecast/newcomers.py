"""Series without a past: forecast as the known series most like them.

Likeness is the number of attributes that two series share; without attributes, all are alike.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_platform.tasks.forecast.panel import Panel

Floats = NDArray[np.float64]

MOST_DONORS = 20


def donors(panel: Panel, attributes: NDArray[np.str_]) -> NDArray[np.intp]:
    """Return the positions of the series that share most attributes; of many, some spread evenly.

    ``attributes`` has shape (attributes,), in the panel's order.
    """
    began = panel.began() < panel.periods
    shared = np.where(began, (panel.attributes == attributes).sum(axis=1), -1)
    alike = np.flatnonzero(shared == shared.max())
    evenly = np.linspace(0, len(alike) - 1, min(len(alike), MOST_DONORS))
    return np.asarray(alike[np.unique(evenly.astype(int))], dtype=np.intp)


def with_newcomers(predict: Callable[[pd.DataFrame], Floats], X: pd.DataFrame, panel: Panel) -> Floats:
    """Return ``predict`` of all rows of ``X``; an unknown series gets the median of its donors' forecasts.

    The donors are asked with the newcomer's own covariates. ``predict`` returns shape (rows, ...).
    """
    codes, names = pd.factorize(X.index.get_level_values(0))
    known = pd.Index(panel.series).get_indexer(names.astype(str)) >= 0
    if known.all():
        return predict(X)
    answers: Floats | None = None
    old = known[codes]
    if old.any():
        told = predict(X[old])
        answers = np.empty((len(X), *told.shape[1:]))
        answers[old] = told
    for code in np.flatnonzero(~known):
        rows = np.flatnonzero(codes == code)
        part = X.iloc[rows]
        attributes = part[list(panel.attribute_names)].iloc[0].to_numpy(dtype=str)
        asked = [_renamed(part, str(panel.series[donor])) for donor in donors(panel, attributes)]
        told = predict(pd.concat(asked)).reshape(len(asked), len(rows), -1)
        if answers is None:
            answers = np.empty((len(X), told.shape[2]))
        answers[rows] = np.median(told, axis=0)
    assert answers is not None
    return answers


def _renamed(rows: pd.DataFrame, series: str) -> pd.DataFrame:
    times = rows.index.get_level_values(1)
    index = pd.MultiIndex.from_arrays([[series] * len(rows), times], names=rows.index.names)
    return rows.set_axis(index)
