"""Files that people send to learn from; they stay, for a run may be resumed."""

from __future__ import annotations

import secrets
import shutil
from datetime import UTC, datetime
from pathlib import Path

from starlette.datastructures import UploadFile

from lepton_platform import store
from lepton_platform.data.readers import COMPRESSIONS, FORMATS
from lepton_platform.serve.problem import NOT_FOUND, WRONG_TYPE, Problem

FOLDER = "uploads"


class Uploads:
    """The files below the folder of all runs, each under a name that the server gave it."""

    def __init__(self, root: Path) -> None:
        self._folder = root / FOLDER

    def keep(self, upload: UploadFile) -> str:
        """Store a file; return its name, which is the only way to get at it again.

        Raises
        ------
        Problem
            Its suffix names no kind of table.
        """
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(8)}{suffix(upload.filename or '')}"
        self._folder.mkdir(parents=True, exist_ok=True)
        with store.replacing(self._folder / name) as temporary, temporary.open("wb") as kept:
            shutil.copyfileobj(upload.file, kept)
        return name

    def path(self, name: str) -> Path:
        """Return where a file is.

        Raises
        ------
        Problem
            There is none of that name.
        """
        for path in self._folder.glob("*"):
            if path.name == name and not name.startswith("."):
                return path
        raise Problem(NOT_FOUND, "unknown_upload", "that file is no longer here; send it again")


def suffix(name: str) -> str:
    """Return the suffix by which a file is read.

    Raises
    ------
    Problem
        It is none that is known.

    Examples
    --------
    >>> suffix("Loans.CSV"), suffix("loans.csv.gz")
    ('.csv', '.csv.gz')
    """
    suffixes = [part.lower() for part in Path(name).suffixes]
    packed = [suffixes.pop()] if suffixes and suffixes[-1] in COMPRESSIONS else []
    if not suffixes or suffixes[-1] not in FORMATS:
        known = ", ".join(FORMATS)
        raise Problem(
            WRONG_TYPE, "unknown_suffix", f"the file {name[:80]!r} is no table by its name; known are {known}"
        )
    return "".join([suffixes[-1], *packed])
