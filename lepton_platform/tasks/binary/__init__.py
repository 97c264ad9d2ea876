"""Binary outcomes: one row per case, a yes or no to foresee, a probability as the prediction."""

from lepton_platform.application import Task
from lepton_platform.tasks.binary.config import BinaryConfig

task = Task(summary="One yes-or-no outcome per row of a table", config=BinaryConfig)
