"""Options of reading digits: the network and its training."""

from __future__ import annotations

from typing import Literal

from lepton_platform import Config, Field


class RecognitionConfig(Config):
    """One hidden layer with ReLU, trained with Adam on cross-entropy."""

    hidden: int = Field(128, ge=1, description="units of the hidden layer")
    epochs: int = Field(10, ge=1, description="passes over the training pictures")
    batch_size: int = Field(64, ge=1, description="pictures in a step")
    learning_rate: float = Field(0.003, gt=0, description="of Adam, at its highest")
    schedule: Literal["constant", "cosine", "one_cycle", "plateau"] = Field(
        "one_cycle", description="how the learning rate changes during training"
    )
    validation_share: float = Field(
        0.2, ge=0, lt=1, description="share of the training pictures that choose the epoch"
    )
