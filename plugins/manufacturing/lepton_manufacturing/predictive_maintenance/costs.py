"""What a replacement costs: planned, or after a failure; in any one unit of money."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lepton_manufacturing.predictive_maintenance.config import MaintenanceConfig

Floats = NDArray[np.float64]


class Costs(NamedTuple):
    """Money, or time lost, per replacement."""

    planned: float
    failure: float

    @classmethod
    def money(cls, config: MaintenanceConfig) -> Costs:
        return cls(config.planned_cost, config.failure_cost)

    @classmethod
    def downtime(cls, config: MaintenanceConfig) -> Costs:
        return cls(config.planned_downtime, config.failure_downtime)

    def of(self, failed: NDArray[np.bool_]) -> Floats:
        """Return the cost of each renewal, by whether the unit failed."""
        return np.where(failed, self.failure, self.planned)
