"""Predictive maintenance, model stage: the reliability engineer's models beside the task's."""

from __future__ import annotations

from collections.abc import Mapping

from lepton_manufacturing.predictive_maintenance.survival import CoxLandmarks, WeibullAge
from lepton_platform import Candidate, Run, hookimpl


@hookimpl
def lepton_models(run: Run) -> Mapping[str, Candidate]:
    """A Weibull on age and a Cox model on few sensors: baselines, to be beaten."""
    cap = run.learned["cap"]
    return {
        "Weibull age": Candidate(WeibullAge(cap), steps=False, baseline=True),
        "Cox": Candidate(CoxLandmarks(cap), baseline=True),
    }
