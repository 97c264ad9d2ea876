"""Which sensors speak for an early end: what each adds to the prediction of the boosted trees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lepton_platform.tasks.remaining_life.blend import LifeBlend
from lepton_platform.tasks.remaining_life.boosting import LifeBoosting
from lepton_platform.tasks.remaining_life.windows import INDEX, WindowFeatures

COUNT = 3
"""Drivers that are told of a unit."""


def contributions(model: LifeBlend, cases: pd.DataFrame) -> pd.DataFrame | None:
    """Return what each sensor adds to the life left, in the unit of time, one row per case.

    Of the boosting in the blend, against its mean over all that it learned from; ``None`` where the
    blend has none. What the wear index adds is shared among sensors by how far each has moved it.
    """
    for member in model.named_members.values():
        estimator = getattr(member[-1], "estimator_", member[-1])
        if isinstance(estimator, LifeBoosting):
            table = member[:-1].transform(cases)
            return _by_sensor(estimator.contributions(table), table, member.named_steps["windows"])
    return None


def _by_sensor(parts: pd.DataFrame, table: pd.DataFrame, windows: WindowFeatures) -> pd.DataFrame:
    sensors = [name.rpartition(": ")[0] or name for name in parts.columns]
    summed = parts.T.groupby(sensors, sort=False).sum().T
    drift = table[[name for name in table.columns if name.endswith(": drift")]]
    moved = drift.fillna(0).to_numpy() * windows.wear_
    share = moved / np.maximum(np.abs(moved).sum(axis=1, keepdims=True), 1e-12)
    index = summed.pop(INDEX).to_numpy()[:, None]
    names = [name.removesuffix(": drift") for name in drift.columns]
    return summed.add(pd.DataFrame(np.abs(share) * index, summed.index, names), fill_value=0)


def named(parts: pd.DataFrame | None, index: pd.Index[Any]) -> pd.DataFrame:
    """Return columns ``driver_1`` ...: the sensors that shorten the life left most; empty if none does."""
    columns = [f"driver_{place + 1}" for place in range(COUNT)]
    if parts is None or parts.empty:
        return pd.DataFrame("", index=index, columns=columns)
    rows = []
    for _, row in parts.iterrows():
        lowest = row.nsmallest(COUNT)
        told = [f"{name} ({value:+.1f})" for name, value in lowest.items() if value < 0]
        rows.append(told + [""] * (COUNT - len(told)))
    return pd.DataFrame(rows, index=index, columns=columns)
