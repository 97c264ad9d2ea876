"""Options: ``--monotone.up debt,arrears --monotone.down income``."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from lepton_platform import Config, Field


class Monotone(Config):
    """Which way risk must go, and how the metric and the step are meant."""

    up: tuple[str, ...] = Field((), description="columns with which the risk never falls")
    down: tuple[str, ...] = Field((), description="columns with which the risk never rises")
    free: tuple[str, ...] = Field((), description="columns that may turn, for instance age")
    find: bool = Field(True, description="give all other columns the direction that the data show")
    twins: float = Field(0.95, gt=0, le=1, description="rank correlation from which two columns are one")
    safest: float = Field(0.7, gt=0, le=1, description="share of applicants in defaults_of_safest")

    @property
    def given(self) -> dict[str, int]:
        """Return the direction of each column that is named: 1 up, -1 down, 0 free."""
        return {
            **dict.fromkeys(self.up, 1),
            **dict.fromkeys(self.down, -1),
            **dict.fromkeys(self.free, 0),
        }

    @model_validator(mode="after")
    def _one_direction_each(self) -> Self:
        named = [*self.up, *self.down, *self.free]
        if twice := sorted({name for name in named if named.count(name) > 1}):
            options = "--monotone.up, --monotone.down and --monotone.free"
            raise ValueError(f"{', '.join(twice)} is named more than once in {options}")
        return self
