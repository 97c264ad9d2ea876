"""Options that every application of the remaining-life task has."""

from __future__ import annotations

from lepton_platform.config import Config, Field


class RemainingLifeConfig(Config):
    """How to read the log, and what is to be learned of it.

    The log is a long table, a row per unit and moment. Times are numbers (cycles, hours) or dates,
    which are counted in days from the first row of the unit.
    """

    unit: str | None = Field(None, description="column that names the units; without it, it is looked for")
    time: str | None = Field(None, description="column with time or cycle; without it, it is looked for")
    event: str | None = Field(None, description="column that is 1 where a unit failed; without it, all did")
    settings: tuple[str, ...] = Field((), description="columns that say how a unit is run, not how it is")
    ignore: tuple[str, ...] = Field((), description="columns that the model must not see")
    truth: str | None = Field(None, description="file with what the --test units had left, in their order")
    cap: float | None = Field(None, gt=0, le=1e9, description="life beyond this is not told apart: 125")
    window: int = Field(30, ge=2, le=1000, description="rows that features of a moment look back on")
    networks: bool = Field(False, description="try networks on the last rows as well; needs the extra deep")
    test_share: float = Field(0.2, gt=0, lt=1, description="share of the units held out, without --test")
    folds: int = Field(5, ge=2, le=20, description="parts of the cross-validation, each of whole units")
