"""Networks behind scikit-learn's contract: ``fit`` trains, ``predict`` runs the network.

``X`` has shape (n, features) or (n, time, channels). All that is learned from data is learned from
the training part: the validation part chooses the epoch, and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import safetensors.torch
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor, nn
from torch.nn import functional

from lepton_platform.model.deep import losses
from lepton_platform.model.deep.architectures import Architecture, Perceptron
from lepton_platform.model.deep.augmentation import Augmentation
from lepton_platform.model.deep.checkpoint import Checkpoint
from lepton_platform.model.deep.choices import chosen
from lepton_platform.model.deep.loop import Epoch, Part, Recipe, Training, forward, seeded, threads_for
from lepton_platform.model.deep.losses import Loss

Floats = NDArray[np.float32]
NUMBERS = [np.float32, np.float64, np.uint8]
"""Types that ``X`` may keep until it is standardised, pixels longer; any other becomes the first."""


class NeuralNetwork(BaseEstimator):  # type: ignore[misc]
    """What classifier and regressor share; use one of these.

    Parameters
    ----------
    architecture : Architecture or None
        The layers; ``None``: ``Perceptron()``.
    loss : str or None
        What is minimised; ``None``: the first that the class names in ``LOSSES``.
    optimiser : {"adam", "adamw", "nadam", "rmsprop", "sgd"}
        Of torch; ``"sgd"`` with Nesterov momentum 0.9.
    learning_rate, weight_decay : float
        Of the optimiser.
    schedule : {"constant", "cosine", "one_cycle", "plateau"}
        How the learning rate changes.
    epochs, batch_size : int
        Passes over the training part at most, and cases in a step at most.
    validation_share : float
        Share of the cases kept out of training, to choose the epoch; of classes, the same share of
        each. 0: the last epoch's weights are kept. Not used where ``fit`` is given ``X_val``.
    patience : int or None
        Epochs without a better validation loss after which training ends; ``None``: never early.
    max_gradient_norm : float or None
        Longer gradients are shortened to this norm; helps recurrent networks.
    standardise : bool
        Whether to bring each feature (of sequences, each channel) to mean 0 and deviation 1 first.
    augmentation : tuple of Augmentation
        Random changes to each training batch, in this order.
    device : str
        ``"auto"``: the accelerator if there is one, else the CPU.
    precision : {"auto", "full", "mixed"}
        ``"mixed"``: bfloat16 where that is safe; ``"auto"``: on a GPU that computes in it.
    checkpoints : path or None
        Folder in which a training leaves, as it goes on, what it needs to be resumed: the same
        ``fit`` called again after a crash ends with the same weights. The host gives one to the
        candidates of a run.
    random_state : int, RandomState or None
        Same number, same weights: bit for bit on one kind of CPU with one number of threads.
    """

    LOSSES: ClassVar[Mapping[str, Loss]]
    SCORE: ClassVar[tuple[str, Loss]]
    """Name and function of the score that the history shows beside the loss."""

    def __init__(
        self,
        architecture: Architecture | None = None,
        *,
        loss: str | None = None,
        optimiser: str = "adam",
        learning_rate: float = 1e-3,
        weight_decay: float = 0.0,
        schedule: str = "constant",
        epochs: int = 100,
        batch_size: int = 64,
        validation_share: float = 0.1,
        patience: int | None = 10,
        max_gradient_norm: float | None = None,
        standardise: bool = True,
        augmentation: tuple[Augmentation, ...] = (),
        device: str = "auto",
        precision: str = "auto",
        checkpoints: str | Path | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.architecture = architecture
        self.loss = loss
        self.optimiser = optimiser
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.epochs = epochs
        self.batch_size = batch_size
        self.validation_share = validation_share
        self.patience = patience
        self.max_gradient_norm = max_gradient_norm
        self.standardise = standardise
        self.augmentation = augmentation
        self.device = device
        self.precision = precision
        self.checkpoints = checkpoints
        self.random_state = random_state

    # ------------------------------------------------------------------------------ training

    def _train(
        self,
        X: Floats,
        y: NDArray[Any],
        X_val: ArrayLike | None,
        y_val: ArrayLike | None,
        strata: NDArray[Any] | None,
    ) -> Self:
        """Train on checked arrays; ``strata`` are classes that the validation part keeps the shares of."""
        self.shape_in_ = tuple(map(int, X.shape[1:]))
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        if X_val is None:
            learned, held_out = self._split(len(X), strata, seed)
            X, X_held, y, y_held = X[learned], X[held_out], y[learned], y[held_out]
        else:
            X_held, y_held = self._checked(X_val), np.asarray(y_val)
            check_consistent_length(X_held, y_held)
        self._learn_scales(X, y)
        train = Part(self._inputs(X), self._training_targets(y))
        validation = Part(self._inputs(X_held), self._targets(y_held)) if len(X_held) else None
        recipe, device = self._recipe(), self._device()
        with seeded(seed, device):
            module = self._build().to(device)
            training = Training(module, recipe, len(train.y))
            with threads_for(self._multiplications(module)):
                training.run(train, validation, self._checkpoint(seed, train, validation))
        self.module_ = module.cpu().eval()
        self.history_ = self._as_history(training.history)
        self.best_epoch_ = len(training.history) if training.best is None else training.best.epoch
        return self

    def _recipe(self) -> Recipe:
        device = self._device()
        computes_bfloat16 = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        mixed = {"full": False, "mixed": True, "auto": computes_bfloat16}
        return Recipe(
            loss=chosen("loss", self.loss, self.LOSSES) if self.loss else next(iter(self.LOSSES.values())),
            score=self.SCORE[1],
            optimiser=self.optimiser,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            schedule=self.schedule,
            epochs=self.epochs,
            batch_size=self.batch_size,
            patience=self.patience,
            max_gradient_norm=self.max_gradient_norm,
            augmentation=self.augmentation,
            mixed=chosen("precision", self.precision, mixed),
        )

    def _device(self) -> torch.device:
        if self.device != "auto":
            return torch.device(self.device)
        accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        return accelerator or torch.device("cpu")

    def _build(self) -> nn.Module:
        architecture = Perceptron() if self.architecture is None else self.architecture
        return architecture.build(self.shape_in_, self.n_outputs_)

    def _multiplications(self, module: nn.Module) -> int:
        """Return about how many there are in a step: one per parameter, case and moment of time."""
        parameters = sum(weights.numel() for weights in module.parameters())
        return parameters * self.batch_size * math.prod(self.shape_in_[:-1])

    def _split(
        self, rows: int, strata: NDArray[Any] | None, seed: int
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the positions of the training and of the validation part, which may be empty."""
        kept_out = round(self.validation_share * rows)
        if not 0 < kept_out < rows:
            return np.arange(rows), np.arange(0)
        if strata is not None:
            sizes = np.unique(strata, return_counts=True)[1]
            if sizes.min() == 1 or min(kept_out, rows - kept_out) < len(sizes):
                strata = None  # too few cases for one of each class on both sides
        splitter = ShuffleSplit if strata is None else StratifiedShuffleSplit
        learned, held_out = next(
            splitter(1, test_size=kept_out, random_state=seed).split(np.empty(rows), strata)
        )
        return learned, held_out

    def _checkpoint(self, seed: int, train: Part, validation: Part | None) -> Checkpoint | None:
        if self.checkpoints is None:
            return None
        apart = ("checkpoints", "random_state")
        parameters = {name: value for name, value in self.get_params().items() if name not in apart}
        tensors = [*train, *(validation or ())]
        described = f"{type(self).__name__} {parameters} seed {seed}"
        return Checkpoint(Path(self.checkpoints), described, [tensor.numpy() for tensor in tensors])

    def _as_history(self, epochs: list[Epoch] | NDArray[np.float64]) -> pd.DataFrame:
        columns = [self.SCORE[0] if name == "validation_score" else name for name in Epoch._fields]
        index = pd.RangeIndex(1, len(epochs) + 1, name="epoch")
        return pd.DataFrame(np.asarray(epochs, dtype=np.float64), index=index, columns=columns)

    # -------------------------------------------------------------------- inputs and targets

    def _checked(self, X: ArrayLike) -> Floats:
        checked: Floats = validate_data(self, X, dtype=NUMBERS, allow_nd=True, reset=False)
        if (shape := checked.shape[1:]) != self.shape_in_:
            raise ValueError(f"a case has shape {shape}; {type(self).__name__} learned {self.shape_in_}")
        return checked

    def _learn_scales(self, X: Floats, y: NDArray[Any]) -> None:
        self.scaler_ = StandardScaler().fit(X.reshape(-1, X.shape[-1])) if self.standardise else None

    def _inputs(self, X: Floats) -> Tensor:
        if self.scaler_ is not None:
            X = self.scaler_.transform(X.reshape(-1, X.shape[-1])).reshape(X.shape)
        kept = np.uint8 if X.dtype == np.uint8 else np.float32  # pixels are floats a batch at a time
        return torch.from_numpy(np.ascontiguousarray(X, dtype=kept))

    def _targets(self, y: NDArray[Any]) -> Tensor:
        """Return ``y`` as loss and score take it."""
        raise NotImplementedError

    def _training_targets(self, y: NDArray[Any]) -> Tensor:
        """Return ``y`` as augmentations and loss take it."""
        return self._targets(y)

    def _raw_outputs(self, X: ArrayLike) -> NDArray[np.float64]:
        check_is_fitted(self)
        module = self.module_.to(self._device())
        return forward(module, self._inputs(self._checked(X))).double().numpy()

    # ---------------------------------------------------------------------------- persistence

    def __getstate__(self) -> dict[str, Any]:
        """Hold the weights as safetensors bytes, so that no object of torch is pickled."""
        state: dict[str, Any] = super().__getstate__()
        if "module_" not in state:
            return state
        weights = {name: tensor.cpu().contiguous() for name, tensor in self.module_.state_dict().items()}
        packed = {"module_": safetensors.torch.save(weights), "history_": self.history_.to_numpy()}
        return {**state, **packed}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "module_" in state:
            with seeded(0, torch.device("cpu")):
                module = self._build()
            module.load_state_dict(safetensors.torch.load(state["module_"]))
            self.module_ = module.eval()
            self.history_ = self._as_history(state["history_"])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


