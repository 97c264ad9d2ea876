"""Returns by day and instrument: each day's volatility, VaR and ES from the days before it."""

from lepton_platform.application import Task
from lepton_platform.tasks.volatility.config import VolatilityConfig

task = Task(
    summary="Returns, each day's volatility and tail losses forecast from the days before",
    config=VolatilityConfig,
    cases="returns",
)
