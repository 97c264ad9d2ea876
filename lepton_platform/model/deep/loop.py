"""The training loop: epochs of steps, each on a batch of cases drawn without replacement.

Batches are taken by a permutation of the rows, which costs nothing beside a step; there is no
loader process. A training is a state (weights, optimiser, schedule, random numbers, best weights,
history) that goes forward epoch by epoch, so that it can be written down and gone on with.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from lepton_platform.errors import DivergedError
from lepton_platform.model.deep.augmentation import Augmentation
from lepton_platform.model.deep.checkpoint import Checkpoint
from lepton_platform.model.deep.losses import Loss
from lepton_platform.model.deep.optimisation import Schedule, optimiser

SMALL_STEP = 2_000_000
"""Multiplications of one step below which threads wait for each other longer than they work."""
AT_ONCE = 4_000_000
"""Numbers that go into a network at once where nothing is learned from them: of so many cases."""


class Part(NamedTuple):
    """Cases, floats or bytes, and their targets; rows may be taken by a tensor of positions."""

    X: Tensor
    y: Tensor


class Epoch(NamedTuple):
    """How an epoch ended; without a validation part its fields are not a number."""

    loss: float
    """Mean over the training cases, each as the network was when it met it."""
    validation_loss: float
    validation_score: float
    learning_rate: float


class Best(NamedTuple):
    """The epoch with the least validation loss so far, and a copy of its weights."""

    epoch: int
    loss: float
    weights: dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train: everything but the network and the data."""

    loss: Loss
    score: Loss
    optimiser: str
    learning_rate: float
    weight_decay: float
    schedule: str
    epochs: int
    batch_size: int
    patience: int | None
    """Epochs without a better validation loss after which training ends; ``None``: never early."""
    max_gradient_norm: float | None
    augmentation: Sequence[Augmentation]
    mixed: bool
    """Whether to compute the forward pass in 16-bit floats (bfloat16) where that is safe."""

    def __post_init__(self) -> None:
        for name in ("learning_rate", "epochs", "batch_size"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}={getattr(self, name)!r} must be above 0")

    def steps(self, rows: int) -> int:
        """Return the number of batches of one epoch: of nearly equal size, none above ``batch_size``."""
        return math.ceil(rows / self.batch_size)


