"""Options of a demand-forecasting run: what an order is to achieve, and what sales do not say."""

from __future__ import annotations

from pydantic import model_validator

from lepton_platform import Field
from lepton_platform.tasks.forecast.config import ForecastConfig


class DemandConfig(ForecastConfig):
    """What an order is to achieve: a service level, or the balance of two costs."""

    service_level: float = Field(
        0.95, ge=0.5, le=0.975, description="chance that an order lasts; without costs, this decides"
    )
    cost_short: float | None = Field(None, gt=0, description="loss from one unit of demand that is not met")
    cost_left: float | None = Field(None, gt=0, description="loss from one unit that is left over")
    stock: str | None = Field(
        None, description="column with the stock at the end of a period: 0 hides demand"
    )
    hierarchy: tuple[str, ...] = Field((), description="static columns from top to bottom: forecasts add up")

    @model_validator(mode="after")
    def _both_costs(self) -> DemandConfig:
        if (self.cost_short is None) != (self.cost_left is None):
            raise ValueError("--cost-short and --cost-left go together: only their ratio decides")
        if strange := [name for name in self.hierarchy if name not in self.static]:
            raise ValueError(f"--hierarchy names {', '.join(strange)}, which --static does not")
        return self

    def level(self) -> float:
        """Return the probability with which an order shall last, within the quantiles that are forecast.

        With costs it is short / (short + left), the critical ratio of the newsvendor (Arrow, Harris
        and Marschak 1951, "Optimal inventory policy").
        """
        if self.cost_short is None or self.cost_left is None:
            return self.service_level
        return min(max(self.cost_short / (self.cost_short + self.cost_left), 0.025), 0.975)
