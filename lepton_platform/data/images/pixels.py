"""From a catalogue to pixels: one picture at a time, in the order in which they lie."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from lepton_platform.data.images import npz, picture_file

Pixels = NDArray[np.uint8]


def read(cases: pd.DataFrame) -> Iterator[tuple[int, Pixels]]:
    """Yield position in ``cases`` and pixels of each picture, shape (height, width, 3).

    Not in the order of ``cases``: an archive is read from front to back, once.
    """
    numbers = cases["frame"].to_numpy()
    for place, positions in cases.groupby(["path", "part"]).indices.items():
        path, part = cast(tuple[str, str], place)
        ascending = np.asarray(positions)[np.argsort(numbers[positions], kind="stable")]
        frames = numbers[ascending].tolist()
        pictures = npz.rows(Path(path), part, frames) if part else picture_file.decode(Path(path), frames)
        yield from zip(ascending.tolist(), pictures, strict=True)


def squares(cases: pd.DataFrame, size: int) -> Pixels:
    """Return all pictures stretched to ``size`` x ``size`` pixels, shape (n, size, size, 3)."""
    stack = np.empty((len(cases), size, size, 3), np.uint8)
    for position, picture in read(cases):
        stack[position] = square(picture, size)
    return stack


def square(picture: Pixels, size: int) -> Pixels:
    """Return a picture stretched to ``size`` x ``size`` pixels, bilinear and without aliasing."""
    if picture.shape[:2] == (size, size):
        return picture
    return np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.BILINEAR))
