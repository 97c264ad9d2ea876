"""The NPZ layout of MedMNIST: ``<split>_images`` and ``<split>_labels`` for train, val and test.

Yang et al. 2023, "MedMNIST v2", Scientific Data 10:41. Images are (n, height, width) or (n, height,
width, 3) of unsigned bytes, labels (n, 1) or (n,) of whole numbers. Arrays are read row by row,
never whole, and never unpickled.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.lib import format as npy
from numpy.typing import NDArray

from lepton_platform.data.dataset import Finding
from lepton_platform.errors import DataError

SPLITS = ("train", "val", "test")
IMAGES, LABELS = "_images", "_labels"
DAMAGED = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


class Header(NamedTuple):
    """What an array's header says."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def catalogue(path: Path) -> pd.DataFrame:
    """Return the archive's pictures, split by split, with their labels where it has them.

    Raises
    ------
    DataError
        It is no NPZ archive of that layout, or its arrays do not fit each other.
    """
    parts = []
    for split in _splits(path):
        images = _header(path, split + IMAGES)
        faults = _faults(split, images)
        rows = pd.DataFrame(
            {"path": str(path), "part": split + IMAGES, "frame": np.arange(images.shape[0]), "split": split}
        )
        if split + LABELS in _names(path):
            labels = _labels(path, split)
            faults += _label_faults(split, labels, images.shape[0])
            rows["label"] = labels.reshape(len(labels), -1)[:, 0] if not faults else 0
        if faults:
            raise DataError(faults, str(path))
        rows.index = pd.Index([f"{split}/{number}" for number in rows["frame"]])
        parts.append(rows)
    return pd.concat(parts)


def rows(path: Path, part: str, frames: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
    """Yield the pictures numbered ``frames``, which ascend, shape (height, width, 3)."""
    with zipfile.ZipFile(path) as archive, archive.open(f"{part}.npy") as member:
        header = _read_header(member)
        size = int(np.prod(header.shape[1:]))
        start = member.tell()
        for frame in frames:
            member.seek(start + int(frame) * size)
            picture = np.frombuffer(member.read(size), np.uint8).reshape(header.shape[1:])
            yield np.repeat(picture[:, :, None], 3, axis=2) if picture.ndim == 2 else picture.copy()


@contextmanager
def written(pictures: Sequence[NDArray[np.uint8]]) -> Iterator[pd.DataFrame]:
    """Give the catalogue of pictures from memory, of one shape, in an archive that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pictures.npz"
        np.savez(path, test_images=np.stack(pictures))
        yield catalogue(path)


def _names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist()]


def _splits(path: Path) -> list[str]:
    try:
        names = _names(path)
    except DAMAGED as error:
        raise DataError([Finding("error", f"it is no readable NPZ archive ({error})")], str(path)) from error
    found = [split for split in SPLITS if split + IMAGES in names]
    if not found:
        remedy = "The layout is that of MedMNIST: train_images, train_labels, val_images, ... test_labels"
        listed = ", ".join(names[:10]) or "nothing"
        raise DataError([Finding("error", f"it holds {listed}, but no images", remedy=remedy)], str(path))
    return found


def _header(path: Path, part: str) -> Header:
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{part}.npy") as member:
            return _read_header(member)
    except DAMAGED as error:
        raise DataError([Finding("error", f"{part} cannot be read ({error})")], str(path)) from error


def _read_header(member: Any) -> Header:
    version = npy.read_magic(member)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, column_major, dtype = read(member)
    if column_major:
        raise ValueError("the array is stored column by column")
    return Header(shape, dtype)


def _labels(path: Path, split: str) -> NDArray[Any]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return np.asarray(archive[split + LABELS])
    except DAMAGED as error:
        raise DataError(
            [Finding("error", f"{split + LABELS} cannot be read ({error})")], str(path)
        ) from error


def _faults(split: str, images: Header) -> list[Finding]:
    flat = len(images.shape) == 3 or (len(images.shape) == 4 and images.shape[3] == 3)
    if flat and images.dtype == np.uint8:
        return []
    shape = " x ".join(map(str, images.shape))
    remedy = "Pictures are (n, height, width) or (n, height, width, 3) of uint8; volumes are not read"
    return [Finding("error", f"{split + IMAGES} is {shape} of {images.dtype}", remedy=remedy)]


def _label_faults(split: str, labels: NDArray[Any], pictures: int) -> list[Finding]:
    name = split + LABELS
    if len(labels) != pictures:
        return [Finding("error", f"{name} has {len(labels):,} rows for {pictures:,} pictures")]
    if labels.size != pictures:
        remedy = "One class per picture is learned; choose one column and save it as (n, 1)"
        several = labels.size // max(pictures, 1)
        return [Finding("error", f"{name} holds {several} labels for each picture", remedy=remedy)]
    if labels.dtype.kind not in "iub":
        return [Finding("error", f"{name} holds {labels.dtype}, not whole numbers")]
    return []
