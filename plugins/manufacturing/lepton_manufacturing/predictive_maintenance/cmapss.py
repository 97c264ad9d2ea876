"""NASA C-MAPSS files as they come: text without a header, a row per unit and cycle.

Columns as in the readme of the archive: unit, cycle, three operating settings, 21 sensors. A folder
holds ``train_FD001.txt``, ``test_FD001.txt`` and ``RUL_FD001.txt`` of a subset, also compressed.
"""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lepton_platform import DataError, Finding

COLUMNS = ("unit", "cycle", "setting_1", "setting_2", "setting_3", *(f"sensor_{n}" for n in range(1, 22)))
CAP = 125.0
"""Cycles beyond which published work does not tell lives apart (Heimes 2008, and most tables since)."""
NAME = re.compile(r"(?P<part>train|test|RUL)_(?P<subset>\w+)\.txt(\.gz)?$", re.IGNORECASE)
NUMBERS = re.compile(r"\s*[-+.\deE]+(\s+[-+.\deE]+)*\s*$")


@dataclass(frozen=True)
class Subset:
    """The files of one subset; ``test`` and ``truth`` where they are there."""

    train: Path
    test: Path | None
    truth: Path | None


def find(folder: Path) -> Subset | None:
    """Return the files of the one subset in a folder, or ``None`` if there is none.

    Raises
    ------
    DataError
        There are several.
    """
    named = {path: match for path in sorted(folder.iterdir()) if (match := NAME.match(path.name))}
    parts = {(match["part"].lower(), match["subset"]): path for path, match in named.items()}
    subsets = sorted({subset for part, subset in parts if part == "train"})
    if not subsets:
        return None
    if len(subsets) > 1:
        said = f"the folder holds {len(subsets)} subsets: {', '.join(subsets)}"
        remedy = f"Name one: --data {parts['train', subsets[0]]} --test {parts.get(('test', subsets[0]))}"
        raise DataError([Finding("error", said, remedy=remedy)], str(folder))
    (subset,) = subsets
    return Subset(parts["train", subset], parts.get(("test", subset)), parts.get(("rul", subset)))


def truth_beside(test: Path) -> Path | None:
    """Return the RUL file of the same subset in the same folder as a test file.

    >>> truth_beside(Path("no-such-folder/log.csv")) is None
    True
    """
    match = NAME.match(test.name)
    if match is None or match["part"].lower() != "test":
        return None
    folder = test.parent
    named = (f"RUL_{match['subset']}.txt{suffix}" for suffix in ("", ".gz"))
    return next((folder / name for name in named if (folder / name).exists()), None)


def is_bare(path: Path) -> bool:
    """Whether a file is text of nothing but numbers parted by blanks, from its first line on."""
    if not path.name.lower().endswith((".txt", ".txt.gz")) or not path.is_file():
        return False
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        try:
            first = lines.readline()
        except (UnicodeDecodeError, OSError, EOFError):
            return False
    return NUMBERS.match(first) is not None


def read(path: Path) -> pd.DataFrame:
    """Return the table in a bare file; its columns have C-MAPSS's names if there are as many.

    Raises
    ------
    DataError
        Rows differ in how many numbers they hold, or hold what is no number.
    """
    try:
        table = pd.read_csv(path, sep=r"\s+", header=None)
    except (pd.errors.ParserError, EOFError, OSError) as error:
        reason = " ".join(str(error).split())
        fault = Finding("error", f"the file cannot be read as numbers ({reason})")
        raise DataError([fault], str(path)) from None
    kinds = enumerate(table.dtypes, 1)
    text = [place for place, kind in kinds if not pd.api.types.is_numeric_dtype(kind)]
    if text:
        said = f"column {text[0]} of {table.shape[1]} holds what is no number"
        raise DataError([Finding("error", said, remedy="Was the file copied completely?")], str(path))
    names = COLUMNS if table.shape[1] == len(COLUMNS) else [f"column_{n + 1}" for n in range(table.shape[1])]
    return table.set_axis(list(names), axis=1)


def is_cmapss(table: pd.DataFrame) -> bool:
    """Whether a table has C-MAPSS's columns."""
    return tuple(table.columns) == COLUMNS