class NeuralClassifier(ClassifierMixin, NeuralNetwork):  # type: ignore[misc]
    """Neural network for classes; outputs are the log-odds of a softmax.

    Parameters are those of `NeuralNetwork`; the loss is cross-entropy.

    Attributes
    ----------
    classes_ : ndarray of shape (classes,)
    history_ : DataFrame
        Per epoch: loss, validation loss and accuracy, learning rate.
    best_epoch_ : int
        The epoch, counted from 1, whose weights were kept.
    module_ : torch.nn.Module

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> NeuralClassifier(learning_rate=0.01, random_state=0).fit(X, y).predict(X[[0, 50, 100]])
    array([0, 1, 2])
    """

    LOSSES = losses.OF_CLASSES
    SCORE = ("validation_accuracy", losses.accuracy)

    def fit(
        self, X: ArrayLike, y: ArrayLike, X_val: ArrayLike | None = None, y_val: ArrayLike | None = None
    ) -> Self:
        """Learn from classes ``y`` of shape (n,); with ``X_val`` and ``y_val``, from all of ``X``.

        Raises
        ------
        DivergedError
            The loss is no longer a number.
        """
        inputs, classes = validate_data(self, X, y, dtype=NUMBERS, allow_nd=True)
        check_classification_targets(classes)
        self.classes_ = np.unique(classes)
        self.n_outputs_ = len(self.classes_)
        return self._train(inputs, classes, X_val, y_val, strata=classes)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the probabilities of ``classes_``, shape (n, classes)."""
        return np.asarray(softmax(self._raw_outputs(X), axis=1))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable class of each case, shape (n,)."""
        best = self._raw_outputs(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def _targets(self, y: NDArray[Any]) -> Tensor:
        """Return the numbers of the classes, shape (n,)."""
        if (strange := np.setdiff1d(y, self.classes_)).size:
            raise ValueError(f"y_val holds classes that y does not: {', '.join(map(str, strange))}")
        return torch.from_numpy(np.searchsorted(self.classes_, y))

    def _training_targets(self, y: NDArray[Any]) -> Tensor:
        """Return the classes as probabilities where an augmentation may mix them."""
        codes = self._targets(y)
        return functional.one_hot(codes, self.n_outputs_).float() if self.augmentation else codes


class NeuralRegressor(RegressorMixin, NeuralNetwork):  # type: ignore[misc]
    """Neural network for numbers; targets are standardised while it learns.

    Parameters are those of `NeuralNetwork`; the loss is ``"squared_error"`` (the default),
    ``"absolute_error"`` or ``"huber"``.

    Attributes
    ----------
    history_ : DataFrame
        Per epoch: loss and validation loss (of standardised targets), validation R², learning rate.
    best_epoch_ : int
        The epoch, counted from 1, whose weights were kept.
    module_ : torch.nn.Module

    Examples
    --------
    >>> X = np.linspace(-3, 3, 200)[:, None]
    >>> network = NeuralRegressor(learning_rate=0.01, random_state=0).fit(X, np.sin(X[:, 0]))
    >>> bool(abs(network.predict([[1.0]])[0] - np.sin(1.0)) < 0.1)
    True
    """

    LOSSES = losses.OF_NUMBERS
    SCORE = ("validation_r2", losses.r_squared)

    def fit(
        self, X: ArrayLike, y: ArrayLike, X_val: ArrayLike | None = None, y_val: ArrayLike | None = None
    ) -> Self:
        """Learn from ``y`` of shape (n,) or (n, targets); with ``X_val``, from all of ``X``.

        Raises
        ------
        DivergedError
            The loss is no longer a number.
        """
        as_numbers = {"multi_output": True, "y_numeric": True}
        inputs, targets = validate_data(self, X, y, dtype=NUMBERS, allow_nd=True, **as_numbers)
        self.target_shape_ = targets.shape[1:]
        self.n_outputs_ = 1 if targets.ndim == 1 else targets.shape[1]
        return self._train(inputs, targets, X_val, y_val, strata=None)

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the expected numbers, in the shape of ``y``."""
        scaled = self._raw_outputs(X)
        return np.asarray(self.target_scaler_.inverse_transform(scaled).reshape(-1, *self.target_shape_))

    def _learn_scales(self, X: Floats, y: NDArray[Any]) -> None:
        super()._learn_scales(X, y)
        self.target_scaler_ = StandardScaler().fit(y.reshape(len(y), -1))

    def _targets(self, y: NDArray[Any]) -> Tensor:
        """Return the standardised targets, shape (n, targets)."""
        scaled = self.target_scaler_.transform(y.reshape(len(y), -1))
        return torch.from_numpy(np.asarray(scaled, dtype=np.float32))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
