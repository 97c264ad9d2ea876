"""A folder of pictures: below it a folder per class, or per split and in it per class.

Every file is listed, so that one that is no picture is said to be none.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from lepton_platform.data.dataset import Finding
from lepton_platform.data.images import picture_file
from lepton_platform.errors import DataError

SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def catalogue(root: Path) -> pd.DataFrame:
    """Return the pictures below ``root``, in the order of their paths; one row per frame.

    The label is the name of the folder that a file lies in, below the split's where all top
    folders are called train, val or test; a file directly in ``root`` has none.
    """
    files = sorted(path for path in root.rglob("*") if path.is_file() and not _hidden(path, root))
    if not files:
        raise DataError([Finding("error", "there is no file in the folder")], str(root))
    places = [path.relative_to(root).parts for path in files]
    tops = {place[0].lower() for place in places if len(place) > 1}
    by_split = bool(tops) and tops <= SPLITS.keys()
    rows = []
    for path, place in zip(files, places, strict=True):
        split = SPLITS[place[0].lower()] if by_split and len(place) > 1 else ""
        inner = place[1:] if split else place
        rows += [
            {"case": name, "path": str(path), "frame": frame, "label": inner[0] if len(inner) > 1 else "",
             "split": split}
            for frame, name in frames(path, "/".join(place))
        ]  # fmt: skip
    table = pd.DataFrame(rows).set_index("case").assign(part="")
    return table if by_split else table.drop(columns="split")


def frames(path: Path, name: str) -> list[tuple[int, str]]:
    """Return number and name of each frame of a file; most files have one."""
    count = picture_file.frames(path)
    return [(0, name)] if count == 1 else [(frame, f"{name}#{frame}") for frame in range(count)]


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)
