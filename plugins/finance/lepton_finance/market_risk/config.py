"""Options of a market-risk run: which models, which portfolio, which scenarios."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from lepton_platform import Field
from lepton_platform.tasks.volatility.config import VolatilityConfig

FORMS = ("garch", "gjr", "egarch")
DISTRIBUTIONS = ("normal", "t", "skewt")


class MarketRiskConfig(VolatilityConfig):
    """Models, portfolio and scenarios."""

    family: tuple[str, ...] = Field(
        ("gjr-skewt", "egarch-skewt"),
        description="models: garch, gjr or egarch, a dash, and normal, t or skewt",
    )
    tails: Literal["both", "parametric", "historical"] = Field(
        "both",
        description="quantiles of standardised returns: of the distribution, as they were, or the mean",
    )
    weights: str | None = Field(
        None, description="file with the columns instrument and weight: adds the portfolio to the instruments"
    )
    scenarios: str | None = Field(
        None,
        description="file with the columns scenario, instrument and return (simple, -0.2 is a fall of 20 %)",
    )

    @field_validator("family")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            form, _, distribution = entry.partition("-")
            if form not in FORMS or distribution not in DISTRIBUTIONS:
                raise ValueError(
                    f"{entry!r} is no model; write one of {', '.join(FORMS)}, a dash, and one of "
                    f"{', '.join(DISTRIBUTIONS)}: gjr-skewt"
                )
        if not value:
            raise ValueError("name at least one model, for instance gjr-skewt")
        return tuple(dict.fromkeys(value))
