"""Features of pictures from a network that was trained on millions of others and stays as it is.

Inner feature maps carry more about pictures of another kind than the last layer does (MedMNIST+,
arXiv 2404.15786, for linear probes; measured again in benchmarks/LOG.md). Each map is summed up by
its mean and its deviation over the picture.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor
from torch.nn.functional import interpolate

from lepton_platform import store
from lepton_platform.data.images.pixels import Pixels, read
from lepton_platform.model.deep.efficientnet import CHANNELS, STAGES, Prepared, backbone

Floats = NDArray[np.float32]

AT_ONCE = 64
"""Pictures that go through the network together."""
REMEMBERED = 4_096
"""The features of a batch of so many pictures at most are kept for the next caller."""
BATCHES_REMEMBERED = 6
WIDTH = 2 * sum(CHANNELS)
"""Features per size: mean and deviation of every channel."""


class PretrainedFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Means and deviations of inner maps of EfficientNet-Lite0, for the pictures of a catalogue.

    Parameters
    ----------
    sizes : tuple of int
        Pixels along a side to which each picture is stretched; features of all sizes stand side by
        side, 928 for each.
    mirrored : bool
        Whether to take the mean over each picture and its mirror image: then both are told alike.
    random_weights : int or None
        Seed of random weights in place of the pretrained ones, to see what depends on them.
    checkpoints : path or None
        Folder in which the features of the pictures of ``fit`` are kept, so that no fold computes
        them again. The host gives one to the candidates of a run.
    """

    def __init__(
        self,
        sizes: tuple[int, ...] = (64, 112),
        mirrored: bool = True,
        random_weights: int | None = None,
        checkpoints: str | Path | None = None,
    ) -> None:
        self.sizes = sizes
        self.mirrored = mirrored
        self.random_weights = random_weights
        self.checkpoints = checkpoints

    def fit(self, X: pd.DataFrame, y: ArrayLike | None = None) -> Self:
        """Learn nothing; keep the features of the inspected catalogue ``X``."""
        self.n_features_out_ = len(self.sizes) * WIDTH
        self.kept_in_ = None if self.checkpoints is None else str(self.checkpoints)
        if (kept := self._kept(X)) is not None:
            kept.complete(self._computed)
        return self

    def transform(self, X: pd.DataFrame) -> Floats:
        """Return the features, shape (n, 928 x sizes)."""
        check_is_fitted(self)
        kept = self._kept(X)
        return kept.read() if kept is not None and kept.is_complete() else self._computed(X)

    def _kept(self, X: pd.DataFrame) -> _Kept | None:
        if self.kept_in_ is None:
            return None
        sizes = "-".join(map(str, self.sizes))
        name = f"features-{sizes}{'-mirrored' if self.mirrored else ''}-{self.random_weights}"
        return _Kept(Path(self.kept_in_) / name, X)

    def _computed(self, X: pd.DataFrame) -> Floats:
        key = (tuple(X["sha256"]), self.sizes, self.mirrored, self.random_weights)
        with _ONE_AT_A_TIME:
            if key in _RECENT:
                return _RECENT[key]
        network, features = (
            _frozen(self.random_weights),
            np.empty((len(X), len(self.sizes) * WIDTH), np.float32),
        )
        for positions, pictures in _batches(X, self.sizes):
            features[positions] = np.concatenate(
                [_pooled(network, stack, self.mirrored) for stack in pictures], axis=1
            )
        if len(X) <= REMEMBERED:
            with _ONE_AT_A_TIME:
                _RECENT[key] = features
                while len(_RECENT) > BATCHES_REMEMBERED:
                    del _RECENT[next(iter(_RECENT))]
        return features


_RECENT: dict[Any, Floats] = {}
"""Features of the last few small batches: the members of a blend ask for the same ones in turn."""
_ONE_AT_A_TIME = threading.Lock()


@lru_cache(maxsize=2)
def _frozen(random_weights: int | None) -> Any:
    return backbone(random_weights)


