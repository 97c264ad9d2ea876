"""Demand forecasting: from a file of past sales to what to order."""

from lepton_platform import Application
from lepton_retail.demand_forecasting.config import DemandConfig

application = Application(
    "Forecast demand with its uncertainty and say how much to order",
    task="forecast",
    config=DemandConfig,
)
