"""Figures per patient and per subgroup of the held-out pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_platform.tasks.image import shares

FEWEST = 10
"""Pictures of a subgroup below which its figures would say nothing."""


def by_subgroup(
    values: pd.Series[Any], right: NDArray[np.bool_], referred: NDArray[np.bool_]
) -> pd.DataFrame:
    """Return right answers and referrals per value; small subgroups are put together."""
    counts = values.astype(str).value_counts()
    names = values.astype(str).where(values.astype(str).map(counts) >= FEWEST, "(others)")
    rows = []
    for name in sorted(names.unique()):
        inside = (names == name).to_numpy()
        rows.append(
            {
                str(values.name): name,
                "right answers": shares.written(int(right[inside].sum()), int(inside.sum())),
                "referred": shares.written(int(referred[inside].sum()), int(inside.sum())),
            }
        )
    return pd.DataFrame(rows)


def by_patient(
    patients: pd.Series[Any], chances: NDArray[np.float64], truth: NDArray[np.intp], classes: list[str]
) -> pd.DataFrame:
    """Return how many patients of each class are found by the mean of their pictures' probabilities.

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
                "found (sensitivity)": shares.written(
                    int((answer[true == code] == code).sum()), int((true == code).sum())
                ),
            }
            for code, name in enumerate(classes)
        ]
    )
