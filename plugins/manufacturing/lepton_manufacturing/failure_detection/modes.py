"""Columns that say how a part failed: known only with the failure, and part of the outcome.

A log of failures often carries a 0-or-1 column per mode of failure beside the outcome. One of them alone
ranks few cases, so that no test of single columns sees it; but where it is 1 there was a failure.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FEWEST = 10
"""Rows with a 1 below which a column proves nothing."""
SURE = 0.95
"""Share of failures among them from which the column is part of the outcome."""


def parts_of(cases: pd.DataFrame, failed: NDArray[np.int_], order: Sequence[str]) -> list[str]:
    """Return the columns that are part of the outcome, and those that were recorded with them.

    Recorded with them: 0-or-1 columns that stand in one run of such columns of the file with two or
    more that are part of the outcome. ``order`` has the columns as the file has them.

    >>> modes = {"jam": [1] * 10 + [0] * 40, "wear": [0] * 10 + [1] * 10 + [0] * 30}
    >>> table = pd.DataFrame({"speed": range(50), **modes})
    >>> parts_of(table, np.array([1] * 20 + [0] * 30), ["speed", "jam", "wear"])
    ['jam', 'wear']
    """
    flags = [name for name in order if name in cases and cases[name].isin([0, 1, "0", "1"]).all()]
    found = [name for name in flags if _implies(cases[name].astype(float) == 1, failed)]
    place = {name: number for number, name in enumerate(order)}
    runs: list[list[str]] = []
    for name in flags:
        follows = bool(runs) and place[name] == place[runs[-1][-1]] + 1
        runs = [*runs[:-1], [*runs[-1], name]] if follows else [*runs, [name]]
    recorded = [run if len(set(run) & set(found)) > 1 else sorted(set(run) & set(found)) for run in runs]
    return [name for run in recorded for name in run]


def _implies(flag: pd.Series[bool], failed: NDArray[np.int_]) -> bool:
    rows = flag.to_numpy()
    return bool(rows.sum() >= FEWEST and failed[rows].mean() >= SURE and failed.mean() < 0.5)
