"""Demand forecasting: from a file of past sales to what to order."""

from lepton_platform import Application
from lepton_retail.demand_forecasting.config import DemandConfig
from lepton_retail.demand_forecasting.sample import complete_journey

application = Application(
    "Forecast demand with its uncertainty and say how much to order",
    task="forecast",
    config=DemandConfig,
    sample=complete_journey,
    decisions={
        "mean": "expected demand of the period",
        "median": "demand that is as likely exceeded as not",
        "low": "demand falls below it with a chance of 5 %",
        "high": "demand exceeds it with a chance of 5 %",
        "order_up_to": "stock that lasts through this period with the chance that was asked for",
        "review": "why a person should look: new, ended, short, nothing sold, level changed; empty: no need",
    },
)
