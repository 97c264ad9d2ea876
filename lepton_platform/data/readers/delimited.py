"""Delimited text: CSV and its relatives, in the encoding and dialect that they come in.

A file is examined once, in chunks of whole lines, before pandas parses it. That pass costs a
fraction of the parsing; it finds the encoding and proves that every row has as many fields as the
header, which pandas does not (it fills short rows). Only a file that fails the proof is scanned
with the csv module, for the numbers of its ragged rows.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import IO, Any

import numpy as np
import pandas as pd

from lepton_platform.data.dataset import Finding, Source
from lepton_platform.data.readers.compression import DAMAGED, opened
from lepton_platform.data.readers.decimal_comma import numbers_with_commas, uses_decimal_comma
from lepton_platform.data.readers.table import (
    ROWS_NAMED,
    Table,
    column_names,
    empty_fault,
    header_warnings,
    inexact_columns,
    name_faults,
)
from lepton_platform.errors import DataError

KIND = "delimited text"
FAULTS: tuple[type[Exception], ...] = (
    *DAMAGED,
    pd.errors.ParserError,
    pd.errors.EmptyDataError,
    UnicodeError,
)

CHUNK = 1 << 20
"""Bytes examined at a time."""
DELIMITERS = {"\t": "tab", "|": "vertical bar", ";": "semicolon", ",": "comma"}
"""By preference where two are equally consistent: text and numbers hold commas, seldom tabs."""
ONE_COLUMN = "\x1f"
"""Stands for the delimiter of a file that has none: the unit separator, which text does not hold."""
LINES_FOR_DELIMITER = 200
ENCODINGS = {"utf-8": "UTF-8", "cp1252": "Windows-1252", "latin-1": "Latin-1"}
"""Those without a byte order mark, strictest first; the last one takes every byte."""
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
NOT_IN_CP1252 = (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d")
NOT_TEXT = bytes({*range(1, 32)} - {*b"\t\n\v\f\r\x1a\x1b\x1f"})
"""Of these control characters, more than one in a thousand bytes means a binary file; so does one NUL."""
SIGNATURES = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"PAR1": "Parquet",
    b"%PDF": "PDF",
}

# The default, 128 KiB, would refuse long texts that pandas reads.
csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True)
class Layout:
    """How a file is to be read."""

    encoding: str
    delimiter: str
    decimal: str
    names: tuple[str, ...]
    findings: tuple[Finding, ...]

    def frames(self, stream: IO[bytes], **options: Any) -> Any:
        """Call ``pandas.read_csv``: a frame, or with ``chunksize`` an iterator of frames."""
        return pd.read_csv(
            stream,
            sep=self.delimiter,
            encoding=self.encoding,
            decimal=self.decimal,
            header=0,
            names=list(self.names),
            low_memory=False,  # else one column may get several types
            **options,
        )


def read(source: Source) -> Table:
    """Return the whole table, and as findings what is not UTF-8, comma and decimal point."""
    layout = examine(source)
    with opened(source) as stream:
        frame: pd.DataFrame = layout.frames(stream)
    for name in inexact_columns(frame):
        with opened(source) as stream:
            frame[name] = layout.frames(stream, usecols=[name], dtype={name: "Int64"})[name]
    findings = numbers_with_commas(frame) if layout.decimal == "," else []
    return Table(frame, (*layout.findings, *findings))


def batches(source: Source, rows: int) -> Iterator[pd.DataFrame]:
    """Yield the table in frames of at most ``rows`` rows."""
    layout = examine(source)
    with opened(source) as stream, layout.frames(stream, chunksize=rows) as frames:
        for frame in frames:
            if layout.decimal == ",":
                numbers_with_commas(frame)
            yield frame


def examine(source: Source) -> Layout:
    """Find how ``source`` is to be read; raise ``DataError`` with every fault where it cannot be."""
    text, encoding, delimiter, fields = _survey(source)
    names = column_names(next(_records(text, delimiter)))
    faults = name_faults(names)
    if not fields.regular:
        faults += _ragged_faults(source, encoding, delimiter, fields.per_row + 1)
    elif fields.rows < 2:
        faults.append(empty_fault())
    if faults:
        raise DataError([*faults, *header_warnings(names)], str(source))
    decimal = "," if delimiter != "," and uses_decimal_comma(_records(text, delimiter)) else "."
    notes = _layout_notes(encoding, delimiter, decimal, text)
    return Layout(encoding, delimiter, decimal, names, (*header_warnings(names), *notes))


def _survey(source: Source) -> tuple[str, str, str, _FieldCount]:
    """Go through the file once: its first lines, encoding, delimiter, and whether rows are regular."""
    with opened(source) as stream:
        head = stream.read(4)
        stream.seek(0)
        mark = next((encoding for bom, encoding in MARKS.items() if head.startswith(bom)), None)
        chunks = _whole_lines(stream, utf16=mark == "utf-16")
        sample = next(chunks, b"")
        controls = len(sample) - len(sample.translate(None, NOT_TEXT))
        if controls > len(sample) / 1000:
            raise DataError([_binary_fault(head, f"control characters ({controls})")], str(source))
        # Of the header only the width is needed now, which does not depend on the encoding.
        start = sample.removeprefix(codecs.BOM_UTF8).decode("latin-1")
        delimiter = _delimiter(start)
        fields = _FieldCount(delimiter, len(next(_records(start, delimiter), ())))
        if fields.per_row < 0:
            fault = Finding(
                "error", "the file has nothing but empty lines", remedy="Check how it was written"
            )
            raise DataError([fault], str(source))
        encodings = list(ENCODINGS)
        for chunk in chain((sample,), chunks):
            if b"\0" in chunk:
                raise DataError([_binary_fault(head, "NUL bytes")], str(source))
            if not chunk.isascii():
                # Every chunk ends with a line, so that no character is cut in two.
                encodings = [encoding for encoding in encodings if _decodes(chunk, encoding)]
            fields.add(chunk)
    encoding = mark or encodings[0]
    text = sample.decode("utf-8" if mark == "utf-16" else encoding, errors="replace")
    return text, encoding, delimiter, fields


class _FieldCount:
    """Proves that every row has the same number of fields, by positions of delimiters and line ends.

    It is exact where quotation marks come in pairs around fields, and may only err by doubting
    (``regular`` false) where they do not, where rows are blank or where lines end with a bare CR.
    """

    def __init__(self, delimiter: str, width: int) -> None:
        self.delimiter = ord(delimiter)
        self.per_row = width - 1
        self.rows = 0
        self._regular = True
        self._quoted = False  # the chunk before ended inside quotation marks ...
        self._pending = 0  # ... of a row that had this many delimiters by then

    @property
    def regular(self) -> bool:
        """Whether all rows so far have the fields wanted and all quotation marks are closed."""
        return self._regular and not self._quoted

    def add(self, chunk: bytes) -> None:
        """Count whole lines; only the last chunk may end without a line end."""
        data = np.frombuffer(chunk if chunk.endswith(b"\n") else chunk + b"\n", np.uint8)
        delimiters, ends = data == self.delimiter, data == ord("\n")
        if self._quoted or b'"' in chunk:
            quoted = np.logical_xor.accumulate(data == ord('"')) ^ self._quoted
            self._quoted = bool(quoted[-1])
            delimiters &= ~quoted
            ends &= ~quoted
        if b"\r" in chunk and np.any((data[:-1] == ord("\r")) & (data[1:] != ord("\n"))):
            self._regular = False
        found = np.concatenate((np.full(self._pending, -1), np.flatnonzero(delimiters)))
        stops = np.flatnonzero(ends)
        starts = np.concatenate(([-2 if self._pending else -1], stops[:-1]))[: len(stops)]
        lengths = stops - starts - 1
        blank = (lengths == 0) | ((lengths == 1) & (data[stops - 1] == ord("\r")))
        starts, stops = starts[~blank], stops[~blank]
        self.rows += len(stops)
        complete = len(stops) * self.per_row
        last_stop = stops[-1] if len(stops) else -2
        self._pending = int(np.count_nonzero(found > last_stop))
        if len(found) != complete + self._pending:
            self._regular = False
        elif self._regular and self.per_row:
            by_row = found[:complete].reshape(-1, self.per_row)
            # As delimiters ascend, the first and the last one place all those of a row.
            self._regular = bool(np.all(by_row[:, 0] > starts) and np.all(by_row[:, -1] < stops))


def _whole_lines(stream: IO[bytes], utf16: bool) -> Iterator[bytes]:
    """Yield chunks that end with a line; UTF-16 as UTF-8, all else as it is."""
    if utf16:
        text = io.TextIOWrapper(stream, "utf-16", newline="")
        while part := text.read(CHUNK):
            yield (part + text.readline()).encode()
        text.detach()
    else:
        while chunk := stream.read(CHUNK):
            yield chunk + stream.readline()


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    """Yield the fields of the rows of ``text`` that are not blank."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return (row for row in rows if not _is_blank(row))


