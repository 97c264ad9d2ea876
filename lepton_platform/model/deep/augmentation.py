"""Random changes to the training cases that leave their meaning, made anew for every batch.

Each is a scikit-learn object that takes a batch ``X`` and its targets ``y`` and gives both back.
Amounts are in units of the input as the network sees it: standard deviations, if it standardises.
``y`` holds probabilities of classes, shape (batch, classes), or numbers, shape (batch, targets).
"""

from __future__ import annotations

from typing import Protocol

import torch
from sklearn.base import BaseEstimator
from torch import Tensor
from torch.nn import functional


class Augmentation(Protocol):
    """What the estimators ask of an augmentation; derive yours from ``sklearn.base.BaseEstimator``."""

    def __call__(self, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return a changed copy of the batch, drawing from torch's random numbers."""
        ...


class GaussianNoise(BaseEstimator):  # type: ignore[misc]
    """Adds normal noise to every value: noise injection for tables, jitter for sequences."""

    def __init__(self, deviation: float = 0.05) -> None:
        self.deviation = deviation

    def __call__(self, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return X + self.deviation * torch.randn_like(X), y


class Scaling(BaseEstimator):  # type: ignore[misc]
    """Multiplies each channel of each sequence by a normal factor around 1 (Um et al. 2017)."""

    def __init__(self, deviation: float = 0.1) -> None:
        self.deviation = deviation

    def __call__(self, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        factors = 1 + self.deviation * torch.randn(len(X), 1, X.shape[2], device=X.device)
        return X * factors, y


class WindowCrop(BaseEstimator):  # type: ignore[misc]
    """Cuts one window out of the batch's sequences and stretches it to full length.

    Window slicing of Le Guennec, Malinowski and Tavenard 2016, interpolated linearly.

    Parameters
    ----------
    share : float
        Length of the window as a share of the sequence's.
    """

    def __init__(self, share: float = 0.9) -> None:
        self.share = share

    def __call__(self, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        time = X.shape[1]
        kept = max(2, round(self.share * time))
        start = int(torch.randint(time - kept + 1, ()))
        window = X[:, start : start + kept].transpose(1, 2)
        stretched = functional.interpolate(window, size=time, mode="linear", align_corners=True)
        return stretched.transpose(1, 2), y


class Mixup(BaseEstimator):  # type: ignore[misc]
    """Replaces cases by mixtures of two, inputs and targets alike (Zhang et al. 2018).

    Parameters
    ----------
    alpha : float
        Each batch's share of the first case is drawn from Beta(alpha, alpha).
    """

    def __init__(self, alpha: float = 0.2) -> None:
        self.alpha = alpha

    def __call__(self, X: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        share = torch.distributions.Beta(self.alpha, self.alpha).sample().to(X.device)
        other = torch.randperm(len(X), device=X.device)
        return share * X + (1 - share) * X[other], share * y + (1 - share) * y[other]
