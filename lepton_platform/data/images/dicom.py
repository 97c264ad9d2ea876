"""DICOM files: stored values become grey levels as the standard's pipeline says.

Stored values → modality LUT (rescale slope and intercept) → values of interest (window, or LUT) →
photometric interpretation: PS3.3 C.7.6.3, C.11.1, C.11.2. pydicom does each step. Nothing else of
a file is read: names, ids, dates and UIDs stay where they are.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import JPEG2000TransferSyntaxes, JPEGLSTransferSyntaxes, JPEGTransferSyntaxes

from lepton_platform.data.dataset import Finding
from lepton_platform.errors import DataError

PREAMBLE, MAGIC = 128, b"DICM"
SUFFIXES = (".dcm", ".dicom", ".ima")
LARGEST_OF_8_BITS = 255
CODECS = (
    (JPEGLSTransferSyntaxes, "pyjpegls"),
    (JPEG2000TransferSyntaxes, "pylibjpeg pylibjpeg-openjpeg"),
    (JPEGTransferSyntaxes, "pylibjpeg pylibjpeg-libjpeg"),
)
"""What decodes each kind of compression, beside Pillow. pylibjpeg-libjpeg is GPL: yours to choose."""


def is_dicom(path: Path) -> bool:
    """Whether the file has DICOM's mark after its preamble, or a suffix that says so."""
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            return file.read(PREAMBLE + len(MAGIC))[PREAMBLE:] == MAGIC
    except OSError:
        return False


def frames(path: Path) -> int:
    """Return the number of frames that the header names; 1 where there is none."""
    try:
        with warnings.catch_warnings(action="ignore"):
            header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
            return max(1, int(header.get("NumberOfFrames") or 1))
    except Exception:  # damaged in a way that decoding will name
        return 1


def decode(path: Path, wanted: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames numbered ``wanted`` as 8-bit RGB, shape (height, width, 3).

    Raises
    ------
    DataError
        There are no pixels, they cannot be decoded, or a codec is missing: the message names it.
    """
    # pydicom meets damaged files with exceptions of every kind, and remarks on many sound ones
    with warnings.catch_warnings(action="ignore"):
        try:
            file = pydicom.dcmread(path, force=True)
        except Exception as error:
            raise _unreadable(f"cannot be read as DICOM ({_brief(error)})") from error
        if "PixelData" not in file:
            raise _unreadable("has no picture in it")
        for frame in wanted:
            try:
                yield _rgb(file, frame)
            except Exception as error:
                raise _undecodable(file, error) from error


def _rgb(file: pydicom.Dataset, frame: int) -> NDArray[np.uint8]:
    stored = pixel_array(file, index=frame)
    if file.PhotometricInterpretation == "PALETTE COLOR":
        colour = apply_color_lut(stored, file)
        return (colour >> 8).astype(np.uint8) if colour.dtype == np.uint16 else colour.astype(np.uint8)
    if stored.ndim == 3:  # pydicom has turned other colour spaces into RGB
        return stored.astype(np.uint8) if stored.dtype == np.uint8 else (stored >> 8).astype(np.uint8)
    grey = _grey(stored, file)
    if file.PhotometricInterpretation == "MONOCHROME1":  # the least value is white
        grey = LARGEST_OF_8_BITS - grey
    return np.repeat(grey[:, :, None], 3, axis=2)


def _grey(stored: NDArray[Any], file: pydicom.Dataset) -> NDArray[np.uint8]:
    """Return grey levels; black and white are the ends of the window, else of the frame's values."""
    windowed = "WindowWidth" in file or "VOILUTSequence" in file
    rescaled = "RescaleSlope" in file or "ModalityLUTSequence" in file
    if not windowed and not rescaled and file.BitsStored <= 8:
        return np.asarray(stored, dtype=np.uint8)
    values = apply_modality_lut(stored, file)
    low, high = values.min(), values.max()
    if windowed:
        # far values stand for the window's ends, which pydicom does not tell
        far = np.array([[np.iinfo(np.int32).min, np.iinfo(np.int32).max]]).astype(values.dtype)
        values = apply_voi_lut(values, file).astype(np.float64)
        low, high = apply_voi_lut(far, file).astype(np.float64)[0]
    share = (values - low) / max(high - low, 1e-9)
    levels = np.clip(share * LARGEST_OF_8_BITS, 0, LARGEST_OF_8_BITS).round()
    return np.asarray(levels, dtype=np.uint8)


def _undecodable(file: pydicom.Dataset, error: Exception) -> DataError:
    syntax = getattr(getattr(file, "file_meta", None), "TransferSyntaxUID", None)
    if str(error).startswith("Unable to de") and syntax is not None and syntax.is_compressed:
        codec = next((codec for uids, codec in CODECS if syntax in uids), "pylibjpeg")
        missing = f"for which a codec is missing: pip install {codec}"
        return _unreadable(f"is compressed as {syntax.name}, {missing}")
    return _unreadable(f"holds pixels that cannot be decoded ({_brief(error)})")


def _brief(error: Exception) -> str:
    """Return the first sentence of an error, without what it may quote of the header."""
    said = str(error).partition("\n")[0].partition(". ")[0] or type(error).__name__
    return re.sub(r"'[^']*'|\d+(\.\d+){4,}", "...", said)[:200]


def _unreadable(reason: str) -> DataError:
    return DataError([Finding("error", reason)])
