"""Sets of classes that hold the true one with a stated probability, in each class by itself.

Split conformal prediction with the score 1 - p(true class) and a threshold per class (Mondrian;
Vovk 2013, "Conditional validity of inductive conformal predictors"). The scores are out of fold, so
the guarantee is that of the jackknife+ up to its slack (Barber et al. 2021), not exact.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def thresholds(probabilities: Floats, truth: NDArray[np.intp], confidence: float) -> Floats:
    """Return the least probability at which each class belongs into a set, shape (classes,).

    The ceil((n + 1) confidence)-th least score of the n cases of a class; with too few of them to say
    so, the class is in every set.

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.2, 0.8]])
    >>> thresholds(p, np.array([0, 0, 0, 1]), confidence=0.75).round(3)
    array([0.7, 0. ])
    """
    least = []
    for code in range(probabilities.shape[1]):
        given = np.sort(1 - probabilities[truth == code, code])
        rank = int(np.ceil((len(given) + 1) * confidence))
        least.append(1 - given[rank - 1] if rank <= len(given) else 0.0)
    return np.array(least)


def sets(probabilities: Floats, least: Floats) -> NDArray[np.bool_]:
    """Return which classes are in each picture's set, shape (n, classes)."""
    return np.asarray(probabilities >= least - 1e-12)
