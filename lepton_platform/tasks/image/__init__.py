"""Pictures: one class per picture to foresee, a probability for each class, or a referral to a human."""

from lepton_platform.application import Task
from lepton_platform.tasks.image.config import ImageConfig

task = Task(summary="One class per picture, or a referral to a human", config=ImageConfig, cases="pictures")
