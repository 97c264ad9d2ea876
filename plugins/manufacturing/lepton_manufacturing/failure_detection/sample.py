"""The sample: a synthetic milling machine. Rules of failure as stated, no data of anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_platform import Sample

if TYPE_CHECKING:
    import pandas as pd


def synthetic_mill() -> Sample:
    """Return 3,000 simulated parts, of which some fail by power, by strain and by chance."""
    from lepton_platform import Source  # loads pandas, which the declaration need not

    return Sample(Source(rows=simulate(3_000, seed=1)), {"target": "failed"})


def simulate(parts: int, seed: int) -> pd.DataFrame:
    """Return a row per part: speed (rpm), torque (Nm), wear (min), temperatures (K), ``failed``.

    A part fails where the power at the spindle exceeds 8.5 kW, where wear times torque exceeds 11,000
    min Nm, and else with a chance of 1 in 300.
    """
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(seed)
    speed = rng.normal(1_540, 160, parts).clip(1_150)
    torque = (40 - 0.04 * (speed - 1_540) + rng.normal(0, 8, parts)).clip(4)
    wear = rng.uniform(0, 240, parts)
    air = rng.normal(300, 2, parts)
    power = torque * speed * 2 * np.pi / 60
    failed = (power > 8_500) | (wear * torque > 11_000) | (rng.random(parts) < 1 / 300)
    return pd.DataFrame(
        {
            "grade": rng.choice(["L", "M", "H"], parts, p=[0.6, 0.3, 0.1]),
            "air_k": air.round(1),
            "process_k": (air + rng.normal(10, 1, parts)).round(1),
            "speed_rpm": speed.round(),
            "torque_nm": torque.round(1),
            "wear_min": wear.round(),
            "failed": failed.astype(int),
        }
    )
