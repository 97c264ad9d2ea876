"""Neural networks as scikit-learn estimators: a plain torch training loop behind ``fit``.

Public for authors of plugins. Needs the extra ``lepton-platform[deep]``; importing this package
loads torch, importing anything else of the host does not.

A network is an estimator with an architecture; both are scikit-learn objects, so cloning, tuning
(``architecture__hidden``), pipelines and saving without pickle work as for any other model.

==================  =====================================================================
estimators          `NeuralClassifier`, `NeuralRegressor`
architectures       `Perceptron` (tables), `ConvolutionalNetwork`, `RecurrentNetwork` (sequences)
augmentation        `GaussianNoise`, `Scaling`, `WindowCrop`, `Mixup`
looking inside      `structure`: the layers of a fitted network as a table
==================  =====================================================================

Examples
--------
>>> import numpy as np
>>> X = np.random.default_rng(0).normal(size=(400, 2))
>>> inside = (X**2).sum(axis=1) < 1
>>> network = NeuralClassifier(Perceptron(hidden=(32,)), learning_rate=0.01, epochs=50, random_state=0)
>>> bool(network.fit(X, inside).score(X, inside) > 0.9)
True
>>> structure(network)["parameters"].tolist()
[96, 0, 66]
"""

from lepton_platform.errors import MissingExtraError

try:
    from lepton_platform.model.deep.architectures import (
        Architecture,
        ConvolutionalNetwork,
        Perceptron,
        RecurrentNetwork,
    )
    from lepton_platform.model.deep.augmentation import (
        Augmentation,
        GaussianNoise,
        Mixup,
        Scaling,
        WindowCrop,
    )
    from lepton_platform.model.deep.estimators import NeuralClassifier, NeuralRegressor
    from lepton_platform.model.deep.layers import structure
except ModuleNotFoundError as error:
    if error.name not in ("torch", "safetensors"):
        raise
    raise MissingExtraError("lepton_platform.model.deep", error.name, extra="deep") from error

__all__ = [
    "Architecture",
    "Augmentation",
    "ConvolutionalNetwork",
    "GaussianNoise",
    "Mixup",
    "NeuralClassifier",
    "NeuralRegressor",
    "Perceptron",
    "RecurrentNetwork",
    "Scaling",
    "WindowCrop",
    "structure",
]
