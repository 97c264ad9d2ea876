"""Excel and OpenDocument workbooks: the first sheet, its first row being the header."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from python_calamine import CalamineError

from lepton_platform.data.dataset import Finding, Source
from lepton_platform.data.readers.table import Table, checked, header_warnings, inexact_warnings

KIND = "a workbook"
FAULTS: tuple[type[Exception], ...] = (CalamineError, ValueError)


def read(source: Source) -> Table:
    """Return the first sheet; empty rows and columns, which have no name either, are left out."""
    with pd.ExcelFile(str(source), engine="calamine") as book:
        sheets = [str(name) for name in book.sheet_names]
        # As objects, because pandas would turn the text 007 into the number 7.
        cells = book.parse(sheets[0], header=None, dtype=object)
    cells = cells.dropna(axis="columns", how="all").dropna(how="all")
    header, body = cells.iloc[:1], cells.iloc[1:]
    names = checked(source, header.iloc[0] if len(header) else (), len(body))
    frame = body.reset_index(drop=True).infer_objects()
    frame.columns = pd.Index(names)
    findings = [*header_warnings(names), *inexact_warnings(frame), *_other_sheets(sheets)]
    return Table(frame, tuple(findings))


def batches(source: Source, rows: int) -> Iterator[pd.DataFrame]:
    """Yield slices of the sheet, which is read whole: a workbook has at most a million rows."""
    frame = read(source).frame
    for start in range(0, len(frame), rows):
        yield frame.iloc[start : start + rows].copy(deep=False)


def _other_sheets(sheets: list[str]) -> list[Finding]:
    if len(sheets) == 1:
        return []
    message = f"the sheet {sheets[0]!r} was read, not {', '.join(map(repr, sheets[1:]))}"
    return [Finding("note", message, remedy="To read another one, move it to the front of the workbook")]
