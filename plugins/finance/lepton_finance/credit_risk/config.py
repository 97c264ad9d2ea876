"""Options of a credit-risk run: what a wrong decision costs, and what must not decide."""

from __future__ import annotations

from lepton_platform import Field
from lepton_platform.tasks.binary.config import BinaryConfig


class CreditRiskConfig(BinaryConfig):
    """Costs, protected attributes and the form of the answer.

    Losses and gains are positive numbers in any one unit; only their ratio moves the cut-off.
    """

    cost_of_default: float = Field(5.0, gt=0, description="loss from one loan that defaults")
    gain_from_good: float = Field(1.0, gt=0, description="gain from one loan that is paid back")
    amount: str | None = Field(None, description="column with the loan's amount: costs per row from it")
    loss_given_default: float = Field(0.45, gt=0, le=1, description="share of the amount lost in a default")
    margin: float = Field(0.05, gt=0, le=1, description="gain from a good loan, as a share of its amount")
    sensitive: tuple[str, ...] = Field((), description="protected attributes: kept from model and reasons")
    current_rule: str | None = Field(None, description="column with today's decision (1, yes or approve)")
    reasons: int = Field(4, ge=0, le=4, description="reason codes per refused applicant; 0 is fastest")
    pdo: float = Field(20.0, gt=0, description="points that double the odds on the scorecard")
    base_points: float = Field(
        600.0, ge=0, le=100_000, description="points at the base odds on the scorecard"
    )
    base_odds: float = Field(50.0, gt=0, description="odds good to bad at the base points")

    def set_aside(self) -> tuple[str, ...]:
        """Protected attributes and today's decision are for the report, not for the model."""
        rule = () if self.current_rule is None else (self.current_rule,)
        return tuple(dict.fromkeys((*super().set_aside(), *self.sensitive, *rule)))
