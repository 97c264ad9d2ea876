"""A layer that exchanges outcomes among the cases of a run, once they are loaded and split."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np

from lepton_platform.config import Config, Field
from lepton_platform.hooks import APPLICATION_EXTENSION, Layer
from lepton_platform.hookspecs import hookimpl
from lepton_platform.run import Run


class Exchange(Config):
    """Which outcomes change places."""

    held_out: bool = Field(False, description="only those of the cases that are held out")
    seed: int = Field(0, ge=0, description="of the order that they get")


def layer() -> Layer:
    """Return the layer to be added to a run; its options are ``exchange.held_out`` and ``exchange.seed``."""
    module = sys.modules[__name__]
    return Layer("exchange", APPLICATION_EXTENSION, (module,), "lepton-platform", config=Exchange)


@hookimpl
def lepton_stage_finished(stage: str, run: Run, config: Exchange) -> None:
    """Exchange them before the model stage begins."""
    if stage != "data" or run.dataset.target is None:
        return
    outcomes = run.dataset.target.copy()
    places = run.split.test if config.held_out else np.arange(len(outcomes))
    order = np.random.default_rng(config.seed).permutation(places)
    outcomes.iloc[places] = outcomes.iloc[order].to_numpy()
    run.dataset = replace(run.dataset, target=outcomes)
