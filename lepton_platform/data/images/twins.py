"""Near-duplicates: pictures that show nearly the same, mirrored or not.

Two pictures are twins if their thumbnails, or one and the other's mirror image, correlate by more
than a threshold (Pearson). A model that has learned one has seen the other, so twins belong into
one fold. Where pictures are so alike that most would be twins of twins (X-rays of one body part),
the threshold rises until no group holds more than a twentieth of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lepton_platform.data.images.inspection import THUMBNAIL

THRESHOLDS = (0.95, 0.98, 0.99, 0.995, 0.999)
LARGEST_SHARE = 0.05
LARGEST_GROUP = 20
"""A group of so few is never taken for a sign that the threshold is too low."""
MOST_COMPARED = 20_000
"""Above so many pictures, comparing all pairs costs too much: only equal thumbnails are twins."""
AT_ONCE = 500

Floats = NDArray[np.float32]


class Twins(NamedTuple):
    """Which pictures belong together."""

    groups: NDArray[np.intp]
    """Number of each picture's group, shape (n,); a picture without a twin is alone in its group."""
    threshold: float
    """Correlation above which two pictures are taken for the same."""

    @property
    def paired(self) -> int:
        """How many pictures have a twin."""
        sizes = np.bincount(self.groups)
        return int((sizes[self.groups] > 1).sum())


def twins(pictures: pd.DataFrame) -> Twins:
    """Return the near-duplicates among inspected pictures."""
    n = len(pictures)
    if n > MOST_COMPARED:
        return Twins(_equal_thumbnails(pictures), 1.0)
    most = max(LARGEST_SHARE * n, LARGEST_GROUP)
    groups = dict.fromkeys(THRESHOLDS, np.arange(n))
    for start, correlation in _correlations(*_units(pictures)):
        for threshold in list(groups):
            row, column = np.nonzero(correlation > threshold)
            groups[threshold] = _joined(groups[threshold], row + start, column + start)
            if np.bincount(groups[threshold]).max() > most:
                del groups[threshold]
    if not groups:
        return Twins(_equal_thumbnails(pictures), 1.0)
    return Twins(groups[min(groups)], min(groups))


def _joined(groups: NDArray[np.intp], first: NDArray[np.intp], second: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the groups after each pair of pictures was put into one."""
    n = len(groups)
    links = coo_array((np.ones(len(first), bool), (groups[first], groups[second])), shape=(n, n))
    return np.asarray(connected_components(links, directed=False)[1][groups], dtype=np.intp)


def have_twin(pictures: pd.DataFrame, among: pd.DataFrame, threshold: float) -> NDArray[np.bool_]:
    """Return which ``pictures`` have a twin ``among`` others, shape (n,)."""
    if threshold >= 1:
        known = set(among["thumbnail"])
        return np.array([thumbnail in known for thumbnail in pictures["thumbnail"]], dtype=bool)
    units, (others, mirrored) = _units(pictures)[0], _units(among)
    return np.concatenate(
        [
            (np.maximum(block @ others.T, block @ mirrored.T) > threshold).any(axis=1)
            for block in np.array_split(units, max(1, len(units) // AT_ONCE))
        ]
    )


def _equal_thumbnails(pictures: pd.DataFrame) -> NDArray[np.intp]:
    return pd.factorize(pictures["thumbnail"])[0].astype(np.intp)


def _units(pictures: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return thumbnails and their mirror images with mean 0 and length 1, each of shape (n, 784)."""
    grey = np.frombuffer(b"".join(pictures["thumbnail"]), np.uint8).reshape(-1, THUMBNAIL, THUMBNAIL)
    units = grey.reshape(len(grey), -1).astype(np.float32)
    units -= units.mean(axis=1, keepdims=True)
    units /= np.maximum(np.linalg.norm(units, axis=1, keepdims=True), 1e-6)  # 0: one plain colour
    return units, units.reshape(grey.shape)[:, :, ::-1].reshape(units.shape)


def _correlations(units: Floats, mirrored: Floats) -> Iterator[tuple[int, Floats]]:
    """Yield, for some pictures at a time, the first one's number and theirs with all from there on.

    As much as fits into memory, not all pairs: of pictures that are alike there are millions. A pair
    is told once, the other way round it is 0.
    """
    for start in range(0, len(units), AT_ONCE):
        block, later = units[start : start + AT_ONCE], slice(start, None)
        yield start, np.triu(np.maximum(block @ units[later].T, block @ mirrored[later].T), 1)
