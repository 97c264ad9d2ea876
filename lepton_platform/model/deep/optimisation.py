"""Optimisers and learning-rate schedules of torch, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from torch import nn, optim
from torch.optim import lr_scheduler

from lepton_platform.model.deep.choices import chosen

OPTIMISERS: Mapping[str, Callable[..., optim.Optimizer]] = {
    "adam": optim.Adam,
    "adamw": optim.AdamW,
    "nadam": optim.NAdam,
    "rmsprop": optim.RMSprop,
    "sgd": partial(optim.SGD, momentum=0.9, nesterov=True),
}
STALLED = 3
"""Epochs without a better validation loss after which ``"plateau"`` divides the rate by ten."""


def optimiser(
    name: str, weights: Iterable[nn.Parameter], learning_rate: float, weight_decay: float
) -> optim.Optimizer:
    """Return the optimiser called ``name``; ``weight_decay`` is its own form of it."""
    make = chosen("optimiser", name, OPTIMISERS)
    return make(weights, lr=learning_rate, weight_decay=weight_decay)


class Schedule:
    """How the learning rate changes during a training.

    Parameters
    ----------
    name : {"constant", "cosine", "one_cycle", "plateau"}
        Constant; down to 0 along half a cosine (Loshchilov and Hutter 2017); up and down again
        (Smith and Topin 2018); a tenth whenever the validation loss (else the training loss) stalls.
    steps : int
        Steps of the whole training.
    """

    def __init__(self, name: str, steps: int, optimiser: optim.Optimizer) -> None:
        self._optimiser = optimiser
        rate = optimiser.param_groups[0]["lr"]
        makers: Mapping[str, Callable[[], Any]] = {
            "constant": lambda: None,
            "cosine": lambda: lr_scheduler.CosineAnnealingLR(optimiser, T_max=steps),
            "one_cycle": lambda: lr_scheduler.OneCycleLR(optimiser, max_lr=rate, total_steps=steps),
            "plateau": lambda: lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.1, patience=STALLED - 1),
        }
        self._scheduler = chosen("schedule", name, makers)()
        self.follows_loss = name == "plateau"
        self.follows_steps = name in ("cosine", "one_cycle")

    @property
    def learning_rate(self) -> float:
        return float(self._optimiser.param_groups[0]["lr"])

    def after_step(self) -> None:
        """Change the rate after a step of the optimiser."""
        if self.follows_steps:
            self._scheduler.step()

    def after_epoch(self, loss: float) -> None:
        """Change the rate after an epoch that ended with this loss."""
        if self.follows_loss:
            self._scheduler.step(loss)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint must hold."""
        return {} if self._scheduler is None else self._scheduler.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        if self._scheduler is not None:
            self._scheduler.load_state_dict(state)
