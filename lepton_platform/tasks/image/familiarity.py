"""Is a picture of the kind that was learned from? A photo, a blank or another body part is not.

The distance to the nearest pictures learned from, in features, against the same distance of pictures
that were left out: a conformal test (Laxhammar and Falkman 2010), so that of sound pictures a stated
share is refused.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.neighbors import NearestNeighbors

Floats = NDArray[np.float64]

NEIGHBOURS = 3
MOST = 4_000
"""Pictures that are compared with; a random part of more."""


class Familiarity(BaseEstimator):  # type: ignore[misc]
    """Scores how familiar pictures are: the share of sound ones that are at least as strange.

    Parameters
    ----------
    random_state : int
        Chooses the pictures to compare with, where there are more than 4,000.

    Attributes
    ----------
    known_ : ndarray of shape (m, features)
    strange_ : ndarray of shape (m,)
        Distance of each of them from its nearest others, sorted.
    """

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(self, X: Floats, y: ArrayLike | None = None) -> Self:
        """Learn from the features of sound pictures."""
        rng = np.random.default_rng(self.random_state)
        chosen = np.sort(rng.permutation(len(X))[:MOST])
        self.known_ = np.asarray(X[chosen], dtype=np.float32)
        # each is its own nearest neighbour: leave it out
        distances = self._neighbours(NEIGHBOURS + 1).kneighbors(self.known_)[0][:, 1:]
        self.strange_ = np.sort(distances.mean(axis=1))
        return self

    def score_samples(self, X: Floats) -> Floats:
        """Return the share, shape (n,), in [0, 1]; 0 is stranger than everything that was learned from.

        One sound picture in n + 1 is that too: of few pictures, more are refused than were asked for.
        """
        distances = self._neighbours(NEIGHBOURS).kneighbors(np.asarray(X, dtype=np.float32))[0].mean(axis=1)
        stranger = len(self.strange_) - np.searchsorted(self.strange_, distances, side="left")
        return np.asarray(stranger / len(self.strange_))

    def _neighbours(self, count: int) -> NearestNeighbors:
        return NearestNeighbors(n_neighbors=count, algorithm="brute").fit(self.known_)
