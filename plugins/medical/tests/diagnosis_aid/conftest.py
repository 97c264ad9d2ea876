"""Runs of diagnosis aid on small sets of pictures, shared by the tests."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from lepton_platform.run import Options, start

torch.set_num_threads(1)  # two workers share two cores

APPLICATION = "medical.diagnosis-aid"
QUICK = {"gallery": 2, "heat_maps": 1}


def blobs(n, seed=0, size=28):
    """Bright blobs on a noisy ground: every other one is large, of class 1; the rest are small."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    y, x = np.mgrid[:size, :size] / size
    centre = 0.5 + 0.1 * rng.standard_normal((n, 2, 1, 1))
    radius = np.where(labels, 0.26, 0.17)[:, None, None] + 0.03 * rng.standard_normal((n, 1, 1))
    inside = (y - centre[:, 0]) ** 2 + (x - centre[:, 1]) ** 2 < radius**2
    grey = 90 + 80 * inside + 25 * rng.standard_normal((n, size, size))
    return np.clip(grey, 0, 255).astype(np.uint8), labels


@pytest.fixture(scope="session")
def learn(tmp_path_factory):
    """Return a function that carries out a real run on a source and gives back the run."""

    def learn(data, test=None, models=("kernel",), seed=0, **options):
        folder = tmp_path_factory.mktemp("learn")
        sources = {name: str(path) for name, path in {"data": data, "test": test}.items() if path is not None}
        return start(APPLICATION, Options(**sources, models=models, seed=seed), QUICK | options, folder)

    return learn


@pytest.fixture(scope="session")
def archive(tmp_path_factory):
    """Return a maker of archives of blobs in MedMNIST's layout."""

    def archive(flip_test_labels=False, seed=0, **splits):
        path = tmp_path_factory.mktemp("archive") / "blobs.npz"
        arrays = {}
        for place, (split, n) in enumerate(splits.items()):
            pictures, labels = blobs(n, seed + place)
            if flip_test_labels and split == "test":
                labels = 1 - labels
            arrays |= {f"{split}_images": pictures, f"{split}_labels": labels[:, None]}
        np.savez_compressed(path, **arrays)
        return path

    return archive


@pytest.fixture(scope="session")
def sample_run(learn):
    """A run on the sample, as a user has it who names no data."""
    return learn(None, models=())


@pytest.fixture(scope="session")
def blob_run(learn, archive):
    """A run on an archive with a split of its own."""
    return learn(archive(train=60, val=12, test=20))


@pytest.fixture(scope="session")
def clinic(tmp_path_factory):
    """A folder of PNG files with a manifest: 24 patients with four pictures each, by two devices."""
    root = tmp_path_factory.mktemp("clinic")
    pictures, _ = blobs(96, seed=7)
    rows = []
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(root / f"{number}.png")
        # pictures of one class belong to one patient: 0, 2, 4, 6 to the first, 1, 3, 5, 7 to the second
        patient = f"Doe^{'ABCDEFGHIJKLMNOPQRSTUVWX'[2 * (number // 8) + number % 2]}"
        name = ("small", "large")[number % 2]
        rows.append({"file": f"{number}.png", "class": name, "patient": patient, "device": number % 3})
    (root / "broken.png").write_bytes(b"nothing")
    rows.append({"file": "broken.png", "class": "small", "patient": "Doe^A", "device": 0})
    pd.DataFrame(rows).to_csv(root / "manifest.csv", index=False)
    return root


@pytest.fixture(scope="session")
def clinic_run(learn, clinic):
    """A run on the folder with a manifest."""
    return learn(clinic, positive="large", sensitivity=0.9, subgroups="device")
