"""The IDX format, in which MNIST is published: a header, then unsigned bytes.

Source: Yann LeCun, Corinna Cortes and Christopher Burges, "The MNIST database of handwritten digits",
section "File formats". Numbers in the header are big-endian. A file may be gzipped.

============  ========================================  ===============================
file          header                                    then
============  ========================================  ===============================
pictures      0x00000803, count, rows, columns          grey levels, row by row
labels        0x00000801, count                         one digit each
============  ========================================  ===============================
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from lepton_digits.task.faults import fault

Bytes = NDArray[np.uint8]

PICTURES, LABELS = 0x00000803, 0x00000801
_KINDS = {PICTURES: "pictures", LABELS: "labels"}
_COPY = "Copy or download the file again"


def is_idx(path: Path) -> bool:
    """Return whether a file is meant to be IDX, by its name."""
    return "idx" in path.name.lower() or "ubyte" in path.name.lower()


def pictures(path: Path, at_once: int | None = None) -> Iterator[Bytes]:
    """Yield the pictures, shape (n, rows, columns), in parts of ``at_once``; ``None``: all in one.

    Raises
    ------
    DataError
        The file is no IDX file of pictures, is cut short or too long, or cannot be decompressed.
    """
    with _opened(path) as file:
        count, rows, columns = _header(file, path, PICTURES)
        if count == 0 or rows * columns == 0:
            raise fault(path, f"holds {count} pictures of {rows} x {columns}", "Give a file with pictures")
        step = at_once or count
        for start in range(0, count, step):
            taken = min(step, count - start)
            part = _bytes(file, path, taken * rows * columns, f"picture {start + 1:,} of {count:,}")
            yield part.reshape(taken, rows, columns)
        _at_end(file, path)


def labels(path: Path) -> Bytes:
    """Return the labels, shape (n,).

    Raises
    ------
    DataError
        As ``pictures``.
    """
    with _opened(path) as file:
        (count,) = _header(file, path, LABELS)
        read = _bytes(file, path, count, f"label 1 of {count:,}")
        _at_end(file, path)
    return read


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file, gzipped or not, and turn what the system says about it into one message."""
    try:
        with path.open("rb") as file:
            gzipped = file.read(2) == b"\x1f\x8b"
        with cast(BinaryIO, gzip.open(path) if gzipped else path.open("rb")) as file:
            yield file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise fault(path, f"cannot be decompressed ({error})", _COPY) from error
    except OSError as error:
        raise fault(path, f"cannot be read ({error.strerror or error})", "Check the path") from error


def _header(file: BinaryIO, path: Path, kind: int) -> tuple[int, ...]:
    found = file.read(4)
    magic = struct.unpack(">I", found)[0] if len(found) == 4 else None
    if magic != kind:
        said = f"begins with 0x{found.hex()}" if found else "is empty"
        other = f", as {_KINDS[magic]} do" if magic in _KINDS else ""
        wanted = f"a file of {_KINDS[kind]} begins with the magic number 0x{kind:08x}"
        raise fault(path, f"{said}{other}; {wanted}", f"Give an IDX file of {_KINDS[kind]}")
    sizes = file.read(4 * (kind & 0xFF))
    if len(sizes) < 4 * (kind & 0xFF):
        raise fault(path, "ends within its header", _COPY)
    return struct.unpack(f">{kind & 0xFF}I", sizes)


def _bytes(file: BinaryIO, path: Path, wanted: int, where: str) -> Bytes:
    read = file.read(wanted)
    if len(read) < wanted:
        raise fault(path, f"is cut short: {wanted - len(read):,} bytes lack from {where} on", _COPY)
    return np.frombuffer(read, dtype=np.uint8)


def _at_end(file: BinaryIO, path: Path) -> None:
    if file.read(1):
        raise fault(path, "goes on after the last of what its header counts", _COPY)
