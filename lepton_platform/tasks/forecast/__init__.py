"""Forecasts of many series: a value per series and period, and its quantiles as the prediction."""

from lepton_platform.application import Task
from lepton_platform.tasks.forecast.config import ForecastConfig

task = Task(
    summary="Many series, each forecast some periods ahead",
    config=ForecastConfig,
    cases="values of series",
)
