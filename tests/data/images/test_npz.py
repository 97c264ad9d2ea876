"""MedMNIST's archives: read picture by picture, never unpickled, and refused where they do not fit."""

import tracemalloc

import numpy as np
import pytest

from lepton_platform import DataError
from lepton_platform.data.images import npz
from lepton_platform.data.images.pixels import read


def test_pictures_and_labels_are_those_of_numpy(archive):
    path = archive(train=9, val=4, test=5)
    listed = npz.catalogue(path)
    assert listed["split"].tolist() == ["train"] * 9 + ["val"] * 4 + ["test"] * 5
    assert listed.index[0] == "train/0" and listed.index[-1] == "test/4"
    arrays = np.load(path)
    whole = np.concatenate([arrays[f"{split}_images"] for split in ("train", "val", "test")])
    labels = np.concatenate([arrays[f"{split}_labels"] for split in ("train", "val", "test")])
    assert listed["label"].tolist() == labels[:, 0].tolist()
    for position, picture in read(listed):
        assert np.array_equal(picture, np.repeat(whole[position][..., None], 3, axis=2))


def test_rows_in_any_order_are_found(archive):
    listed = npz.catalogue(archive(colour=True, train=20)).iloc[[7, 3, 19, 0]]
    whole = np.load(listed["path"].iloc[0])["train_images"]
    assert {position: picture[0, 0].tolist() for position, picture in read(listed)} == {
        place: whole[row][0, 0].tolist() for place, row in enumerate([7, 3, 19, 0])
    }


def test_memory_does_not_grow_with_the_archive(tmp_path):
    peaks = []
    for n in (200, 4_000):
        path = tmp_path / f"{n}.npz"
        np.savez_compressed(path, test_images=np.zeros((n, 64, 64, 3), np.uint8))
        listed = npz.catalogue(path)
        tracemalloc.start()
        assert sum(1 for _ in read(listed)) == n
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 2_000_000  # all 4,000 pictures are 49 MB


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"other": np.zeros(3)}, "it holds other, but no images"),
        ({"train_images": np.zeros((3, 28, 28, 28), np.uint8)}, "train_images is 3 x 28 x 28 x 28 of uint8"),
        ({"train_images": np.zeros((3, 28, 28))}, "train_images is 3 x 28 x 28 of float64"),
        (
            {"train_images": np.zeros((3, 28, 28), np.uint8), "train_labels": np.zeros((2, 1), int)},
            "train_labels has 2 rows for 3 pictures",
        ),
        (
            {"train_images": np.zeros((3, 28, 28), np.uint8), "train_labels": np.zeros((3, 14), int)},
            "train_labels holds 14 labels for each picture",
        ),
    ],
)
def test_an_archive_of_another_layout_is_refused_in_words(tmp_path, arrays, said):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=said):
        npz.catalogue(tmp_path / "a.npz")


def test_what_is_no_archive_is_refused_in_words(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"not a zip")
    with pytest.raises(DataError, match="no readable NPZ archive"):
        npz.catalogue(tmp_path / "a.npz")


def test_pickled_labels_are_never_loaded(tmp_path):
    labels = np.array([{"a": 1}, None, 2], dtype=object)[:, None]
    np.savez(tmp_path / "a.npz", train_images=np.zeros((3, 8, 8), np.uint8), train_labels=labels)
    with pytest.raises(DataError, match="train_labels cannot be read"):
        npz.catalogue(tmp_path / "a.npz")
