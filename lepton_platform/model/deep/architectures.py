"""What a network looks like: the choice of layers, before it is known how large the data are.

An architecture is a scikit-learn object that stores its parameters only. ``build`` makes the torch
module once the shape of one case is known: ``(features,)`` for tables, ``(time, channels)`` for
sequences. Modules take a batch of such cases and give raw outputs of shape (batch, outputs).
"""

from __future__ import annotations

import math
from typing import Protocol

from sklearn.base import BaseEstimator
from torch import Tensor, nn

from lepton_platform.model.deep.choices import chosen

ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU, "tanh": nn.Tanh}
CELLS = {"gru": nn.GRU, "lstm": nn.LSTM}


class Architecture(Protocol):
    """What the estimators ask of an architecture; derive yours from ``sklearn.base.BaseEstimator``."""

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        """Return a module with fresh weights for cases of ``shape``."""
        ...


class Perceptron(BaseEstimator):  # type: ignore[misc]
    """Multilayer perceptron: fully connected layers, each followed by its activation.

    Cases of any shape are flattened.

    Parameters
    ----------
    hidden : tuple of int
        Units of each hidden layer. Empty: a linear model.
    activation : {"relu", "gelu", "silu", "tanh"}
    dropout : float
        Share of hidden units left out at random in each step of training (Srivastava et al. 2014).

    Examples
    --------
    >>> Perceptron(hidden=(128,)).build((784,), 10)
    Sequential(
      (0): Linear(in_features=784, out_features=128, bias=True)
      (1): ReLU()
      (2): Linear(in_features=128, out_features=10, bias=True)
    )
    """

    def __init__(
        self, hidden: tuple[int, ...] = (100,), activation: str = "relu", dropout: float = 0.0
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.dropout = dropout

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        """Return the layers as one ``Sequential``."""
        layers: list[nn.Module] = [nn.Flatten()] if len(shape) > 1 else []
        units = math.prod(shape)
        for width in self.hidden:
            layers += [nn.Linear(units, width), chosen("activation", self.activation, ACTIVATIONS)()]
            if self.dropout:
                layers.append(nn.Dropout(self.dropout))
            units = width
        return nn.Sequential(*layers, nn.Linear(units, outputs))


class ConvolutionalNetwork(BaseEstimator):  # type: ignore[misc]
    """Fully convolutional network over time, for sequences of shape (time, channels).

    Convolution, batch normalisation and ReLU, repeated; then the mean over time. The form of Wang,
    Yan and Oates 2017, "Time series classification from scratch with deep neural networks", section
    II.B, with kernels of odd length.

    Parameters
    ----------
    channels : tuple of int
        Channels of each convolution.
    kernels : tuple of int
        Their lengths in time steps, odd, one for each convolution.
    dropout : float
        Share of the averaged channels left out at random in each step of training.
    """

    def __init__(
        self,
        channels: tuple[int, ...] = (128, 256, 128),
        kernels: tuple[int, ...] = (9, 5, 3),
        dropout: float = 0.0,
    ) -> None:
        self.channels = channels
        self.kernels = kernels
        self.dropout = dropout

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        """Return the layers as one ``Sequential``."""
        _, into = sequence(shape, "ConvolutionalNetwork")
        if len(self.kernels) != len(self.channels) or not all(kernel % 2 for kernel in self.kernels):
            raise ValueError(
                f"kernels={self.kernels} must hold an odd length for each of channels={self.channels}"
            )
        layers: list[nn.Module] = [ChannelsFirst()]
        for width, kernel in zip(self.channels, self.kernels, strict=True):
            layers += [nn.Conv1d(into, width, kernel, padding="same"), nn.BatchNorm1d(width), nn.ReLU()]
            into = width
        layers += [nn.AdaptiveAvgPool1d(1), nn.Flatten()]
        if self.dropout:
            layers.append(nn.Dropout(self.dropout))
        return nn.Sequential(*layers, nn.Linear(into, outputs))


class RecurrentNetwork(BaseEstimator):  # type: ignore[misc]
    """Recurrent network for sequences of shape (time, channels): the last state gives the outputs.

    Parameters
    ----------
    cell : {"gru", "lstm"}
        Cho et al. 2014 and Hochreiter and Schmidhuber 1997, as torch implements them.
    units : int
        Size of the state.
    layers : int
        Cells on top of each other.
    dropout : float
        Share left out at random between layers and before the outputs, in training.
    """

    def __init__(self, cell: str = "gru", units: int = 64, layers: int = 1, dropout: float = 0.0) -> None:
        self.cell = cell
        self.units = units
        self.layers = layers
        self.dropout = dropout

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        """Return the cells and the layer that reads their last state."""
        _, channels = sequence(shape, "RecurrentNetwork")
        between = self.dropout if self.layers > 1 else 0.0
        cell = chosen("cell", self.cell, CELLS)
        layers: list[nn.Module] = [
            LastState(cell(channels, self.units, self.layers, batch_first=True, dropout=between))
        ]
        if self.dropout:
            layers.append(nn.Dropout(self.dropout))
        return nn.Sequential(*layers, nn.Linear(self.units, outputs))


class ChannelsFirst(nn.Module):
    """Turns (batch, time, channels) into (batch, channels, time), which convolutions take."""

    def forward(self, X: Tensor) -> Tensor:
        return X.transpose(1, 2)


class LastState(nn.Module):
    """Runs a recurrent cell over (batch, time, channels) and gives its state after the last step."""

    def __init__(self, cell: nn.RNNBase) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, X: Tensor) -> Tensor:
        states: Tensor = self.cell(X)[0]
        return states[:, -1]


def sequence(shape: tuple[int, ...], taker: str) -> tuple[int, int]:
    """Return the (time, channels) of a sequence's shape, or say what ``taker`` takes."""
    if len(shape) != 2:
        raise ValueError(
            f"{taker} takes sequences, X of shape (n, time, channels); here a case has shape {shape}"
        )
    return shape[0], shape[1]
