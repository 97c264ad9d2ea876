"""The layers of a fitted network as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from lepton_platform.model.deep.estimators import NeuralClassifier, NeuralRegressor


def structure(network: NeuralClassifier | NeuralRegressor) -> pd.DataFrame:
    """Return one row per layer that has no layers inside: its kind, output shape and parameters.

    The shape is one case's. The caption counts all parameters; a layer used twice counts once.
    """
    module, rows = network.module_, []

    def note(layer: nn.Module, _: Any, output: Any) -> None:
        first: Tensor = output if isinstance(output, Tensor) else output[0]
        rows.append((layer, " x ".join(map(str, first.shape[1:]))))

    layers = {layer: name for name, layer in module.named_modules() if not list(layer.children())}
    watched = [layer.register_forward_hook(note) for layer in layers]
    try:
        with torch.inference_mode():
            module(torch.zeros(1, *network.shape_in_))
    finally:
        for hook in watched:
            hook.remove()
    table = pd.DataFrame(
        {
            "layer": [layers[layer] for layer, _ in rows],
            "kind": [type(layer).__name__ for layer, _ in rows],
            "output shape": [shape for _, shape in rows],
            "parameters": [sum(weights.numel() for weights in layer.parameters()) for layer, _ in rows],
        }
    )
    total = sum(weights.numel() for weights in module.parameters())
    table.attrs["caption"] = f"Input {' x '.join(map(str, network.shape_in_))}; {total:,} parameters."
    return table
