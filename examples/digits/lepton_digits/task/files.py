"""Pictures as tables: a row per picture, a column per pixel, and ``digit`` and ``part`` where known.

Grey levels are whole numbers from 0 (paper) to 255 (ink). ``part`` is ``"train"`` or ``"test"`` where
the files themselves say which pictures are there to be judged on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from lepton_digits.task import idx, npz
from lepton_digits.task.faults import fault
from lepton_platform import Source

SAMPLE = "sklearn://digits"
"""1,797 digits of 8 x 8 pixels that scikit-learn ships (UCI, Alpaydin and Kaynak 1998)."""
PARTS = {"train": "train", "t10k": "test"}
"""The official names' first word, and the part of MNIST that it stands for."""
_FOUR = "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte"

Bytes = NDArray[np.uint8]


def knows(source: Source) -> bool:
    """Return whether ``source`` is read here."""
    path = source.path
    if path is None:
        return source.uri == SAMPLE
    return path.is_dir() or path.suffix.lower() == ".npz" or idx.is_idx(path)


def read(source: Source, labels: str | None = None) -> pd.DataFrame:
    """Return all pictures of ``source``, with their digits where these are known.

    A folder holds the four official files, gzipped or not, or some of them; a file of pictures has its
    labels beside it under the official name, or in the file ``labels``.

    Raises
    ------
    DataError
        A file is missing, damaged, or of another kind, or there are not as many labels as pictures.
    """
    if source.uri == SAMPLE:
        sample = load_digits()
        return _table(np.rint(sample.images * (255 / 16)).astype(np.uint8), sample.target)
    path = _existing(source)
    if path.is_dir():
        return _folder(path)
    if path.suffix.lower() == ".npz":
        tables = {part: _archived(path, *arrays) for part, arrays in npz.parts(path).items()}
        return _joined(path, tables) if "test" in tables else tables["train"]
    return _labelled(path, Path(labels) if labels is not None else _beside(path))


def batches(source: Source, rows: int) -> Iterator[pd.DataFrame]:
    """Yield the pictures of ``source`` in tables of at most ``rows`` rows; labels are not read."""
    if source.uri != SAMPLE and _existing(source).is_file() and idx.is_idx(_existing(source)):
        start = 0
        for part in idx.pictures(_existing(source), rows):
            table = _table(part, None)
            yield table.set_axis(pd.RangeIndex(start, start + len(table)))
            start += len(table)
    else:
        table = read(source)
        yield from (table.iloc[start : start + rows] for start in range(0, len(table), rows))


def size(pixels: pd.DataFrame) -> tuple[int, int]:
    """Return (rows, columns) of the pictures in a table.

    >>> size(pd.DataFrame([[0, 0]], columns=["pixel_0_0", "pixel_0_1"]))
    (1, 2)
    """
    last = re.fullmatch(r"pixel_(\d+)_(\d+)", str(pixels.columns[-1]))
    assert last is not None
    return int(last[1]) + 1, int(last[2]) + 1


def pixels_of(table: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of a table that are pixels."""
    return table.loc[:, table.columns.astype(str).str.startswith("pixel_")]


def _existing(source: Source) -> Path:
    assert source.path is not None
    if not source.path.exists():
        raise fault(source.path, "does not exist", f"Give a folder with {_FOUR}, an IDX file, or a .npz file")
    return source.path


def _folder(folder: Path) -> pd.DataFrame:
    tables = {}
    for word, part in PARTS.items():
        files = sorted(path for path in folder.iterdir() if path.name.startswith(f"{word}-images"))
        if files:
            tables[part] = _labelled(files[0], _beside(files[0]))
    if not tables:
        raise fault(folder, "holds no pictures", f"Its files are to be called {_FOUR}, or these with .gz")
    return _joined(folder, tables) if len(tables) > 1 else next(iter(tables.values()))


def _joined(source: Path, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return training and test pictures as one table that says which is which."""
    sizes = {part: size(pixels_of(table)) for part, table in tables.items()}
    if len({*sizes.values()}) > 1:
        said = " and ".join(f"{part} pictures of {high} x {wide}" for part, (high, wide) in sizes.items())
        raise fault(source, f"holds {said} pixels", "All pictures are to have one size")
    marked = [table.assign(part=part) for part, table in tables.items()]
    return pd.concat(marked, ignore_index=True)


def _labelled(pictures: Path, labels: Path | None) -> pd.DataFrame:
    (levels,) = idx.pictures(pictures)
    digits = None if labels is None else idx.labels(labels)
    if labels is not None and digits is not None and len(digits) != len(levels):
        said = f"holds {len(levels):,} pictures, but {labels.name} {len(digits):,} labels"
        raise fault(pictures, said, "Give the labels of these pictures")
    return _table(levels, digits)


def _archived(path: Path, levels: Bytes, digits: NDArray[np.int64] | None) -> pd.DataFrame:
    if digits is not None and len(digits) != len(levels):
        said = f"holds {len(levels):,} pictures, but {len(digits):,} labels"
        raise fault(path, said, "Give as many labels as pictures")
    return _table(levels, digits)


def _beside(pictures: Path) -> Path | None:
    """Return the file of labels that stands beside a file of pictures under its official name."""
    name = pictures.name.replace("images", "labels").replace("idx3", "idx1")
    stem = name.removesuffix(".gz")
    beside = [pictures.with_name(stem), pictures.with_name(f"{stem}.gz")]
    return next((path for path in beside if path.exists() and path != pictures), None)


def _table(levels: Bytes, digits: NDArray[np.integer] | None) -> pd.DataFrame:
    count, high, wide = levels.shape
    names = [f"pixel_{row}_{column}" for row in range(high) for column in range(wide)]
    table = pd.DataFrame(levels.reshape(count, -1), columns=names)
    return table if digits is None else table.assign(digit=np.asarray(digits, dtype=np.int64))
