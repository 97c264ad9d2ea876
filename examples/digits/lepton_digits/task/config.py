"""Options that every application of the task has."""

from __future__ import annotations

from lepton_platform import Config, Field


class DigitsConfig(Config):
    """Where the labels are, and how the pictures are split."""

    labels: str | None = Field(None, description="file of the labels, if it is not beside the pictures")
    test_share: float = Field(
        0.2, gt=0, lt=1, description="share held out where the files name no test pictures"
    )
    folds: int = Field(3, ge=2, le=20, description="parts of the cross-validation")
