"""Every form in which digits come is read to the same table; what is no such form is one message."""

import gzip

import numpy as np
import pytest

from lepton_digits.task import files
from lepton_platform import DataError, Source


def read(path, labels=None):
    return files.read(Source(str(path)), labels)


def refused(path, labels=None):
    with pytest.raises(DataError) as error:
        read(path, labels)
    assert str(path.name) in str(error.value) and len(str(error.value).splitlines()) == 1
    return str(error.value)


def pixels(table):
    return files.pixels_of(table).to_numpy().reshape(-1, 8, 8)


# ----------------------------------------------------------------------------------- what is read


def test_a_folder_holds_training_and_test_pictures(small_mnist, digits):
    table = read(small_mnist)
    assert np.array_equal(pixels(table), digits[0][:900])
    assert np.array_equal(table["digit"], digits[1][:900])
    assert table["part"].tolist() == ["train"] * 700 + ["test"] * 200


def test_a_file_of_pictures_has_its_labels_beside_it_or_where_they_are_named(small_mnist, digits, tmp_path):
    beside = read(small_mnist / "train-images-idx3-ubyte.gz")
    assert np.array_equal(beside["digit"], digits[1][:700]) and "part" not in beside
    alone = tmp_path / "pictures-idx3-ubyte.gz"
    alone.write_bytes((small_mnist / "train-images-idx3-ubyte.gz").read_bytes())
    assert "digit" not in read(alone)
    named = read(alone, str(small_mnist / "train-labels-idx1-ubyte.gz"))
    assert named.equals(beside)


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("kind", ["bytes", "fractions", "levels as floats"])
def test_archives_of_bytes_and_fractions_are_read_alike(flat, kind, digits, tmp_path):
    pictures, labels = digits
    x = pictures.reshape(len(pictures), -1) if flat else pictures
    x = {"bytes": x, "fractions": x / 255, "levels as floats": x.astype(np.float64)}[kind]
    np.savez(tmp_path / "digits.npz", X=x, y=labels)
    table = read(tmp_path / "digits.npz")
    assert np.array_equal(pixels(table), pictures) and np.array_equal(table["digit"], labels)


def test_an_archive_as_keras_publishes_it_says_which_pictures_are_for_the_test(digits, tmp_path):
    x, y = digits
    np.savez_compressed(
        tmp_path / "mnist.npz", x_train=x[:50], y_train=y[:50], x_test=x[50:80], y_test=y[50:80]
    )
    table = read(tmp_path / "mnist.npz")
    assert table["part"].tolist() == ["train"] * 50 + ["test"] * 30
    assert np.array_equal(pixels(table), x[:80]) and np.array_equal(table["digit"], y[:80])


def test_the_sample_is_scikit_learns(digits):
    table = files.read(Source(files.SAMPLE))
    assert np.array_equal(pixels(table), digits[0]) and np.array_equal(table["digit"], digits[1])


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte", "."])
def test_batches_are_the_whole_in_pieces(name, small_mnist):
    source = Source(str(small_mnist / name))
    whole, pieces = files.pixels_of(files.read(source)), list(files.batches(source, 128))
    assert max(len(piece) for piece in pieces) == 128
    assert [row for piece in pieces for row in piece.index] == list(range(len(whole)))
    assert np.array_equal(np.concatenate([files.pixels_of(piece) for piece in pieces]), whole)


# -------------------------------------------------------------------------------- what is refused


@pytest.fixture
def idx(write, digits, tmp_path):
    """A good file of ten pictures, to be spoilt."""
    return write(tmp_path / "train-images-idx3-ubyte", digits[0][:10])


SPOILT = {
    "empty": (lambda b: b"", "is empty; a file of pictures begins with the magic number 0x00000803"),
    "labels": (lambda b: b"\0\0\x08\x01" + b[4:], "begins with 0x00000801, as labels do"),
    "text": (lambda b: b"PNG\n" + b[4:], "begins with 0x504e470a; a file of pictures"),
    "cut in the header": (lambda b: b[:9], "ends within its header"),
    "cut": (lambda b: b[:-5], "is cut short: 5 bytes lack from picture 1 of 10 on"),
    "too long": (lambda b: b + b"\0", "goes on after the last"),
    "no pictures": (lambda b: b[:4] + bytes(4) + b[8:16], "holds 0 pictures of 8 x 8"),
    "gzip cut": (lambda b: gzip.compress(b)[:-20], "cannot be decompressed"),
    "gzip damaged": (lambda b: gzip.compress(b)[:40] + b"\xff" * 60, "cannot be decompressed"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_file_that_is_not_what_its_name_says_is_one_message(name, idx):
    spoil, message = SPOILT[name]
    idx.write_bytes(spoil(idx.read_bytes()))
    assert message in refused(idx)


def test_labels_for_more_or_fewer_pictures_are_counted(idx, write, digits):
    write(idx.with_name("train-labels-idx1-ubyte"), digits[1][:9])
    assert "holds 10 pictures, but train-labels-idx1-ubyte 9 labels" in refused(idx)


def test_pictures_in_place_of_labels_are_noticed(idx):
    with pytest.raises(DataError, match="begins with 0x00000803, as pictures do; a file of labels"):
        read(idx, str(idx))


def test_test_pictures_of_another_size_are_noticed(small_mnist, write, tmp_path):
    for path in small_mnist.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    write(tmp_path / "t10k-images-idx3-ubyte", np.zeros((200, 9, 8), dtype=np.uint8))
    assert "holds train pictures of 8 x 8 and test pictures of 9 x 8 pixels" in refused(tmp_path)


def test_a_folder_without_pictures_says_how_they_are_to_be_called(tmp_path):
    assert "train-images-idx3-ubyte, train-labels-idx1-ubyte" in refused(tmp_path)


def test_a_path_that_is_not_there_is_said(tmp_path):
    assert "does not exist" in refused(tmp_path / "mnist.npz")


X, Y = np.zeros((4, 8, 8), dtype=np.uint8), np.arange(4)
ARCHIVES = {
    "other names": ({"images": X}, "holds the arrays images. Name them x_train"),
    "shape": ({"X": X[0]}, r"holds pictures of shape (8, 8) and type uint8"),
    "not square": ({"X": np.zeros((4, 60))}, "holds pictures of shape (4, 60)"),
    "text": ({"X": np.full((4, 8, 8), "a")}, "and type <U1"),
    "objects": ({"X": np.full((4, 8, 8), None)}, "cannot be read as a NumPy archive"),
    "too bright": ({"X": np.full((4, 8, 8), 256)}, "holds grey levels from 256 to 256"),
    "not a number": ({"X": np.full((4, 8, 8), np.nan)}, "holds grey levels from nan"),
    "labels": ({"X": X, "y": Y[:, None]}, "holds labels of shape (4, 1)"),
    "half labels": ({"X": X, "y": Y + 0.5}, "Labels are one whole number"),
    "fewer labels": ({"X": X, "y": Y[:3]}, "holds 4 pictures, but 3 labels"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_of_other_arrays_is_one_message(name, tmp_path):
    arrays, message = ARCHIVES[name]
    np.savez(tmp_path / "digits.npz", **arrays)
    assert message in refused(tmp_path / "digits.npz")


def test_what_is_no_archive_is_one_message(tmp_path):
    (tmp_path / "digits.npz").write_bytes(b"no zip")
    assert "cannot be read as a NumPy archive" in refused(tmp_path / "digits.npz")
