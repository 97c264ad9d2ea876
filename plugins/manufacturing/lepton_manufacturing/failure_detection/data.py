"""Failure detection, data stage: what is known only with the failure is left out, and said."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from lepton_manufacturing.failure_detection.config import FailureConfig
from lepton_manufacturing.failure_detection.modes import parts_of
from lepton_platform import Dataset, Finding, Run, hookimpl
from lepton_platform.data.dataset import Purpose
from lepton_platform.data.schema import Schema


@hookimpl(wrapper=True)
def lepton_load(purpose: Purpose, run: Run, config: FailureConfig) -> Generator[None, Dataset, Dataset]:
    """Leave out columns that are part of the outcome; say that rows without time are no prediction."""
    dataset = yield
    if purpose != "train":
        return dataset
    assert dataset.target is not None
    columns = run.schema.names
    leaks = [
        name
        for name in parts_of(dataset.cases, dataset.target.to_numpy(), columns)
        if name not in config.keep
    ]
    for name in leaks:
        said = "is part of the outcome, or was recorded with such columns: left out"
        remedy = f"If it is known before the outcome, pass --keep {name}"
        run.note(Finding("warning", said, name, (), remedy))
    if config.date is None:
        said = (
            "cases have no date: this is detection from what is measured now, no prediction of later failures"
        )
        run.note(Finding("note", said))
    run.schema = Schema(tuple(column for column in run.schema.columns if column.name not in leaks))
    return replace(dataset, cases=dataset.cases.drop(columns=leaks))
