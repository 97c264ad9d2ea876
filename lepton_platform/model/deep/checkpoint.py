"""A file from which a training goes on after a crash, to the same weights bit for bit."""

from __future__ import annotations

import hashlib
import pickle
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lepton_platform import store
from lepton_platform.errors import RunError

SHARE = 0.05
"""Most of a training's time that is spent on writing checkpoints."""


class Checkpoint:
    """One training's file in a folder; its name is a digest of everything the result depends on.

    Another training, on other data or with other parameters, has another file and never takes up
    this one. Written whole or not at all; reading it executes nothing.
    """

    def __init__(self, folder: Path, parameters: str, arrays: Iterable[np.ndarray[Any, Any]]) -> None:
        digest = hashlib.sha256(f"{parameters} torch {torch.__version__}".encode())
        for array in arrays:
            digest.update(f"{array.dtype} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        self.path = folder / f"{digest.hexdigest()[:24]}.pt"
        self._due = 0.0

    def read(self) -> dict[str, Any] | None:
        """Return the state that was written last, or ``None`` if there is none."""
        if not self.path.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(self.path, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, OSError, ValueError, pickle.UnpicklingError) as error:
            raise RunError(f"the checkpoint {self.path} is damaged; remove it to start anew") from error
        return state

    def write(self, state: dict[str, Any], last: bool) -> None:
        """Keep ``state``, unless the last writing is so recent that it would cost too much time."""
        begun = time.monotonic()
        if begun < self._due and not last:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with store.replacing(self.path) as temporary:
            torch.save(state, temporary)
        ended = time.monotonic()
        self._due = ended + (ended - begun) / SHARE
