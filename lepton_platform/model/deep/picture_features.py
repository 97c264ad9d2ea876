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
WRITTEN_AT_ONCE = 4_096
"""Pictures after which their features are kept in the file."""
REMEMBERED = 2_048
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
        Whether to look at each picture's mirror image, too.
    sided : bool
        Whether a picture and its mirror image are told apart (left and right kidney). If not, the
        features of a picture that is looked at ``mirrored`` are the mean over both.
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
        sided: bool = False,
        random_weights: int | None = None,
        checkpoints: str | Path | None = None,
    ) -> None:
        self.sizes = sizes
        self.mirrored = mirrored
        self.sided = sided
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
        looks = kept.read() if kept is not None and kept.is_complete() else self._computed(X)
        own, mirror = looks[:, : self.n_features_out_], looks[:, self.n_features_out_ :]
        return np.asarray((own + mirror) / 2 if self.mirrored and not self.sided else own)

    def _kept(self, X: pd.DataFrame) -> _Kept | None:
        if self.kept_in_ is None:
            return None
        sizes = "-".join(map(str, self.sizes))
        name = f"features-{sizes}{'-mirrored' if self.mirrored else ''}-{self.random_weights}"
        return _Kept(Path(self.kept_in_) / name, X, self._width())

    def _width(self) -> int:
        return len(self.sizes) * WIDTH * (1 + self.mirrored)

    def _computed(self, X: pd.DataFrame) -> Floats:
        """Return the features of the pictures and, behind them, those of their mirror images."""
        key = (tuple(X["sha256"]), self.sizes, self.mirrored, self.random_weights)
        with _ONE_AT_A_TIME:
            if key in _RECENT:
                return _RECENT[key]
        network = _frozen(self.random_weights)
        features = np.empty((len(X), self._width()), np.float32)
        for positions, pictures in _batches(X, self.sizes):
            inputs = [Prepared()(stack) for stack in pictures]
            turned = [stack.flip(3) for stack in inputs] if self.mirrored else []
            pooled = [_pooled(network, stack) for stack in inputs + turned]
            features[positions] = np.concatenate(pooled, axis=1)
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
    """Features in a file of float32, row after row, found again by the digests of the pixels.

    Rows are added some thousands at a time, and after them their digests to a file beside it: only
    rows that have one count, so that a look that was killed goes on where it was.
    """

    def __init__(self, path: Path, cases: pd.DataFrame, width: int) -> None:
        self._rows, self._names = path.with_suffix(".f32"), path.with_suffix(".txt")
        self._cases, self._width = cases, width

    def _known(self) -> list[str]:
        return self._names.read_text().split() if self._names.exists() else []

    def _places(self) -> NDArray[np.intp]:
        """Return the row of each picture in the file; -1 where it is not there."""
        known = self._known()
        places = pd.Series(range(len(known)), index=known, dtype="int64")
        found = self._cases["sha256"].map(places[~places.index.duplicated()]).fillna(-1)
        return np.asarray(found, dtype=np.intp)

    def is_complete(self) -> bool:
        return bool((self._places() >= 0).all())

    def complete(self, compute: Callable[[pd.DataFrame], Floats]) -> None:
        """Compute what is missing."""
        missing = self._cases[self._places() < 0].drop_duplicates("sha256")
        for start in range(0, len(missing), WRITTEN_AT_ONCE):
            part = missing.iloc[start : start + WRITTEN_AT_ONCE]
            self._add(compute(part), part["sha256"].tolist())

    def _add(self, rows: Floats, names: list[str]) -> None:
        known = self._known()
        self._rows.parent.mkdir(parents=True, exist_ok=True)
        with open(self._rows, "r+b" if self._rows.exists() else "wb") as file:
            file.seek(len(known) * self._width * rows.itemsize)  # over rows whose digests were not written
            file.write(rows.tobytes())
        store.write_text(self._names, "\n".join([*known, *names]))

    def read(self) -> Floats:
        rows = np.memmap(self._rows, np.float32, mode="r", shape=(len(self._known()), self._width))
        return np.asarray(rows[self._places()])


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
def _pooled(network: Any, inputs: Tensor) -> Floats:
    """Return mean and deviation of every channel of every stage, shape (n, 928)."""
    maps = network._swish(network._bn0(network._conv_stem(inputs)))
    parts = []
    for number, block in enumerate(network._blocks[: STAGES[-1] + 1]):
        maps = block(maps)
        if number in STAGES:
            parts += [maps.mean((2, 3)), maps.std((2, 3))]
    return torch.cat(parts, dim=1).numpy()


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
        mean, deviation = X.mean(axis=0, dtype=np.float64), X.std(axis=0, dtype=np.float64)
        self.mean_ = mean.astype(X.dtype)
        self.scale_ = (np.maximum(deviation, 1e-6) * np.sqrt(blocks * parts)).astype(X.dtype)
        return self

    def transform(self, X: Floats) -> Floats:
        """Return the scaled features, in the shape and the precision of ``X``."""
        return np.asarray((X - self.mean_) / self.scale_)
