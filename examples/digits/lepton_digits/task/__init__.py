"""The task ``digits``: one picture per case, the digit that it shows, ten probabilities."""

from lepton_digits.task.config import DigitsConfig
from lepton_platform import Task

task = Task(
    summary="One handwritten digit, 0 to 9, per picture",
    config=DigitsConfig,
    cases="pictures",
)
