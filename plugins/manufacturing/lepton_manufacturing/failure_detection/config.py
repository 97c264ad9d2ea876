"""Options of a failure-detection run: what a missed failure and a needless stop cost."""

from __future__ import annotations

from lepton_platform import Field
from lepton_platform.tasks.binary.config import BinaryConfig


class FailureConfig(BinaryConfig):
    """Costs in any one unit; only their ratio moves the cut-off."""

    cost_of_miss: float = Field(20.0, gt=0, le=1e12, description="loss from a failure that is not foreseen")
    cost_of_stop: float = Field(1.0, gt=0, le=1e12, description="loss from a stop that was not needed")
    keep: tuple[str, ...] = Field((), description="columns known in time though they look like the outcome")

    def cut_off(self) -> float:
        """Return the probability from which a stop is worth it.

        Stopping costs (1 - p) of a needless stop, going on p of a miss (Elkan 2001, "The foundations of
        cost-sensitive learning").
        """
        return self.cost_of_stop / (self.cost_of_stop + self.cost_of_miss)
