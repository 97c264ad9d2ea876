"""The host's own part in the data stage: reading tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from lepton_platform.data import readers
from lepton_platform.data.dataset import Source
from lepton_platform.hookspecs import hookimpl

if TYPE_CHECKING:
    from lepton_platform.run import Run


@hookimpl
def lepton_read(source: Source, run: Run) -> pd.DataFrame | None:
    """Read files, databases, and rows in memory."""
    table = readers.read_table(source)
    if table is None:
        return None
    run.note(*table.findings)
    return table.frame


@hookimpl
def lepton_stream(source: Source) -> Iterable[pd.DataFrame] | None:
    """Read the same sources in batches of rows."""
    return readers.read_batches(source)
