"""Where in a picture the answer comes from: what hiding a part of it changes.

Occlusion (Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", section
4.2) asks any model, also one that has no gradient. A map that does not depend on the model's weights
explains nothing (Adebayo et al. 2018, "Sanity checks for saliency maps"): `weights_matter` compares
with the same model on random weights.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.pipeline import Pipeline

from lepton_platform.data.images import npz
from lepton_platform.data.images.inspection import inspected
from lepton_platform.model.deep.picture_features import PretrainedFeatures

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]

PLACES = 6
"""Positions of the hidden window along a side; it is twice as wide as the step between them."""


def occlusion(model: Any, picture: Pixels, code: int) -> Floats:
    """Return how much of a class's log-probability each part of the picture carries, (places, places).

    Parameters
    ----------
    model : classifier of inspected catalogues
    picture : (height, width, 3)
    code
        Number of the class; positive where hiding the part makes it less likely.
    """
    hidden = [picture, *(_without(picture, row, column) for row in range(PLACES) for column in range(PLACES))]
    with npz.written(hidden) as listed:
        chances = model.predict_proba(inspected(listed))[:, code]
    scores = np.log(np.maximum(chances, 1e-9))
    return np.asarray((scores[0] - scores[1:]).reshape(PLACES, PLACES))


def _without(picture: Pixels, row: int, column: int) -> Pixels:
    """Return the picture with a window in its mean colour; neighbouring windows overlap by half."""
    changed = picture.copy()
    edges = [np.linspace(0, side, 2 * PLACES + 1).round().astype(int) for side in picture.shape[:2]]
    down, across = (
        slice(ends[max(0, 2 * place - 1)], ends[min(2 * PLACES, 2 * place + 3)])
        for ends, place in zip(edges, (row, column), strict=True)
    )
    changed[down, across] = picture.mean(axis=(0, 1)).round()
    return changed


def on_random_weights(blend: Any) -> Any:
    """Return a copy of the model whose frozen features come from a network with random weights."""
    other = copy.deepcopy(blend)
    for member in other.fitted_:
        for step in _steps(member):
            if isinstance(step, PretrainedFeatures):
                step.set_params(random_weights=1)
    return other


def _steps(member: Any) -> list[Any]:
    if not isinstance(member, Pipeline):
        return [member]
    return [inner for _, step in member.steps for inner in _steps(step)]


def weights_matter(blend: Any, picture: Pixels, code: int, map_: Floats) -> float:
    """Return the rank correlation of a map with the same model's on random weights: 1 is no good."""
    other = occlusion(on_random_weights(blend), picture, code)
    if np.ptp(other) == 0 or np.ptp(map_) == 0:
        return 0.0
    return float(spearmanr(map_.ravel(), other.ravel()).statistic)
