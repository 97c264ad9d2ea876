"""Losses and scores of networks: functions of a batch's outputs and targets, giving a scalar tensor.

Outputs have shape (n, classes) or (n, targets); classes are given as numbers of shape (n,) or as
probabilities of shape (n, classes), other targets as shape (n, targets).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor
from torch.nn import functional

Loss = Callable[[Tensor, Tensor], Tensor]

OF_CLASSES: Mapping[str, Loss] = {"cross_entropy": functional.cross_entropy}
"""Cross-entropy: mean of -log softmax(outputs)[class], in nats."""
OF_NUMBERS: Mapping[str, Loss] = {
    "squared_error": functional.mse_loss,
    "absolute_error": functional.l1_loss,
    "huber": functional.huber_loss,
}
"""Means over all targets. ``huber`` (Huber 1964) is squared up to one standard deviation of the
targets, linear beyond."""


def accuracy(outputs: Tensor, classes: Tensor) -> Tensor:
    """Return the share of cases whose largest output is their class."""
    return (outputs.argmax(dim=1) == classes).float().mean()


def r_squared(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return 1 - squared error / squared distance of the targets from their mean (R²)."""
    return 1 - (outputs - targets).square().sum() / (targets - targets.mean(dim=0)).square().sum()
