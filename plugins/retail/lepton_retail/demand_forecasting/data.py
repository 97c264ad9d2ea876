"""Demand forecasting, data stage: sales that an empty shelf cut short are no demand."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import numpy as np

from lepton_platform import DataError, Dataset, Finding, Run, Source, hookimpl
from lepton_platform.data.dataset import Purpose
from lepton_retail.demand_forecasting.config import DemandConfig


@hookimpl(wrapper=True)
def lepton_load(
    source: Source, purpose: Purpose, run: Run, config: DemandConfig
) -> Generator[None, Dataset, Dataset]:
    """Take the sales of periods that ended without stock for what they are: a lower bound of demand.

    They are left out of what is learned from, so that the model estimates that demand as it does
    in any gap; each is a finding.
    """
    dataset = yield
    if purpose not in ("train", "history") or config.stock is None:
        return dataset
    assert dataset.extra is not None and dataset.target is not None
    if config.stock not in dataset.extra:
        remedy = f"The table has {', '.join(map(str, dataset.extra.columns))}"
        raise DataError(
            [Finding("error", "is missing, but --stock names it", config.stock, (), remedy)], str(source)
        )
    empty = dataset.extra[config.stock].to_numpy(dtype=float) <= 0
    if not empty.any():
        return dataset
    series = dataset.cases.index.get_level_values(0)[empty].nunique()
    said = (
        f"{int(empty.sum()):,} periods of {series:,} series ended without stock: their sales are no demand "
        "and were not learned from"
    )
    run.note(Finding("warning", said, config.stock))
    return _without(dataset, empty)


def _without(dataset: Dataset, empty: np.ndarray) -> Dataset:
    return replace(dataset.take(np.flatnonzero(~empty)), findings=dataset.findings)
