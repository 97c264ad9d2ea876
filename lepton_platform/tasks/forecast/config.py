"""Options that every application of the forecast task has."""

from __future__ import annotations

from pydantic import field_validator, model_validator

from lepton_platform.config import Config, Field


class ForecastConfig(Config):
    """How to read the panel, and how far to look ahead.

    With ``value``, the table is long: a row per series and time. With ``time`` alone it is wide, a
    row per time and a column per series; with neither, a row per series, its values from left to
    right.
    """

    series: str | None = Field(None, description="column that names the series; without it, there is one")
    time: str | None = Field(None, description="column with the date, or with the number of the period")
    value: str | None = Field(None, description="column with what is to be forecast")
    horizon: int = Field(12, ge=1, description="periods to forecast; without --test, as many are held out")
    season: tuple[str, ...] = Field((), description="periods of the seasons: 12 or 24,168; else by frequency")
    known_ahead: tuple[str, ...] = Field((), description="columns that are planned: promotions, holidays")
    static: tuple[str, ...] = Field((), description="columns that never change within a series: category")
    origins: int = Field(2, ge=1, le=12, description="earlier forecasts that models are chosen by")

    @property
    def seasons(self) -> tuple[int, ...]:
        return tuple(sorted(int(season) for season in self.season))

    @field_validator("season")
    @classmethod
    def _whole(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            if not entry.isdigit() or int(entry) < 1:
                raise ValueError(f"{entry!r} is no number of periods; write 12 or 24,168")
        return value

    @model_validator(mode="after")
    def _long_table_has_times(self) -> ForecastConfig:
        if self.value is not None and self.time is None:
            raise ValueError("--value names the values of a long table; name its times too, with --time")
        return self
