"""Options that every application of the binary task has."""

from __future__ import annotations

from pydantic import field_validator

from lepton_platform.config import Config, Field


class BinaryConfig(Config):
    """How to read the table, and how to split it."""

    target: str | None = Field(None, description="column with the outcome")
    positive: str | None = Field(None, description="value of the target that counts as 1, the event")
    id: str | None = Field(None, description="column that names the cases; without it, the row number")
    date: str | None = Field(None, description="column that dates the cases: splits go by time")
    group: str | None = Field(None, description="column whose rows belong together, for instance a customer")
    special: tuple[str, ...] = Field((), description="codes that are no amounts: -9,-8 or income:-9")
    categories: tuple[str, ...] = Field((), description="columns whose numbers are codes, not amounts")
    ignore: tuple[str, ...] = Field((), description="columns that the model must not see")
    test_share: float = Field(0.2, gt=0, lt=1, description="share of the cases held out, without --test")
    folds: int = Field(5, ge=2, le=20, description="parts of the cross-validation")

    def set_aside(self) -> tuple[str, ...]:
        """Return the columns that the model must not see; an application may add its own."""
        return self.ignore

    @field_validator("special")
    @classmethod
    def _numbers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            try:
                float(entry.rpartition(":")[2])
            except ValueError:
                raise ValueError(f"{entry!r} is no number; write -9 or income:-9") from None
        return value
