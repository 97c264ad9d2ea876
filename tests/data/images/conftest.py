"""Pictures on disk, as archives, folders and manifests."""

import numpy as np
import pytest
from PIL import Image


def blobs(n, seed=0, size=28, colour=False):
    """Bright blobs on a noisy ground: every other one is large, of class 1; the rest are small."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    y, x = np.mgrid[:size, :size] / size
    centre = 0.5 + 0.12 * rng.standard_normal((n, 2, 1, 1))
    radius = np.where(labels, 0.28, 0.14)[:, None, None] + 0.02 * rng.standard_normal((n, 1, 1))
    inside = (y - centre[:, 0]) ** 2 + (x - centre[:, 1]) ** 2 < radius**2
    grey = 90 + 80 * inside + 25 * rng.standard_normal((n, size, size))
    pictures = np.clip(grey, 0, 255).astype(np.uint8)
    return (np.repeat(pictures[..., None], 3, axis=3) if colour else pictures), labels


@pytest.fixture
def archive(tmp_path):
    """Return a maker of archives in MedMNIST's layout: ``archive(train=40, test=10)`` gives the path."""

    def archive(colour=False, name="blobs.npz", **splits):
        arrays = {}
        for seed, (split, n) in enumerate(splits.items()):
            pictures, labels = blobs(n, seed, colour=colour)
            arrays |= {f"{split}_images": pictures, f"{split}_labels": labels[:, None]}
        np.savez_compressed(tmp_path / name, **arrays)
        return tmp_path / name

    return archive


@pytest.fixture
def folder(tmp_path):
    """A folder with twelve pictures of two classes, six PNG files each."""
    pictures, labels = blobs(12)
    for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        place = tmp_path / "blobs" / ("small", "large")[label]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(place / f"{number}.png")
    return tmp_path / "blobs"
