"""JSON lines: one object per line, in UTF-8; its keys are the columns."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from lepton_platform.data.dataset import Finding, Source
from lepton_platform.data.readers.compression import DAMAGED, opened
from lepton_platform.data.readers.table import ROWS_NAMED, Table, checked, inexact_columns
from lepton_platform.errors import DataError

KIND = "JSON lines"
FAULTS = DAMAGED


def read(source: Source) -> Table:
    """Return the whole table. Values stay what JSON says: text that looks like a date is text."""
    with opened(source) as lines:
        return Table(_frame(source, _filled(lines), 0))


def batches(source: Source, rows: int) -> Iterator[pd.DataFrame]:
    """Yield the table in frames of at most ``rows`` rows; a column seen in one is in all that follow."""
    columns: dict[str, None] = {}
    with opened(source) as stream:
        lines = _filled(stream)
        for start in itertools.count(0, rows):
            block = list(itertools.islice(lines, rows))
            if not block:
                return
            frame = _frame(source, block, start)
            columns |= dict.fromkeys(frame.columns)
            yield frame.reindex(columns=list(columns))


def _filled(lines: Iterable[bytes]) -> Iterator[bytes]:
    return (line for line in lines if not line.isspace())


def _frame(source: Source, lines: Iterable[bytes], start: int) -> pd.DataFrame:
    """Parse ``lines``, the first of which is row ``start``."""
    records: list[dict[str, Any]] = []
    broken: dict[str, list[int]] = {}
    for row, line in enumerate(lines, start):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):  # not JSON; not UTF-8; brackets nested thousands deep
            broken.setdefault("is not valid JSON", []).append(row)
            continue
        if isinstance(record, dict):
            records.append(record)
        else:
            broken.setdefault("is not an object {...}", []).append(row)
    if broken:
        raise DataError([_broken_fault(reason, rows) for reason, rows in broken.items()], str(source))
    frame = pd.DataFrame(records)
    frame.columns = pd.Index(checked(source, frame.columns, len(frame)))
    for name in inexact_columns(frame):
        frame[name] = pd.array([record.get(name) for record in records], dtype="Int64")
    return frame


def _broken_fault(reason: str, rows: list[int]) -> Finding:
    subject = "a line" if len(rows) == 1 else f"each of {len(rows)} lines"
    remedy = "Write one JSON object per line, in UTF-8"
    return Finding("error", f"{subject} {reason}", rows=tuple(rows[:ROWS_NAMED]), remedy=remedy)
