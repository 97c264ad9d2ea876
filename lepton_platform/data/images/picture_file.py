"""One file's pixels: common picture formats through Pillow, DICOM through pydicom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from lepton_platform.data.dataset import Finding
from lepton_platform.data.images import dicom
from lepton_platform.errors import DataError

SEVERAL_FRAMES = (".tif", ".tiff")
"""Formats whose files may hold pages that are pictures of their own."""
DAMAGED = (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError)


def frames(path: Path) -> int:
    """Return how many pictures a file says it holds; 1 where that cannot be read."""
    if dicom.is_dicom(path):
        return dicom.frames(path)
    if path.suffix.lower() not in SEVERAL_FRAMES:
        return 1
    try:
        with Image.open(path) as file:
            return int(getattr(file, "n_frames", 1))
    except DAMAGED:
        return 1


def decode(path: Path, wanted: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames numbered ``wanted`` as upright 8-bit RGB, shape (height, width, 3).

    Raises
    ------
    DataError
        The file cannot be read as a picture; the message says why.
    """
    if dicom.is_dicom(path):
        yield from dicom.decode(path, wanted)
        return
    try:
        with Image.open(path) as file:
            for frame in wanted:
                if frame:
                    file.seek(frame)
                yield _upright(file)
    except UnidentifiedImageError as error:
        raise _unreadable("is in no picture format that is known here", path) from error
    except DAMAGED as error:
        raise _unreadable(f"cannot be read as a picture ({error})", path) from error


def _upright(file: Image.Image) -> NDArray[np.uint8]:
    if file.mode.startswith("I") or file.mode == "F":
        return _from_deep_grey(np.asarray(file))
    turned = ImageOps.exif_transpose(file) or file
    return np.array(turned.convert("RGBA").convert("RGB") if file.mode == "P" else turned.convert("RGB"))


def _from_deep_grey(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Return 16-bit grey as 8-bit: the upper byte, so that all files of a set are treated alike."""
    grey = np.clip(values.astype(np.float64) / 257, 0, 255).round().astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _unreadable(reason: str, path: Path) -> DataError:
    return DataError([Finding("error", reason)], path.name)