class Training:
    """One training of ``module``, as far as it has come.

    Draws from torch's global random numbers; use it inside ``seeded``.
    """

    def __init__(self, module: nn.Module, recipe: Recipe, rows: int) -> None:
        self.module = module
        self.recipe = recipe
        self.steps = recipe.steps(rows)
        self.optimiser = optimiser(
            recipe.optimiser, module.parameters(), recipe.learning_rate, recipe.weight_decay
        )
        self.schedule = Schedule(recipe.schedule, recipe.epochs * self.steps, self.optimiser)
        self.device = next(module.parameters()).device
        self.history: list[Epoch] = []
        self.best: Best | None = None

    def run(self, train: Part, validation: Part | None, checkpoint: Checkpoint | None) -> None:
        """Train to the end; with a validation part, leave the best epoch's weights in the module."""
        if checkpoint is not None and (state := checkpoint.read()) is not None:
            self._load_state_dict(state)
        while not self._ended():
            self._epoch(train, validation)
            if checkpoint is not None:
                checkpoint.write(self._state_dict(), last=self._ended())
        if self.best is not None:
            self.module.load_state_dict(self.best.weights)

    def _ended(self) -> bool:
        done, patience = len(self.history), self.recipe.patience
        stalled = 0 if self.best is None else done - self.best.epoch
        return done >= self.recipe.epochs or (patience is not None and stalled >= patience)

    def _epoch(self, train: Part, validation: Part | None) -> None:
        rate = self.schedule.learning_rate
        loss = self._learn(train)
        validation_loss, score = self._judge(validation) if validation is not None else (math.nan, math.nan)
        self.history.append(Epoch(loss, validation_loss, score, rate))
        if validation is not None and (self.best is None or validation_loss < self.best.loss):
            weights = copy.deepcopy(self.module.state_dict())
            self.best = Best(len(self.history), validation_loss, weights)
        self.schedule.after_epoch(loss if validation is None else validation_loss)

    def _learn(self, train: Part) -> float:
        """Take a step on every batch; return the mean loss."""
        self.module.train()
        precision = self._precision()
        losses, sizes = [], []
        for rows in torch.randperm(len(train.y)).tensor_split(self.steps):
            X, y = train.X[rows].to(self.device).float(), train.y[rows].to(self.device)
            for augment in self.recipe.augmentation:
                X, y = augment(X, y)
            with precision:
                loss = self.recipe.loss(self.module(X), y)
            self.optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            if self.recipe.max_gradient_norm is not None:
                nn.utils.clip_grad_norm_(self.module.parameters(), self.recipe.max_gradient_norm)
            self.optimiser.step()
            self.schedule.after_step()
            losses.append(loss.detach())  # not .item(), which would wait for a GPU at every step
            sizes.append(len(rows))
        return self._mean(torch.stack(losses).cpu().double(), torch.tensor(sizes))

    def _mean(self, losses: Tensor, sizes: Tensor) -> float:
        """Return the mean loss of an epoch, or say which of its batches was the first without one."""
        finite = losses.isfinite()
        if not finite.all():
            raise self._diverged(f"batch {int((~finite).nonzero()[0]) + 1} of {len(losses)}")
        if not all(bool(weights.isfinite().all()) for weights in self.module.parameters()):
            raise self._diverged(f"batch {len(losses)} of {len(losses)}")
        return float((losses * sizes).sum() / sizes.sum())

    def _judge(self, validation: Part) -> tuple[float, float]:
        """Return loss and score of the network as it is on the validation part."""
        outputs = forward(self.module, validation.X, self._precision())
        loss = float(self.recipe.loss(outputs, validation.y))
        if not math.isfinite(loss):
            raise self._diverged("the validation part")
        return loss, float(self.recipe.score(outputs, validation.y))

    def _diverged(self, where: str) -> DivergedError:
        return DivergedError(len(self.history) + 1, where, self.schedule.learning_rate)

    def _precision(self) -> AbstractContextManager[Any]:
        return torch.autocast(self.device.type, torch.bfloat16) if self.recipe.mixed else nullcontext()

    # ------------------------------------------------------------------------- its state

    def _state_dict(self) -> dict[str, Any]:
        return {
            "module": self.module.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "random": random_state(self.device),
            "history": [tuple(epoch) for epoch in self.history],
            "best": None if self.best is None else tuple(self.best),
        }

    def _load_state_dict(self, state: dict[str, Any]) -> None:
        self.module.load_state_dict(state["module"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.history = [Epoch(*epoch) for epoch in state["history"]]
        self.best = None if state["best"] is None else Best(*state["best"])
        set_random_state(self.device, state["random"])


def forward(module: nn.Module, X: Tensor, precision: AbstractContextManager[Any] | None = None) -> Tensor:
    """Return the outputs for all of ``X`` on the CPU, dropout and the like switched off."""
    device = next(module.parameters()).device
    module.eval()
    with torch.inference_mode(), precision or nullcontext():
        parts = torch.split(X, max(1, AT_ONCE // max(1, math.prod(X.shape[1:]))))
        return torch.cat([module(part.to(device).float()).float().cpu() for part in parts])


@contextmanager
def threads_for(multiplications: int) -> Iterator[None]:
    """Compute on one thread while steps are small; afterwards on as many as the caller had."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if multiplications < SMALL_STEP else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


# ----------------------------------------------------------------------------- random numbers


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Start torch's random numbers from ``seed``; afterwards they are where the caller left them."""
    accelerators = [] if device.type == "cpu" else [torch.accelerator.current_device_index()]
    with torch.random.fork_rng(devices=accelerators, device_type=device.type):
        torch.manual_seed(seed)
        yield


def random_state(device: torch.device) -> list[Tensor]:
    """Return the state of the random numbers of the CPU and, if it is another, of ``device``."""
    own = [] if device.type == "cpu" else [torch.get_device_module(device).get_rng_state()]
    return [torch.get_rng_state(), *own]


def set_random_state(device: torch.device, states: Sequence[Tensor]) -> None:
    """Go on from the state that ``random_state`` returned."""
    torch.set_rng_state(states[0])
    for state in states[1:]:
        torch.get_device_module(device).set_rng_state(state)
