"""Options that every application of the image task has."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from lepton_platform.config import Config, Field


class ImageConfig(Config):
    """How to read the pictures, how to split them, and when to refer one to a human."""

    target: str | None = Field(None, description="column of a manifest with the class")
    image: str | None = Field(None, description="column of a manifest with the picture files")
    patient: str | None = Field(None, description="column of a manifest with whom a picture is of")
    split: str | None = Field(None, description="column of a manifest with train, val or test")
    group: str | None = Field(None, description="column of a manifest whose pictures belong together")
    subgroups: tuple[str, ...] = Field((), description="columns of a manifest to judge by: sex, device")
    classes: tuple[str, ...] = Field((), description="names for the labels 0, 1, ... of an archive")
    positive: str | None = Field(None, description="class that must not be missed: its sensitivity is told")
    sensitivity: float | None = Field(
        None, gt=0, lt=1, description="share of the positive class to be found; needs --positive"
    )
    risk: float = Field(0.05, gt=0, lt=1, description="share of wrong answers to accept: others are referred")
    confidence: float = Field(0.9, gt=0.5, lt=1, description="share of the sets that hold the true class")
    unfamiliar: float = Field(
        0.01, gt=0, lt=0.5, description="share of sound pictures to refuse as unfamiliar"
    )
    test_share: float = Field(0.2, gt=0, lt=1, description="share held out where no split is given")
    folds: int | None = Field(
        None, ge=2, le=20, description="parts of the cross-validation; else 5, fewer above 10,000 pictures"
    )

    @model_validator(mode="after")
    def _positive_for_sensitivity(self) -> Self:
        if self.sensitivity is not None and self.positive is None:
            raise ValueError("--sensitivity is that of one class: name it with --positive")
        return self
