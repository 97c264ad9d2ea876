"""Reading digits, model stage: the network, and the same without its hidden layer."""

from __future__ import annotations

from collections.abc import Mapping

from lepton_digits.recognition.config import RecognitionConfig
from lepton_platform import hookimpl
from lepton_platform.model.deep import NeuralClassifier, Perceptron


@hookimpl
def lepton_models(config: RecognitionConfig) -> Mapping[str, NeuralClassifier]:
    """On MNIST, ``network`` is 784-128-10; ``linear`` shows what the hidden layer is good for."""
    return {
        "network": _trained(Perceptron((config.hidden,)), config),
        "linear": _trained(Perceptron(()), config),
    }


def _trained(architecture: Perceptron, config: RecognitionConfig) -> NeuralClassifier:
    """Return an unfitted network; pixels are fractions already, so nothing is standardised."""
    return NeuralClassifier(
        architecture,
        optimiser="adam",
        learning_rate=config.learning_rate,
        schedule=config.schedule,
        epochs=config.epochs,
        batch_size=config.batch_size,
        validation_share=config.validation_share,
        patience=None,
        standardise=False,
    )
