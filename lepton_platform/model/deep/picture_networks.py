"""Networks for pictures, and the random changes that leave their meaning while they learn.

Pictures are (height, width, 3) in 0..255, as `Squares` gives them.
"""

from __future__ import annotations

from typing import Self

import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin
from torch import Tensor, nn

from lepton_platform.data.images.pixels import Pixels, squares
from lepton_platform.model.deep.efficientnet import Prepared


class Squares(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """The pixels of a catalogue's pictures, each stretched to ``size`` x ``size``."""

    def __init__(self, size: int = 64) -> None:
        self.size = size

    def fit(self, X: pd.DataFrame, y: ArrayLike | None = None) -> Self:
        """Learn nothing."""
        self.n_features_out_ = self.size * self.size * 3
        return self

    def transform(self, X: pd.DataFrame) -> Pixels:
        """Return the pixels, shape (n, size, size, 3), 0..255."""
        return squares(X, self.size)


class SmallPictureNetwork(BaseEstimator):  # type: ignore[misc]
    """Convolutions from scratch: two per resolution, batch-normalised, each resolution half the last.

    The plain form of Simonyan and Zisserman 2015 (VGG) with batch normalisation and a mean over the
    picture in place of the large last layers.

    Parameters
    ----------
    channels : tuple of int
        Channels at each resolution.
    dropout : float
        Share of the last features left out at random in training.
    """

    def __init__(self, channels: tuple[int, ...] = (32, 64, 128), dropout: float = 0.3) -> None:
        self.channels = channels
        self.dropout = dropout

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        """Return the layers as one ``Sequential``."""
        if len(shape) != 3:
            raise ValueError(f"SmallPictureNetwork takes pictures (height, width, 3); here a case is {shape}")
        layers: list[nn.Module] = [Prepared()]
        into = shape[2]
        for width in self.channels:
            for _ in range(2):
                layers += [nn.Conv2d(into, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
                into = width
            layers.append(nn.MaxPool2d(2))
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(self.dropout)]
        return nn.Sequential(*layers, nn.Linear(into, outputs))


class Turned(BaseEstimator):  # type: ignore[misc]
    """Mirrors, turns, shifts, scales and relights each picture of a batch at random (kornia).

    Parameters
    ----------
    degrees : float
        Greatest angle of a turn.
    shift, scale : float
        Greatest shift, as a share of the side, and greatest change of size.
    light : float
        Greatest change of brightness and of contrast, as a share.
    """

    def __init__(
        self, degrees: float = 12.0, shift: float = 0.08, scale: float = 0.15, light: float = 0.15
    ) -> None:
        self.degrees = degrees
        self.shift = shift
        self.scale = scale
        self.light = light

    def __call__(self, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        import kornia.augmentation as change

        changes = change.AugmentationSequential(
            change.RandomHorizontalFlip(),
            change.RandomAffine(
                degrees=self.degrees,
                translate=(self.shift, self.shift),
                scale=(1 - self.scale, 1 + self.scale),
                padding_mode="border",
                p=1.0,
            ),
            change.ColorJiggle(brightness=self.light, contrast=self.light, p=1.0),
            data_keys=["input"],
        )
        changed = changes(X.permute(0, 3, 1, 2) / 255)
        return (changed * 255).permute(0, 2, 3, 1).contiguous(), y
