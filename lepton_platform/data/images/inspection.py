"""Reads every picture once, before anything is learned: what is wrong with it, and what is in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from lepton_platform.data.images.pixels import Pixels, read, square
from lepton_platform.errors import DataError

THUMBNAIL = 28
"""Pixels along a side of the thumbnails that near-duplicates are found by."""


def inspected(catalogue: pd.DataFrame) -> pd.DataFrame:
    """Return the catalogue with what each picture holds.

    Adds ``sha256`` of shape and pixels, ``thumbnail`` (28 x 28 grey levels as bytes), ``width`` and
    ``height`` in pixels, ``grey`` (whether the channels are equal), and ``fault``: in words, why the
    picture cannot be used; empty where it can.
    """
    found: dict[int, dict[str, Any]] = {}
    for position, facts in _inspect(catalogue):
        found[position] = facts
    rows = [found[position] for position in range(len(catalogue))]
    table = pd.DataFrame(rows, index=catalogue.index, columns=list(_NOTHING))
    return pd.concat([catalogue, table], axis=1)


def _inspect(catalogue: pd.DataFrame) -> Iterator[tuple[int, dict[str, Any]]]:
    for _, positions in catalogue.groupby("path", sort=False).indices.items():
        left = set(map(int, positions))
        try:
            for place, picture in read(catalogue.iloc[positions]):
                left.discard(int(positions[place]))
                yield int(positions[place]), _facts(picture)
        except DataError as error:  # this frame and those behind it
            fault = error.findings[0].message
            yield from ((position, _NOTHING | {"fault": fault}) for position in sorted(left))


_NOTHING: dict[str, Any] = {
    "sha256": "", "thumbnail": b"", "width": 0, "height": 0, "grey": False, "fault": "",
}  # fmt: skip


def _facts(picture: Pixels) -> dict[str, Any]:
    height, width, _ = picture.shape
    digest = hashlib.sha256(f"{height} x {width}".encode())
    digest.update(np.ascontiguousarray(picture).data)
    small = square(picture, THUMBNAIL).astype(np.uint16).sum(axis=2) // 3
    return {
        "sha256": digest.hexdigest(),
        "thumbnail": small.astype(np.uint8).tobytes(),
        "width": width,
        "height": height,
        "grey": bool((picture == picture[:, :, :1]).all()),
        "fault": "",
    }
