"""What every reader returns, and what it checks about a header whatever the format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lepton_platform.data.dataset import Finding, Source
from lepton_platform.errors import DataError

EXACT_IN_A_FLOAT = 2**53
"""Beyond it, not every whole number is a 64-bit float."""
ROWS_NAMED = 20
"""How many rows a finding names at most."""


@dataclass(frozen=True)
class Table:
    """Rows as they were read, and what the user must know about the reading."""

    frame: pd.DataFrame
    findings: tuple[Finding, ...] = ()


def column_names(header: Iterable[Hashable]) -> tuple[str, ...]:
    """Return the names as text, stripped; a missing one is empty."""
    return tuple("" if cell is None or cell != cell else str(cell).strip() for cell in header)


def name_faults(names: Sequence[str]) -> list[Finding]:
    """Return an error for each name that stands twice, and one for the columns without a name."""
    advice = "Give every column a name of its own"
    if looks_like_data(names):
        advice = "The first line looks like data: add a first line with the column names"
    faults = [
        Finding("error", f"stands {count} times in the header", column=name, remedy=advice)
        for name, count in Counter(names).items()
        if name and count > 1
    ]
    unnamed = [number for number, name in enumerate(names, start=1) if not name]
    if unnamed:
        listed = ", ".join(map(str, unnamed[:10])) + (", ..." if len(unnamed) > 10 else "")
        message = f"column number {listed} of {len(names)} has no name in the header"
        remedy = "Name it or leave it out (pandas: to_csv(index=False))"
        faults.append(Finding("error", message, remedy=remedy))
    return faults


def header_warnings(names: Sequence[str]) -> list[Finding]:
    """Return a warning where the first line holds numbers only."""
    if not looks_like_data(names):
        return []
    remedy = "Add a first line with the column names; now it is missing from the rows"
    return [Finding("warning", "the first line looks like data, not a header", remedy=remedy)]


def looks_like_data(names: Sequence[str]) -> bool:
    """Whether every name is a number.

    Examples
    --------
    >>> looks_like_data(["5.1", "3.5", "1e3"]), looks_like_data(["age", "2020"])
    (True, False)
    """
    try:
        return [float(name) for name in names if name] != []
    except ValueError:
        return False


def empty_fault() -> Finding:
    """Say that there are no rows."""
    return Finding("error", "there are no rows below the header", remedy="Check how the table was written")


def checked(source: Source, header: Iterable[Hashable], rows: int) -> tuple[str, ...]:
    """Return the column names; raise ``DataError`` where they or the number of rows cannot be used."""
    names = column_names(header)
    faults = name_faults(names)
    if rows == 0:
        faults.append(empty_fault())
    if faults:
        raise DataError([*faults, *header_warnings(names)], str(source))
    return names


def inexact_columns(frame: pd.DataFrame) -> list[str]:
    """Return the columns of whole numbers that became floats, for a gap, and lost digits by it."""
    return [str(name) for name, column in frame.items() if column.dtype == np.float64 and _is_inexact(column)]


def inexact_warnings(frame: pd.DataFrame) -> list[Finding]:
    """Return a warning for each column that ``inexact_columns`` finds."""
    message = "holds whole numbers beyond 2^53 beside missing cells: their last digits are lost"
    remedy = "Fill the missing cells, or write the column as text if it is an identifier"
    return [Finding("warning", message, column=name, remedy=remedy) for name in inexact_columns(frame)]


def _is_inexact(column: pd.Series[float]) -> bool:
    values = column.to_numpy()
    if not values.size or not EXACT_IN_A_FLOAT < np.nanmax(np.abs(values), initial=0.0) < 2**63:
        return False
    known = values[np.isfinite(values)]
    return len(known) < len(values) and bool(np.all(known == np.floor(known)))
