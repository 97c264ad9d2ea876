"""Figures per patient and per subgroup of the held-out pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_platform.tasks.image import shares
from lepton_platform.tasks.image.report import found

FEWEST = 10
"""Pictures of a subgroup below which its figures would say nothing."""

Codes = NDArray[np.intp]


def by_subgroup(
    values: pd.Series[Any],
    truth: Codes,
    given: Codes,
    referred: NDArray[np.bool_],
    classes: Sequence[str],
    groups: Codes,
) -> pd.DataFrame:
    """Return sensitivity and specificity per value and class; small subgroups are put together.

    Of two classes only the first is told: the other's figures are the same, exchanged. Intervals draw
    the pictures of one of ``groups`` together.
    """
    counts = values.astype(str).value_counts()
    names = values.astype(str).where(values.astype(str).map(counts) >= FEWEST, "(others)")
    rows = []
    for name in sorted(names.unique()):
        inside = (names == name).to_numpy()
        for code, of in enumerate(classes[:1] if len(classes) == 2 else classes):
            rows.append(
                {
                    str(values.name): name,
                    "class": of,
                    "pictures": int(inside.sum()),
                    **found(truth[inside] == code, given[inside] == code, groups[inside]),
                    "referred": shares.written(referred[inside], groups[inside]),
                }
            )
    return pd.DataFrame(rows)


def by_patient(
    patients: pd.Series[Any], chances: NDArray[np.float64], truth: Codes, classes: Sequence[str]
) -> pd.DataFrame:
    """Return which patients of each class are found by the mean of their pictures' probabilities.

    Patients whose pictures are of several classes are left out.
    """
    pictures = pd.DataFrame(chances).assign(truth=truth).groupby(patients.to_numpy())
    table = pictures.mean()[pictures["truth"].nunique() == 1]
    true, answer = table.pop("truth").to_numpy(), table.to_numpy().argmax(axis=1)
    return pd.DataFrame(
        [
            {
                "class": name,
                "patients": int((true == code).sum()),
                **found(true == code, answer == code, None),
            }
            for code, name in enumerate(classes)
        ]
    )
