"""Where a watched stream comes from: batches of rows, each with the place to go on from after it.

Four kinds of source: a text file (CSV, TSV or JSON lines) that may be growing, standard input (``-``),
lines over HTTP or TCP, and whatever else a reader or a plugin's ``lepton_stream`` knows.

Lines of text come with their header in the first line, or as one JSON object each. A line is read when it is
complete, that is when its end is there.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import socket
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pandas as pd

from lepton_platform.data.dataset import Finding
from lepton_platform.errors import DataError, RunError

DELIMITERS = (",", ";", "\t", "|")
CHUNK = 1 << 20
"""Bytes read from a file at a time."""
MOST_ROWS = 1000
"""Rows of one batch, at most."""
PAUSE = 0.2
"""Seconds between two looks at a file that has not grown."""
TIMEOUT = 60.0
"""Seconds without a line after which a connection counts as lost."""
TEXT = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson")


@dataclass(frozen=True)
class Place:
    """Where a stream is to be gone on with."""

    offset: int = 0
    """What was taken in: bytes of a text file, lines of a connection, else rows."""
    header: str | None = None
    """First line of delimited text, once it was read."""
    first: str = ""
    """Digest of a connection's first row: it tells a feed that begins again from one that goes on."""

    def after(self, amount: int) -> Place:
        """Return the place that much further on."""
        return replace(self, offset=self.offset + amount)


Batch = tuple[pd.DataFrame, Place]
Others = Callable[[], Iterable[pd.DataFrame] | None]


def batches(uri: str, place: Place, follow: bool, others: Others) -> Iterator[Batch | None]:
    """Yield batches from ``place`` on; ``None`` while a followed source has nothing new.

    ``others`` gives the batches of a source that is no text, from its beginning, if a reader knows it.
    """
    if uri == "-":
        yield from _connection(sys.stdin.buffer, place)
    elif uri.startswith(("http://", "https://", "tcp://")):
        yield from _remote(uri, place, follow)
    elif Path(uri).suffix.lower() in TEXT:
        yield from _file(Path(uri), place, follow)
    elif (frames := others()) is not None:
        yield from _rows(frames, place)
    else:
        remedy = "Give a text file, - for standard input, http://, https:// or tcp://host:port"
        raise DataError([Finding("error", "no reader knows this kind of source", remedy=remedy)], uri)


def _file(path: Path, place: Place, follow: bool) -> Iterator[Batch | None]:
    try:
        stream = path.open("rb")
    except OSError as error:
        raise DataError(
            [Finding("error", f"the file cannot be read: {error.strerror}")], str(path)
        ) from error
    with stream:
        if path.stat().st_size < place.offset:
            raise RunError(
                f"{path} is shorter than when it was last watched ({path.stat().st_size:,} bytes, "
                f"{place.offset:,} were taken in): it is another file. Watch it with another --state."
            )
        stream.seek(place.offset)
        rest = b""
        while True:
            chunk = stream.read(CHUNK)
            if chunk:
                *lines, rest = (rest + chunk).split(b"\n")
                place = yield from _parsed([line + b"\n" for line in lines], place, len)
            elif follow:
                yield None
                time.sleep(PAUSE)
            else:  # the last line of a file need not end
                yield from _parsed([rest] if rest else [], place, len)
                return


def _remote(uri: str, place: Place, follow: bool) -> Iterator[Batch | None]:
    """Read a connection; with ``follow``, the next one whenever the other side has ended."""
    while True:
        try:
            with _connected(uri) as stream:
                for rows, reached in _connection(stream, place):
                    place = reached  # also where the connection is lost after it
                    yield rows, place
        except (OSError, HTTPException) as error:  # urllib's own errors are among the former
            if not follow:
                raise DataError([Finding("error", f"the feed cannot be read: {error}")], uri) from error
        if not follow:
            return
        yield None
        time.sleep(PAUSE)


@contextmanager
def _connected(uri: str) -> Iterator[Any]:
    if not uri.startswith("tcp://"):
        with urllib.request.urlopen(uri, timeout=TIMEOUT) as response:
            yield response
        return
    parts = urllib.parse.urlsplit(uri)
    if parts.hostname is None or parts.port is None:
        finding = Finding("error", "the feed has no host and port", remedy="Write tcp://host:port")
        raise DataError([finding], uri)
    with (
        socket.create_connection((parts.hostname, parts.port), timeout=TIMEOUT) as connection,
        connection.makefile("rb") as stream,
    ):
        yield stream


def _connection(stream: Any, known: Place) -> Iterator[Batch]:
    """Read the lines of one connection; those of an earlier one, sent again, are passed over.

    A connection begins anew if its first row is the one that the earlier one began with.
    """
    place, again = Place(), -1
    for lines in _complete(stream):
        if place.header is None and lines and not lines[0].lstrip().startswith(b"{"):
            place = replace(place, header=_header(lines.pop(0)))
        if lines and again < 0:
            place = replace(place, first=hashlib.sha256(lines[0]).hexdigest()[:16])
            again = known.offset if place.first == known.first else 0
            place = place.after(again)
        passed = min(max(again, 0), len(lines))
        again -= passed
        place = yield from _parsed(lines[passed:], place, lambda line: 1)


def _complete(stream: Any) -> Iterator[list[bytes]]:
    """Yield the lines that have come, as many at once as are there."""
    rest = b""
    while chunk := stream.read1(CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        yield [line + b"\n" for line in lines]
    if rest:
        yield [rest]


def _header(line: bytes) -> str:
    return line.decode("utf-8-sig").strip("\r\n")


def _parsed(lines: list[bytes], place: Place, size: Callable[[bytes], int]) -> Generator[Batch, None, Place]:
    """Yield lines as frames of at most ``MOST_ROWS`` rows; return the place after them.

    ``size`` says by how much a line moves the place.
    """
    if lines and place.header is None and not lines[0].lstrip().startswith(b"{"):
        place = replace(place.after(size(lines[0])), header=_header(lines[0]))
        lines = lines[1:]
    for start in range(0, len(lines), MOST_ROWS):
        part = lines[start : start + MOST_ROWS]
        place = place.after(sum(map(size, part)))
        filled = [line for line in part if line.strip()]
        if filled:
            yield _frame(filled, place.header), place
    return place


def _frame(lines: list[bytes], header: str | None) -> pd.DataFrame:
    """Return lines as rows. A field too many or too few leaves cells empty: the row is judged, not lost."""
    text = [line.decode("utf-8", errors="replace").strip("\r\n") for line in lines]
    if header is None:
        return pd.DataFrame([_object(line) for line in text])
    delimiter = max(DELIMITERS, key=header.count)
    names = next(csv.reader([header], delimiter=delimiter))
    fields = [row[: len(names)] for row in csv.reader(text, delimiter=delimiter)]
    padded = ([*row, *[""] * (len(names) - len(row))] for row in fields)
    rows = io.StringIO()
    csv.writer(rows).writerows([names, *padded])
    rows.seek(0)
    return pd.read_csv(rows)


def _object(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _rows(frames: Iterable[pd.DataFrame], place: Place) -> Iterator[Batch]:
    """Yield frames from the row on that ``place`` names."""
    seen = 0
    for frame in frames:
        new = frame.iloc[max(0, place.offset - seen) :]
        seen += len(frame)
        for start in range(0, len(new), MOST_ROWS):
            part = new.iloc[start : start + MOST_ROWS]
            place = place.after(len(part))
            yield part, place
