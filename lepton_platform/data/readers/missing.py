"""What to say about a file that is not there."""

from __future__ import annotations

from pathlib import Path

from lepton_platform.data.dataset import Finding
from lepton_platform.errors import did_you_mean


def missing_fault(path: Path) -> Finding:
    """Say that there is no file at ``path``, and which one was perhaps meant."""
    if not path.parent.is_dir():
        return Finding("error", f"there is no folder {str(path.parent)!r}", remedy="Check the path")
    near = did_you_mean(path.name, [entry.name for entry in path.parent.iterdir()])
    message = f"there is no file {path.name!r} in {str(path.parent)!r}"
    return Finding("error", message, remedy=near or "Check the path; the folder is empty")
