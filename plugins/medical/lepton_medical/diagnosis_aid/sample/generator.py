"""Makes the sample: dark spots in speckle, irregular (label 0) or smooth (label 1), from a seed.

Speckle is multiplicative noise with a Rayleigh envelope, as of ultrasound (Burckhardt 1978). A smooth
spot is an ellipse that lies flat with a bright rim below it; an irregular one has a wavy outline, stands
upright and casts a shadow. Spots overlap in all of these, so that some pictures cannot be told apart.
Run it to write the archive again: ``python -m lepton_medical.diagnosis_aid.sample.generator``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

SIZE, SEED = 28, 20
COUNTS = {"train": 200, "val": 40, "test": 60}
SHARE_IRREGULAR = 0.3


def pictures(count: int, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return pictures of shape (count, 28, 28) and labels of shape (count, 1)."""
    labels = (rng.random(count) >= SHARE_IRREGULAR).astype(np.uint8)
    return np.stack([picture(bool(label == 0), rng) for label in labels]), labels[:, None]


def picture(irregular: bool, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return one picture of 28 x 28 grey levels."""
    down, across = np.mgrid[:SIZE, :SIZE] / SIZE - 0.5
    x, y = across - rng.normal(0, 0.06), down - rng.normal(0, 0.06)
    upright = rng.normal(1.15 if irregular else 0.8, 0.15)
    waves = abs(rng.normal(0.22 if irregular else 0.05, 0.06))
    radius = rng.normal(0.22, 0.03)
    angle = np.arctan2(y, x)
    outline = radius * (1 + waves * np.sin(rng.integers(4, 8) * angle + rng.uniform(0, 6.3)))
    inside = np.hypot(x * upright, y / upright) < outline
    tissue = 120 + 40 * gaussian_filter(rng.standard_normal((SIZE, SIZE)), 4) * 6
    below = (abs(x) < radius) & (y > radius * 0.8)
    tissue = np.where(below, tissue * (0.7 if irregular else 1.2) ** abs(rng.normal(1, 0.5)), tissue)
    plain = np.where(inside, 45, tissue)
    speckle = gaussian_filter(rng.rayleigh(1, (SIZE, SIZE)), 0.6)
    seen = gaussian_filter(plain, 0.7) * (0.35 + 0.52 * speckle)
    return np.asarray(np.clip(seen, 0, 255), dtype=np.uint8)


def archive() -> dict[str, Any]:
    """Return the arrays of the sample, in MedMNIST's layout."""
    rng = np.random.default_rng(SEED)
    arrays: dict[str, Any] = {}
    for split, count in COUNTS.items():
        arrays[f"{split}_images"], arrays[f"{split}_labels"] = pictures(count, rng)
    return arrays


if __name__ == "__main__":
    np.savez_compressed(Path(__file__).with_name("synthetic_ultrasound.npz"), **archive())