def _is_blank(row: list[str]) -> bool:
    return not row or (len(row) == 1 and row[0].isspace())


def _delimiter(text: str) -> str:
    """Return the delimiter for which most of the first lines have as many fields as the header."""

    def consistency(delimiter: str) -> tuple[float, int]:
        widths = [len(row) for row in islice(_records(text, delimiter), LINES_FOR_DELIMITER)]
        if not widths or widths[0] < 2:
            return 0.0, 0
        return widths.count(widths[0]) / len(widths), widths[0]

    best = max(DELIMITERS, key=consistency)
    return best if consistency(best) > (0.0, 0) else ONE_COLUMN


def _decodes(chunk: bytes, encoding: str) -> bool:
    if encoding == "cp1252":  # several times faster than to decode it
        return not any(byte in chunk for byte in NOT_IN_CP1252)
    try:
        chunk.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _binary_fault(head: bytes, sign: str) -> Finding:
    kinds = [kind for signature, kind in SIGNATURES.items() if head.startswith(signature)]
    message = f"the file is not text: it holds {sign}" + (f" and begins like {kinds[0]}" if kinds else "")
    return Finding("error", message, remedy="Give it the suffix of what it is, or save it as text in UTF-8")


def _ragged_faults(source: Source, encoding: str, delimiter: str, width: int) -> list[Finding]:
    """Scan all rows, and return an error for those with more fields than the header, and with fewer."""
    end = ["\0"]  # a row of its own, unless a quotation mark before it is still open
    more: list[int] = []
    fewer: list[int] = []
    number, row = -1, [""]
    with opened(source) as stream, io.TextIOWrapper(stream, encoding, newline="") as lines:
        for row in csv.reader(chain(lines, end), delimiter=delimiter):
            if row == end or _is_blank(row):
                continue
            if len(row) != width:
                (more if len(row) > width else fewer).append(number)
            number += 1
    if row != end:
        remedy = "Close it, or double it where it is meant as a character"
        message = "a quotation mark is opened and never closed"
        return [Finding("error", message, rows=(max(number - 1, 0),), remedy=remedy)]
    listed = (("more", more), ("fewer", fewer))
    return [_ragged_fault(kind, rows, width, delimiter) for kind, rows in listed if rows]


