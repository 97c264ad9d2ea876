"""Near-duplicates are found, mirrored or not; pictures that only resemble each other are not."""

import numpy as np
import pytest

from lepton_platform.data.images import npz, twins
from lepton_platform.data.images.inspection import inspected


@pytest.fixture
def inspect(tmp_path):
    """Return inspected pictures from an array of grey ones."""

    def inspect(pictures, name="a.npz"):
        np.savez(tmp_path / name, train_images=pictures)
        return inspected(npz.catalogue(tmp_path / name))

    return inspect


@pytest.fixture
def noise():
    return np.random.default_rng(0).integers(0, 255, (30, 28, 28), dtype=np.uint8)


def test_a_copy_a_mirror_image_and_a_brighter_one_are_twins(inspect, noise):
    noise[10], noise[11], noise[12] = noise[0], noise[1][:, ::-1], noise[2] // 2 + 60
    found = twins.twins(inspect(noise))
    assert found.paired == 6
    for first, second in ((0, 10), (1, 11), (2, 12)):
        assert found.groups[first] == found.groups[second]
    assert len(set(found.groups)) == 27


def test_the_pairs_are_those_of_a_slow_count(inspect):
    rng = np.random.default_rng(1)
    base = rng.integers(0, 255, (12, 28, 28)).astype(float)
    pictures = np.concatenate(
        [base, base + rng.normal(0, 20, base.shape), base + rng.normal(0, 60, base.shape)]
    )
    table = inspect(np.clip(pictures, 0, 255).astype(np.uint8))
    grey = [np.frombuffer(thumbnail, np.uint8).reshape(28, 28) for thumbnail in table["thumbnail"]]
    near = {
        (i, j)
        for i in range(36)
        for j in range(i)
        if max(np.corrcoef(grey[i].ravel(), other.ravel())[0, 1] for other in (grey[j], grey[j][:, ::-1]))
        > 0.95
    }
    groups = twins.twins(table).groups
    assert near and all(groups[i] == groups[j] for i, j in near)
    assert len(set(groups)) == 36 - len(near)


def test_where_all_are_alike_the_threshold_rises_until_groups_are_small(inspect):
    rng = np.random.default_rng(2)
    alike = rng.integers(0, 255, (28, 28)) * 0.8 + rng.normal(0, 10, (60, 28, 28))
    found = twins.twins(inspect(np.clip(alike, 0, 255).astype(np.uint8)))
    assert found.threshold > 0.95
    assert np.bincount(found.groups).max() <= twins.LARGEST_GROUP


def test_plain_pictures_of_one_colour_are_no_twins_of_others(inspect, noise):
    noise[3] = 7
    assert twins.twins(inspect(noise)).paired == 0


def test_twins_among_others_are_found(inspect, noise):
    table = inspect(noise)
    mirrored = inspect(noise[:5, :, ::-1].copy(), "b.npz")
    assert twins.have_twin(mirrored, table, 0.95).all()
    assert not twins.have_twin(table.iloc[5:], mirrored, 0.95).any()
