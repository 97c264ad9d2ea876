"""Options that every application of the volatility task has."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from lepton_platform.config import Config, Field


class VolatilityConfig(Config):
    """How to read prices or returns, and how forecasts are made and judged."""

    date: str | None = Field(None, description="column with the date; without it, the first that holds dates")
    columns: tuple[str, ...] = Field(
        (), description="columns with prices or returns; without it, all numbers"
    )
    instrument: str | None = Field(None, description="of a long table: column that names the instrument")
    kind: Literal["prices", "returns"] = Field("prices", description="what the columns hold")
    realised: str | None = Field(
        None, description="column with each day's realised variance, in squared returns"
    )
    window: int = Field(1000, ge=250, le=20_000, description="days that parameters are estimated on")
    refit_every: int = Field(20, ge=1, le=1000, description="days after which parameters are estimated anew")
    test_days: int = Field(
        2000, ge=50, le=50_000, description="last days, held out to judge the forecasts by"
    )
    levels: tuple[str, ...] = Field(("0.01", "0.025", "0.05"), description="tail probabilities of the VaR")
    es_levels: tuple[str, ...] = Field(("0.025",), description="tail probabilities of the expected shortfall")

    @field_validator("levels", "es_levels")
    @classmethod
    def _probabilities(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("name at least one tail probability, for instance 0.025")
        for entry in value:
            try:
                sound = 0.001 <= float(entry) <= 0.25
            except ValueError:
                sound = False
            if not sound:
                raise ValueError(f"{entry!r} is no tail probability between 0.001 and 0.25; write 0.01,0.05")
        return tuple(sorted({f"{float(entry):g}" for entry in value}, key=float))

    @property
    def var_levels(self) -> tuple[float, ...]:
        """Tail probabilities of the VaR, the smallest first; those of the ES are among them."""
        return tuple(sorted({float(entry) for entry in (*self.levels, *self.es_levels)}))

    @property
    def shortfall_levels(self) -> tuple[float, ...]:
        """Tail probabilities of the expected shortfall, the smallest first."""
        return tuple(float(entry) for entry in self.es_levels)
