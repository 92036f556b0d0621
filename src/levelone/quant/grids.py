"""On which grid each layer's result lies: the power of two that divides all its values."""

from __future__ import annotations

from typing import Any

import brevitas.nn as qnn
from torch import nn

from levelone.quant.functions import QuantFunction
from levelone.quant.linear import QuantAffine
from levelone.quant.merging import Add, AveragePool3d, Concat, Flatten, MaxPool3d, Multiply, Pad3d, Reshape
from levelone.quant.scale import FixedScale, scale_of

LINEAR = (qnn.QuantConv2d, qnn.QuantConv3d, qnn.QuantLinear, QuantAffine)
ACTIVATION = (qnn.QuantIdentity, qnn.QuantReLU, QuantFunction)
MERGING = (Add, AveragePool3d, Concat, Flatten, MaxPool3d, Multiply, Pad3d, Reshape)


def linear_layers(network: nn.Module) -> dict[str, nn.Module]:
    """The layers with weights of a quantised network, by name, in order of definition."""
    return {name: layer for name, layer in network.named_children() if isinstance(layer, LINEAR)}


def activation_layers(network: nn.Module) -> dict[str, nn.Module]:
    """The input quantisers and activations of a quantised network, by name, in order of definition."""
    return {name: layer for name, layer in network.named_children() if isinstance(layer, ACTIVATION)}


def merging_layers(network: nn.Module) -> dict[str, nn.Module]:
    """The layers without weights or quantisers, by name, in order of definition."""
    return {name: layer for name, layer in network.named_children() if isinstance(layer, MERGING)}


def activation_scale(layer: nn.Module) -> FixedScale:
    """The scale of an input quantiser or activation."""
    return scale_of(layer.act_quant)  # type: ignore[arg-type]


def product_exponent(network: nn.Module, name: str) -> int:
    """The largest e such that 2**e divides every product of linear layer `name`, its bias and its sums."""
    return value_exponent(network, name)


def value_exponent(network: nn.Module, name: str) -> int:
    """The e for which every value of layer `name` is a multiple of 2**e, as far as the scales tell.

    Raises
    ------
    ValueError
        If there is none: a mean over a number of voxels that is no power of two, before its quantiser.
    """
    layer: Any = network.get_submodule(name)
    if isinstance(layer, ACTIVATION):
        return activation_scale(layer).exponent
    sources = [value_exponent(network, source) for source in layer.sources]
    if isinstance(layer, LINEAR):
        weights: Any = layer.weight_quant
        return min(sources) + scale_of(weights).exponent
    if isinstance(layer, Multiply):
        return sum(sources)
    if isinstance(layer, AveragePool3d):
        if layer.voxels & (layer.voxels - 1):
            raise ValueError(f"{name}: a mean over {layer.voxels} voxels lies on no power-of-two grid")
        return sources[0] - (layer.voxels.bit_length() - 1)
    return min(sources)
