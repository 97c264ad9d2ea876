"""Diagnosis aid, data stage: what is synthetic is said to be."""

from __future__ import annotations

from collections.abc import Generator

from lepton_platform import Dataset, Finding, Run, hookimpl
from lepton_platform.data.dataset import Purpose


@hookimpl(wrapper=True)
def lepton_load(purpose: Purpose, run: Run) -> Generator[None, Dataset, Dataset]:
    """Say in the findings that the sample's pictures are made up."""
    dataset = yield
    if purpose == "train" and run.options.data is None:
        run.note(Finding("warning", "the pictures are synthetic: made by a generator, of no patient"))
    return dataset