class _Kept:
    """Features in a file, one row per picture, found again by the digests of the pixels."""

    def __init__(self, path: Path, cases: pd.DataFrame) -> None:
        self._rows, self._names = path.with_suffix(".npy"), path.with_suffix(".txt")
        self._cases = cases

    def _places(self) -> NDArray[np.intp]:
        """Return the row of each picture in the file; -1 where it is not there."""
        known = self._names.read_text().split() if self._names.exists() else []
        places = pd.Series(range(len(known)), index=known, dtype="int64")
        found = self._cases["sha256"].map(places[~places.index.duplicated()]).fillna(-1)
        return np.asarray(found, dtype=np.intp)

    def is_complete(self) -> bool:
        return bool((self._places() >= 0).all())

    def complete(self, compute: Callable[[pd.DataFrame], Floats]) -> None:
        """Compute what is missing and write the file anew, whole or not at all."""
        missing = self._cases[self._places() < 0].drop_duplicates("sha256")
        if missing.empty:
            return
        rows, names = compute(missing), missing["sha256"].tolist()
        self._rows.parent.mkdir(parents=True, exist_ok=True)
        if self._names.exists():
            rows = np.concatenate([np.load(self._rows), rows])
            names = self._names.read_text().split() + names
        with store.replacing(self._rows) as temporary, open(temporary, "wb") as file:
            np.save(file, rows)
        store.write_text(self._names, "\n".join(names))  # last: it says what the other one holds

    def read(self) -> Floats:
        return np.asarray(np.load(self._rows, mmap_mode="r")[self._places()])


def _batches(cases: pd.DataFrame, sizes: tuple[int, ...]) -> Iterator[tuple[list[int], list[Tensor]]]:
    """Yield positions and pictures, for each size a stack of shape (batch, size, size, 3)."""
    waiting: list[tuple[int, list[Tensor]]] = []
    for position, picture in read(cases):
        waiting.append((position, [_stretched(picture, size) for size in sizes]))
        if len(waiting) == AT_ONCE:
            yield _stacked(waiting)
            waiting = []
    if waiting:
        yield _stacked(waiting)


def _stacked(waiting: list[tuple[int, list[Tensor]]]) -> tuple[list[int], list[Tensor]]:
    positions, pictures = zip(*waiting, strict=True)
    return list(positions), [torch.cat(of_size) for of_size in zip(*pictures, strict=True)]


def _stretched(picture: Pixels, size: int) -> Tensor:
    """Return a picture as floats at another size, shape (1, size, size, 3).

    Not rounded to whole grey levels: on pictures of 28 pixels that costs accuracy.
    """
    channels_first = torch.from_numpy(picture).permute(2, 0, 1)[None].float()
    stretched = interpolate(channels_first, (size, size), mode="bilinear", antialias=True)
    return stretched.permute(0, 2, 3, 1)


@torch.inference_mode()
def _pooled(network: Any, pictures: Tensor, mirrored: bool) -> Floats:
    """Return mean and deviation of every channel of every stage, shape (n, 928)."""
    inputs = Prepared()(pictures)
    pooled = _summed_up(network, inputs)
    return (((pooled + _summed_up(network, inputs.flip(3))) / 2) if mirrored else pooled).numpy()


def _summed_up(network: Any, inputs: Tensor) -> Tensor:
    maps = network._swish(network._bn0(network._conv_stem(inputs)))
    parts = []
    for number, block in enumerate(network._blocks[: STAGES[-1] + 1]):
        maps = block(maps)
        if number in STAGES:
            parts += [maps.mean((2, 3)), maps.std((2, 3))]
    return torch.cat(parts, dim=1)


class StageScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Brings every feature to mean 0 and every stage to the same weight, whatever its channels.

    A row's expected squared length is 1, so that one kernel width serves all sets of pictures.
    """

    def fit(self, X: Floats, y: ArrayLike | None = None) -> Self:
        """Learn the mean and the deviation of each feature; ``X`` has 928 columns per size."""
        stage = np.concatenate([np.full(width, width) for width in np.repeat(CHANNELS, 2)])
        blocks = np.tile(stage, X.shape[1] // WIDTH)
        parts = 2 * len(CHANNELS) * (X.shape[1] // WIDTH)
        self.n_features_in_ = X.shape[1]
        self.mean_ = X.mean(axis=0, dtype=np.float64)
        self.scale_ = np.maximum(X.std(axis=0, dtype=np.float64), 1e-6) * np.sqrt(blocks * parts)
        return self

    def transform(self, X: Floats) -> NDArray[np.float64]:
        """Return the scaled features, in the shape of ``X``."""
        return np.asarray((X - self.mean_) / self.scale_)
