"""Failure detection: from a table of parts or machine states to stop or go on."""

from lepton_manufacturing.failure_detection.config import FailureConfig
from lepton_manufacturing.failure_detection.sample import synthetic_mill
from lepton_platform import Application

application = Application(
    "Detect failures from what is measured and say when to stop",
    task="binary",
    config=FailureConfig,
    positive=("failure", "failed", "fail", "defect", "broken"),
    select="average_precision",
    sample=synthetic_mill,
    decisions={
        "decision": "stop, or go on: by the probability and the two costs",
        "cost_of_going_on": "expected, in the unit of the costs",
    },
)
