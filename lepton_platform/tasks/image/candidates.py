"""What may become the model of the image task: heads on frozen features, and networks that learn.

Parameters were chosen out of fold on one set (benchmarks/LOG.md) and serve all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from lepton_platform.model.candidate import Candidate
from lepton_platform.model.deep import NeuralClassifier, Perceptron
from lepton_platform.model.deep.efficientnet import EfficientNetLite
from lepton_platform.model.deep.picture_features import PretrainedFeatures, StageScaler
from lepton_platform.model.deep.picture_networks import SmallPictureNetwork, Squares, Turned

if TYPE_CHECKING:
    import optuna

MANY = 5_000
"""Pictures above which a kernel's matrix and a solver that sees all of them at once cost too much."""


def kernel(features: PretrainedFeatures) -> Candidate:
    """Return a classifier with a Gaussian kernel, one class against the rest; for few pictures."""
    machine = OneVsRestClassifier(SVC(C=4.0, gamma=1.0))
    return Candidate(make_pipeline(features, StageScaler(), machine), search=_search_kernel)


def linear(features: PretrainedFeatures) -> Candidate:
    """Return regularised logistic regression on the same features; for few pictures."""
    regression = LogisticRegression(C=10.0, max_iter=500)
    return Candidate(make_pipeline(features, StageScaler(), regression), search=_search_linear)


def linear_network(features: PretrainedFeatures) -> Candidate:
    """Return the same learned batch by batch, for many pictures."""
    return Candidate(_head(features, Perceptron(hidden=(), dropout=0.0)))


def perceptron(features: PretrainedFeatures) -> Candidate:
    """Return a network of one hidden layer on the same features, for many pictures."""
    return Candidate(_head(features, Perceptron(hidden=(256,), dropout=0.3)))


def _head(features: PretrainedFeatures, architecture: Perceptron) -> Any:
    network = NeuralClassifier(
        architecture,
        optimiser="adamw",
        weight_decay=1e-2,
        epochs=40,
        batch_size=128,
        schedule="cosine",
        random_state=0,
    )
    return make_pipeline(features, StageScaler(), network)


def fine_tuned() -> Candidate:
    """Return the pretrained network with all its weights adapted, at 64 pixels."""
    return Candidate(_network(EfficientNetLite(), size=64, learning_rate=1e-3, epochs=12))


def small_network() -> Candidate:
    """Return convolutions from scratch, at 32 pixels."""
    return Candidate(_network(SmallPictureNetwork(), size=32, learning_rate=3e-3, epochs=30))


def _network(architecture: Any, size: int, learning_rate: float, epochs: int) -> Any:
    network = NeuralClassifier(
        architecture,
        optimiser="adamw",
        learning_rate=learning_rate,
        weight_decay=1e-2,
        schedule="one_cycle",
        epochs=epochs,
        batch_size=32,
        validation_share=0.15,
        patience=None,
        standardise=False,
        augmentation=(Turned(),),
        random_state=0,
    )
    return make_pipeline(Squares(size), network)


def _search_kernel(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "onevsrestclassifier__estimator__C": trial.suggest_float("C", 0.5, 50, log=True),
        "onevsrestclassifier__estimator__gamma": trial.suggest_float("gamma", 0.1, 3, log=True),
    }


def _search_linear(trial: optuna.Trial) -> dict[str, Any]:
    return {"logisticregression__C": trial.suggest_float("C", 0.1, 1000, log=True)}
