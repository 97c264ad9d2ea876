"""How right the readings are.

``truth`` holds digits, shape (n,); tables of predictions have ``p_0`` ... ``p_9`` and ``predicted``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

DIGITS = range(10)
PROBABILITIES = [f"p_{digit}" for digit in DIGITS]
LEAST = np.finfo(np.float64).eps
"""Probabilities are cut off here, as scikit-learn does, so that a surprise costs much and not everything."""


def accuracy(truth: NDArray[np.int64], predictions: pd.DataFrame) -> float:
    """Return the share of pictures that were read right."""
    return float(np.mean(predictions["predicted"].to_numpy() == truth))


def log_loss(truth: NDArray[np.int64], predictions: pd.DataFrame) -> float:
    """Return the mean of -log(probability of the true digit), in nats."""
    table = predictions[PROBABILITIES].to_numpy()
    return float(-np.log(np.clip(table[np.arange(len(truth)), truth], LEAST, 1)).mean())


def macro_f1(truth: NDArray[np.int64], predictions: pd.DataFrame) -> float:
    """Return the mean over digits of F1 = 2 right / (shown + read), of those that were shown or read."""
    table = confusion(truth, predictions["predicted"].to_numpy())
    shown_and_read = table.sum(axis=1) + table.sum(axis=0)
    occurs = shown_and_read > 0
    return float(np.mean(2 * table.diagonal()[occurs] / shown_and_read[occurs]))


def confusion(truth: NDArray[np.int64], predicted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how often each digit (row) was read as each (column), shape (10, 10).

    >>> confusion(np.array([4, 4, 9]), np.array([4, 9, 9]))[[4, 9]][:, [4, 9]].tolist()
    [[1, 1], [0, 1]]
    """
    pairs = 10 * truth.astype(np.int64) + predicted.astype(np.int64)
    return np.bincount(pairs, minlength=100).reshape(10, 10)
