"""Read a table, whole or in batches, from a file or a database.

What a file is follows from its suffix; encoding, delimiter and decimal mark are found, and said
where they are unusual. A table that cannot be used is a ``DataError`` with every fault found.
Each format is a module of this package, imported when a source needs it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

import pandas as pd

from lepton_platform.data.dataset import Finding, Source
from lepton_platform.data.readers.missing import missing_fault
from lepton_platform.data.readers.table import Table, empty_fault
from lepton_platform.errors import DataError

__all__ = ["Table", "read_batches", "read_table"]

FORMATS = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".data"), "delimited"),
    **dict.fromkeys((".jsonl", ".ndjson"), "json_lines"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".xlsx", ".xlsm", ".xls", ".ods"), "excel"),
}
TEXT_FORMATS = ("delimited", "json_lines")
COMPRESSIONS = (".gz", ".bz2", ".xz", ".zip")


class Reader(Protocol):
    """What a module of this package offers."""

    KIND: str
    """What it reads, in words."""
    FAULTS: tuple[type[Exception], ...]
    """The exceptions of the libraries below that mean: the file is damaged."""

    def read(self, source: Source) -> Table:
        """Return the whole table."""

    def batches(self, source: Source, rows: int) -> Iterator[pd.DataFrame]:
        """Yield the table in frames of at most ``rows`` rows."""


def read_table(source: Source) -> Table | None:
    """Return the table at ``source``, or ``None`` where its kind is unknown here (or a folder).

    The index of what is read counts from 0; rows in memory are returned as they are.

    Raises
    ------
    DataError
        The table is missing, damaged, empty, ragged, or its columns are not named once each.
    """
    if source.rows is not None:
        return Table(source.rows)
    with _faults_of(source):
        reader = _reader(source)
    if reader is None:
        return None
    with _faults_of(source, reader):
        table = reader.read(source)
    if table.frame.empty:
        raise DataError([empty_fault()], _name(source))
    return table


def read_batches(source: Source, rows: int = 100_000) -> Iterator[pd.DataFrame] | None:
    """Return the table at ``source`` as an iterator of frames of at most ``rows`` rows.

    The index goes on counting from batch to batch; rows in memory keep their own. Data types are
    found batch by batch where the format does not hold them (text, Excel, SQL). ``None`` where the
    kind of ``source`` is unknown here (or a folder).

    Raises
    ------
    DataError
        As ``read_table``, here and now. What shows only further on (a damaged page of Parquet, a
        bad line of JSON, a lost connection) is raised when its batch is asked for.
    """
    if rows < 1:
        raise ValueError(f"a batch has at least 1 row, not {rows}")
    if source.rows is not None:
        frame = source.rows
        return (frame.iloc[start : start + rows] for start in range(0, len(frame), rows))
    with _faults_of(source):
        reader = _reader(source)
    if reader is None:
        return None
    batches = _numbered(source, reader, rows)
    first = next(batches, None)  # asked for now, so that faults surface here
    if first is None or first.empty:
        raise DataError([empty_fault()], _name(source))
    return itertools.chain((first,), batches)


def _numbered(source: Source, reader: Reader, rows: int) -> Iterator[pd.DataFrame]:
    start = 0
    with _faults_of(source, reader):
        for frame in reader.batches(source, rows):
            frame.index = pd.RangeIndex(start, start + len(frame))
            start += len(frame)
            yield frame


def _reader(source: Source) -> Reader | None:
    """Return the module that reads ``source``; heavy libraries load here and not before."""
    if source.uri is None:
        return None
    if source.path is None:
        sql = import_module(f"{__name__}.sql")
        return cast(Reader, sql) if sql.knows(source) else None
    path = source.path
    kind = _format(path)
    if kind is None or path.is_dir():
        return None
    if not path.exists():
        raise DataError([missing_fault(path)], _name(source))
    if path.stat().st_size == 0:
        remedy = "Write the table again; the file has no content, not even a header"
        raise DataError([Finding("error", "the file is empty (0 bytes)", remedy=remedy)], _name(source))
    return cast(Reader, import_module(f"{__name__}.{kind}"))


def _format(path: Path) -> str | None:
    suffix = path.suffix.lower()
    if suffix in COMPRESSIONS:
        kind = FORMATS.get(Path(path.stem).suffix.lower())
        return kind if kind in TEXT_FORMATS else None
    return FORMATS.get(suffix)


@contextmanager
def _faults_of(source: Source, reader: Reader | None = None) -> Iterator[None]:
    """Turn what the system and the libraries raise about ``source`` into a ``DataError``."""
    kind = reader.KIND if reader is not None else "a table"
    damaged: tuple[type[Exception], ...] = (OSError, *(reader.FAULTS if reader is not None else ()))
    try:
        yield
    except PermissionError as error:
        remedy = "Give this user the right to read it, or copy it to where that is given"
        fault = Finding("error", "the file may not be read by this user (permission denied)", remedy=remedy)
        raise DataError([fault], _name(source)) from error
    except ModuleNotFoundError as error:
        remedy = f"Install the package that provides it: pip install {error.name}"
        fault = Finding("error", f"reading it needs the Python module {error.name!r}", remedy=remedy)
        raise DataError([fault], _name(source)) from error
    except damaged as error:
        reason = str(error).strip() or type(error).__name__
        remedy = "Check that it was copied completely and is what its suffix says"
        fault = Finding("error", f"the file cannot be read as {kind} ({reason})", remedy=remedy)
        raise DataError([fault], _name(source)) from error


def _name(source: Source) -> str:
    """Return what a message may call ``source``: a URI may hold a password."""
    return str(source) if source.path is not None else str(source).partition("://")[0] + "://..."
