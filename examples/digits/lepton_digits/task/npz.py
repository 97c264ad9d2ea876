"""NumPy archives of pictures: ``x_train, y_train, x_test, y_test``, as Keras publishes MNIST, or ``X, y``.

Pictures have shape (n, rows, columns), or (n, pixels) if they are square; grey levels are whole
numbers from 0 to 255 or fractions from 0 to 1. Loading executes nothing: pickled arrays are refused.
"""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lepton_digits.task.faults import fault

Bytes = NDArray[np.uint8]
Part = tuple[Bytes, NDArray[np.int64] | None]
"""Pictures of shape (n, rows, columns) and, where there are any, their labels."""


def parts(path: Path) -> dict[str, Part]:
    """Return the archive's parts by name: ``"train"`` and, where there is one, ``"test"``.

    Raises
    ------
    DataError
        It is no archive, lacks the arrays, or they are of other shapes and kinds.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name.lower(): archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        remedy = "Write it with numpy.savez, of arrays of numbers"
        raise fault(path, f"cannot be read as a NumPy archive ({error})", remedy) from error
    named = {"train": ("x_train", "y_train"), "test": ("x_test", "y_test")}
    if "x_train" not in arrays:
        named = {"train": ("x", "y")}
    if named["train"][0] not in arrays:
        remedy = "Name them x_train, y_train, x_test, y_test, or X, y"
        raise fault(path, f"holds the arrays {', '.join(arrays) or '(none)'}", remedy)
    return {
        part: (_pictures(path, arrays[x]), _labels(path, arrays[y]) if y in arrays else None)
        for part, (x, y) in named.items()
        if x in arrays
    }


def _pictures(path: Path, array: NDArray[Any]) -> Bytes:
    side = math.isqrt(array.shape[1]) if array.ndim == 2 else 0
    if array.ndim == 2 and side * side == array.shape[1]:
        array = array.reshape(-1, side, side)
    if array.ndim != 3 or array.size == 0 or array.dtype.kind not in "uif":
        remedy = "Pictures are numbers of shape (n, rows, columns), or (n, pixels) if they are square"
        raise fault(path, f"holds pictures of shape {array.shape} and type {array.dtype}", remedy)
    if array.dtype == np.uint8:
        return array
    levels = array.astype(np.float32)
    if array.dtype.kind == "f" and levels.max() <= 1:
        levels *= 255
    if not ((levels >= 0) & (levels <= 255)).all():
        remedy = "Grey levels are whole numbers from 0 to 255, or fractions from 0 to 1"
        raise fault(path, f"holds grey levels from {levels.min():g} to {levels.max():g}", remedy)
    return np.rint(levels).astype(np.uint8)


def _labels(path: Path, array: NDArray[Any]) -> NDArray[np.int64]:
    if array.ndim != 1 or array.dtype.kind not in "uif" or (array % 1 != 0).any():
        remedy = "Labels are one whole number for each picture"
        raise fault(path, f"holds labels of shape {array.shape} and type {array.dtype}", remedy)
    return array.astype(np.int64)
