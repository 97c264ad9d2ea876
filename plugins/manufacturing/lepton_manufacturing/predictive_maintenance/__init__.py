"""Predictive maintenance: from a log of sensors to a date for each unit and a plan for the fleet."""

from lepton_manufacturing.predictive_maintenance.config import MaintenanceConfig
from lepton_manufacturing.predictive_maintenance.sample import synthetic_pumps
from lepton_platform import Application

application = Application(
    "Predict the life left in machines and plan their maintenance",
    task="remaining-life",
    config=MaintenanceConfig,
    sample=synthetic_pumps,
    decisions={
        "rul": "life left, in the unit of the log's time; at most the cap",
        "low": "less is left with a chance of 5 %",
        "high": "more is left with a chance of 5 %, unless it is the cap: then that, or more",
        "health": "life left as a share of the cap",
        "failure_chance": "chance of failing within the lead time",
        "decision": "order now (the alarm), schedule, or run on: look again",
        "replace_in": "wait with the least cost per time; empty if it is to run on",
        "replace_by": "the same as the unit's age",
        "driver_1": "sensor that takes most off the life left, and how much; empty if none does",
        "driver_2": "the second such sensor",
        "driver_3": "the third",
    },
    waivers={
        "decides-row-by-row": "a row is decided with the rows of its unit before it; alone it is a new unit",
    },
)
