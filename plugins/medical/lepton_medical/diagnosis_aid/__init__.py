"""Diagnosis aid: from labelled images to a second opinion that knows when to stay silent."""

from lepton_medical.diagnosis_aid.config import DiagnosisAidConfig
from lepton_medical.diagnosis_aid.sample import synthetic_ultrasound
from lepton_platform import Application

application = Application(
    "Give a second opinion on medical images, and refer what is not sure",
    task="image",
    config=DiagnosisAidConfig,
    sample=synthetic_ultrasound,
    decisions={
        "decision": "answer; refer: a human should look; refuse: unlike what was learned from, or unreadable",
        "reason": "why the picture is not answered; empty where it is",
    },
)
