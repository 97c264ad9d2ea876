"""From a path to a catalogue of pictures."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from lepton_platform.data.dataset import Finding
from lepton_platform.data.images import folder, npz
from lepton_platform.errors import DataError

MANIFEST = "manifest.csv"
"""A folder with a file of this name is described by it."""


def catalogue(path: Path) -> pd.DataFrame | None:
    """Return the catalogue of an NPZ archive, a folder or a single file; ``None`` for a table.

    Raises
    ------
    DataError
        There is nothing at ``path``, or it holds no pictures.
    """
    path = path.resolve()
    if not path.exists():
        raise DataError([Finding("error", "there is no such file or folder")], str(path))
    if path.suffix.lower() == ".npz":
        return npz.catalogue(path)
    if path.is_dir():
        return None if (path / MANIFEST).exists() else folder.catalogue(path)
    if path.suffix.lower() in (".csv", ".tsv", ".xlsx", ".parquet", ".jsonl"):
        return None
    named = [{"case": case, "path": str(path), "frame": frame, "part": ""} for frame, case in
             folder.frames(path, path.name)]  # fmt: skip
    return pd.DataFrame(named).set_index("case")
