"""Predictions of a run's test cases: of many, block by block, so that a crash costs one block."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from lepton_platform import store
from lepton_platform.data.dataset import Dataset
from lepton_platform.model.training import CHECKPOINTS

if TYPE_CHECKING:
    from lepton_platform.run import Run

ROWS_AT_ONCE = 100_000
"""Test cases that are predicted together."""


def predict_test(run: Run, part: Literal["model", "baseline"]) -> pd.DataFrame:
    """Return what the run's model, or its baseline, says of the test cases.

    Each of several blocks is kept in the run folder until the model stage is done; a resumed run makes
    only those that are missing.
    """
    fitted, blocks = getattr(run, part), blocks_of(run.test)
    if len(blocks) == 1:
        return run.hooks.predict(fitted, run.test.cases)
    paths = [run.folder / CHECKPOINTS / f"{part}-{number}.parquet" for number in range(len(blocks))]
    if (done := sum(path.exists() for path in paths)) > 0:
        run.log(f"{done} of {len(blocks)} blocks of the {part}'s predictions were there already")
    for number, (rows, path) in enumerate(zip(blocks, paths, strict=True)):
        run.hooks.progress(number, len(blocks), f"predicting by the {part}")
        if not path.exists():
            _keep(run.hooks.predict(fitted, run.test.cases.iloc[rows]), path)
    told = pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)
    order = np.concatenate(blocks)
    if (np.diff(order) < 0).any():  # the rows of a group do not stand together
        told = told.iloc[np.argsort(order)]
    pa.default_memory_pool().release_unused()
    told.index = run.test.cases.index
    return told


def blocks_of(dataset: Dataset) -> list[NDArray[np.intp]]:
    """Return positions of the cases in blocks of equally many groups, or of equally many cases.

    >>> blocks_of(Dataset(pd.DataFrame(index=range(3))))
    [array([0, 1, 2])]
    """
    count = max(-(-len(dataset.cases) // ROWS_AT_ONCE), 1)
    code = np.arange(len(dataset.cases)) if dataset.groups is None else pd.factorize(dataset.groups)[0]
    block = code * count // (code.max(initial=0) + 1)
    return [np.flatnonzero(block == number) for number in range(count)]


def _keep(told: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with store.replacing(path) as temporary:
        told.reset_index(drop=True).to_parquet(temporary)
