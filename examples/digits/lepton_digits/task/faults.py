"""What is wrong with a file, as the one message that its user is shown."""

from __future__ import annotations

from pathlib import Path

from lepton_platform import DataError, Finding


def fault(path: Path, message: str, remedy: str) -> DataError:
    """Return the error to raise about the file at ``path``."""
    return DataError([Finding("error", message, remedy=remedy)], str(path))