def _ragged_fault(kind: str, rows: list[int], width: int, delimiter: str) -> Finding:
    subject = "1 row has" if len(rows) == 1 else f"{len(rows)} rows have"
    message = f"{subject} {kind} fields than the header's {width}"
    name = DELIMITERS.get(delimiter, "delimiter")
    remedy = f"Correct the rows, or put quotation marks around fields that hold a {name} or a line break"
    return Finding("error", message, rows=tuple(rows[:ROWS_NAMED]), remedy=remedy)


def _layout_notes(encoding: str, delimiter: str, decimal: str, text: str) -> Iterable[Finding]:
    """Yield a note for what differs from plain UTF-8, comma and decimal point."""
    if encoding == "utf-8-sig":
        yield Finding("note", "the text is UTF-8 with a byte order mark, which was left out")
    elif encoding == "utf-16":
        yield Finding("note", "the text is UTF-16")
    elif encoding != "utf-8":
        remedy = "If letters look wrong, save it as UTF-8"
        yield Finding("note", f"the text is not UTF-8 and was read as {ENCODINGS[encoding]}", remedy=remedy)
    if delimiter == ONE_COLUMN and re.search(r"[,;\t|]", text):
        yield Finding("note", "the header has no comma, semicolon, tab or bar: it was read as one column")
    elif delimiter in DELIMITERS and delimiter != ",":
        yield Finding("note", f"the delimiter is the {DELIMITERS[delimiter]}")
    if decimal == ",":
        yield Finding("note", "numbers were read with a decimal comma")
