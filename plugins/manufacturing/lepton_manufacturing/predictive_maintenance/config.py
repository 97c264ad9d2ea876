"""Options of a predictive-maintenance run: what work and failures cost, and what the workshop can do."""

from __future__ import annotations

from pydantic import field_validator

from lepton_platform import Field
from lepton_platform.tasks.remaining_life.config import RemainingLifeConfig


class MaintenanceConfig(RemainingLifeConfig):
    """Costs in any one unit, times in the unit of the log."""

    planned_cost: float = Field(1.0, gt=0, le=1e12, description="cost of a replacement that was planned")
    failure_cost: float = Field(20.0, gt=0, le=1e12, description="cost of a failure, its repair included")
    planned_downtime: float = Field(1.0, ge=0, le=1e9, description="time lost by a planned replacement")
    failure_downtime: float = Field(5.0, ge=0, le=1e9, description="time lost by a failure")
    lead_time: float = Field(5.0, ge=0, le=1e9, description="time from an order to the replacement")
    slot: float = Field(1.0, gt=0, le=1e9, description="length of a slot of the plan")
    horizon: int = Field(60, ge=1, le=1000, description="slots that are planned ahead")
    crews: int = Field(2, ge=1, le=10_000, description="replacements at work at once")
    work_slots: int = Field(1, ge=1, le=100, description="slots that a replacement takes a crew")
    closed: tuple[str, ...] = Field((), description="slots without work: 6,7 or 10-12")
    parts: int = Field(1_000_000, ge=0, le=1_000_000, description="parts at hand")
    parts_per_slot: float = Field(0.0, ge=0, le=1e6, description="parts that arrive per slot")

    @field_validator("closed")
    @classmethod
    def _spans(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            first, _, last = entry.partition("-")
            if not first.isdigit() or not (last or first).isdigit() or int(last or first) < int(first):
                raise ValueError(f"{entry!r} names no slots; write 6 or 10-12, from 0")
        return value

    def closed_slots(self) -> frozenset[int]:
        """Return the numbers of the slots without work, from 0."""
        spans = [entry.partition("-") for entry in self.closed]
        return frozenset(
            slot for first, _, last in spans for slot in range(int(first), int(last or first) + 1)
        )
