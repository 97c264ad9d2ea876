"""The sample: a synthetic fleet. No run-to-failure log that a package may ship was found."""

from __future__ import annotations

from lepton_platform import Sample

SYNTHETIC = "the log is synthetic: made by a simulator of fatigue cracks in pumps, of no plant"


def synthetic_pumps() -> Sample:
    """Return 40 simulated pumps of two duties, a fifth of them taken out before they failed."""
    from lepton_manufacturing.predictive_maintenance.simulator import simulate  # loads pandas
    from lepton_platform import Source

    log = simulate(40, seed=1, duties=2, censored=0.2, median_life=100)
    return Sample(Source(rows=log.drop(columns="wear_mm")), {})
