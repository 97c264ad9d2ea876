"""Remaining life: units watched over time until they fail or leave; how long is left, with an interval."""

from lepton_platform.application import Task
from lepton_platform.tasks.remaining_life.config import RemainingLifeConfig

task = Task(
    summary="Units watched over time, each with some life left",
    config=RemainingLifeConfig,
    cases="units",
)
