"""Open a file that is perhaps compressed, by its suffix."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from lepton_platform.data.dataset import Finding, Source
from lepton_platform.errors import DataError

DAMAGED: tuple[type[Exception], ...] = (
    EOFError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
)
"""What is raised, beside ``OSError``, where compressed content is not."""


@contextmanager
def opened(source: Source) -> Iterator[IO[bytes]]:
    """Open the file that ``source`` is, decompressed as it is read.

    Raises
    ------
    DataError
        A zip archive holds other than one file.
    """
    path = Path(str(source))
    match path.suffix.lower():
        case ".gz":
            with gzip.open(path) as stream:
                yield cast(IO[bytes], stream)
        case ".bz2":
            with bz2.open(path) as stream:
                yield stream
        case ".xz":
            with lzma.open(path) as stream:
                yield stream
        case ".zip":
            with zipfile.ZipFile(path) as archive, _only_member(path, archive) as stream:
                yield stream
        case _:
            with path.open("rb") as stream:
                yield stream


def _only_member(path: Path, archive: zipfile.ZipFile) -> IO[bytes]:
    """Open the one file inside; macOS adds a folder of its own, which does not count."""
    names = [
        name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")
    ]
    if len(names) != 1:
        held = f"{len(names)} files ({', '.join(names[:5])})" if names else "no file"
        fault = Finding("error", f"the archive holds {held}", remedy="Pack exactly one table into it")
        raise DataError([fault], str(path))
    try:
        return archive.open(names[0])
    except (RuntimeError, NotImplementedError) as error:  # it wants a password, or is packed in a rare way
        raise zipfile.BadZipFile(str(error)) from error
