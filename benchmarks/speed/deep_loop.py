"""The training loop of networks beside a bare torch loop: the same data, the same steps, the same weights.

The network is 784-128-10 with ReLU, Adam, batches of 64, 20 % validation; the data are made up, of MNIST's
size. The bare loop is what a tutorial would write: permute, index, step, judge the validation part after each
epoch, keep a copy of the best weights. Both begin with numpy arrays and end with weights, which must be equal
bit for bit. They take turns on one thread; the bar is 1.05 for the median ratio of CPU seconds, for on a busy
machine these are steadier than wall seconds, which stand beside.

    .venv/bin/python benchmarks/speed/deep_loop.py
    .venv/bin/python benchmarks/speed/deep_loop.py --rows 12000 --epochs 2 --repetitions 9 --threads 2
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.model_selection import StratifiedShuffleSplit
from torch import nn
from torch.nn import functional

from lepton_platform.model.deep import NeuralClassifier, Perceptron

BAR = 1.05
BATCH = 64


class Spent(NamedTuple):
    """Seconds of one training."""

    wall: float
    cpu: float


Weights = dict[str, torch.Tensor]


def ours(X: Any, y: Any, epochs: int) -> Weights:
    """Train the host's estimator."""
    network = NeuralClassifier(
        Perceptron((128,)), epochs=epochs, batch_size=BATCH, validation_share=0.2, patience=None,
        standardise=False, device="cpu", random_state=0,
    )  # fmt: skip
    return dict(network.fit(X, y).module_.state_dict())


def bare(X: Any, y: Any, epochs: int) -> Weights:
    """Train the same with nothing around the steps."""
    seed = np.random.RandomState(0).randint(2**31 - 1)
    rows, held_out = next(StratifiedShuffleSplit(1, test_size=0.2, random_state=seed).split(X, y))
    X_train, y_train = torch.from_numpy(X[rows]), torch.from_numpy(y[rows])
    X_held, y_held = torch.from_numpy(X[held_out]), torch.from_numpy(y[held_out])
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    least, best = float("inf"), {}
    for _ in range(epochs):
        for batch in torch.randperm(len(y_train)).split(BATCH):
            loss = functional.cross_entropy(network(X_train[batch]), y_train[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        with torch.inference_mode():
            judged = functional.cross_entropy(network(X_held), y_held).item()
        if judged < least:
            least, best = judged, copy.deepcopy(network.state_dict())
    return best


def timed(train: Callable[[Any, Any, int], Weights], *arguments: Any) -> tuple[Weights, Spent]:
    """Return the weights and what they cost."""
    wall, cpu = time.perf_counter(), time.process_time()
    weights = train(*arguments)
    return weights, Spent(time.perf_counter() - wall, time.process_time() - cpu)


def pictures(rows: int) -> tuple[Any, Any]:
    """Return made-up grey levels in [0, 1] and the class of each row."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, rows)
    X = 0.7 * rng.random((rows, 784), dtype=np.float32)
    X += 0.3 * rng.random((10, 784), dtype=np.float32)[y]
    return X, y


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=60_000, help="training and validation (%(default)s)")
    parser.add_argument("--epochs", type=int, default=3, help="of each training (%(default)s)")
    parser.add_argument("--repetitions", type=int, default=5, help="of each (%(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="of torch (%(default)s)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure both in turn and print."""
    options = parsed(arguments)
    torch.set_num_threads(options.threads)
    X, y = pictures(options.rows)
    bare(X[:2000], y[:2000], 1), ours(X[:2000], y[:2000], 1)  # imports
    print(f"{options.rows:,} rows, {options.epochs} epochs, torch {torch.__version__}, seconds wall (CPU)")
    ratios: list[Spent] = []
    for turn in range(options.repetitions):
        order = (ours, bare) if turn % 2 else (bare, ours)
        done = {train: timed(train, X, y, options.epochs) for train in order}
        (our_weights, our), (their_weights, their) = done[ours], done[bare]
        assert all(torch.equal(our_weights[name], their_weights[name]) for name in their_weights)
        ratios.append(Spent(our.wall / their.wall, our.cpu / their.cpu))
        print(f"  ours {our.wall:6.2f} ({our.cpu:6.2f})   bare {their.wall:6.2f} ({their.cpu:6.2f})")
    cpu, wall = (median(ratio[clock] for ratio in ratios) for clock in (1, 0))
    verdict = "met" if cpu <= BAR else "MISSED"
    print(f"\n  {verdict:<10}  ours / bare {cpu:.3f} in CPU, at most {BAR:.2f}; {wall:.3f} in wall time")
    print(f"  {'met':<10}  the weights are equal bit for bit")
    return 0


if __name__ == "__main__":
    sys.exit(main())
