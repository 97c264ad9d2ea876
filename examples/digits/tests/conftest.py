"""MNIST's files made of scikit-learn's small digits, and the command line."""

import gzip
import io
import json
import struct
from contextlib import redirect_stderr, redirect_stdout
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from lepton_platform.cli import main


class Ran(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> dict[str, Any]:
        return json.loads(self.out)


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Networks of a test are so small that threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def lepton():
    """Return the command line, in this process."""

    def lepton(*arguments):
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        return Ran(int(ended.value.code or 0), out.getvalue(), err.getvalue())

    return lepton


def as_idx(array, magic):
    """Write an array as the format's description says, byte by byte."""
    header = struct.pack(">I", magic) + b"".join(struct.pack(">I", length) for length in array.shape)
    return header + bytes(int(value) for value in array.ravel())


@pytest.fixture(scope="session")
def digits():
    """Return 1,797 pictures, grey levels 0 to 255, shape (n, 8, 8), and what they show."""
    sample = load_digits()
    return np.rint(sample.images * 255 / 16).astype(np.uint8), sample.target


@pytest.fixture(scope="session")
def write():
    """Return a writer of IDX files: pictures or labels by their number of axes, gzipped by their name."""

    def write(path, array):
        content = as_idx(array, 0x0803 if array.ndim == 3 else 0x0801)
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
        return path

    return write


@pytest.fixture(scope="session")
def small_mnist(tmp_path_factory, digits, write):
    """A folder with the four official files: 700 pictures to learn from, 200 to be judged on."""
    folder = tmp_path_factory.mktemp("mnist")
    pictures, labels = digits
    write(folder / "train-images-idx3-ubyte.gz", pictures[:700])
    write(folder / "train-labels-idx1-ubyte.gz", labels[:700])
    write(folder / "t10k-images-idx3-ubyte", pictures[700:900])
    write(folder / "t10k-labels-idx1-ubyte", labels[700:900])
    return folder
