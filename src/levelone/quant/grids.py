"""The layers of a quantised network by kind, and on which grid each one's result lies.

The grid of a result is the power of two that divides all its values.
"""

from __future__ import annotations

from typing import Any, TypeVar

from brevitas.nn.quant_layer import QuantNonLinearActLayer, QuantWeightBiasInputOutputLayer
from torch import nn

from levelone.errors import LeveloneError
from levelone.quant.scale import FixedScale, scale_of
from levelone.quant.words import Word

Kind = TypeVar("Kind", bound=nn.Module)


def linear_layers(network: nn.Module) -> dict[str, QuantWeightBiasInputOutputLayer]:
    """The layers with weights of a quantised network, by name, in order of definition."""
    return _of_kind(network, QuantWeightBiasInputOutputLayer)


def activation_layers(network: nn.Module) -> dict[str, QuantNonLinearActLayer]:
    """The input quantisers and activations of a quantised network, by name, in order of definition."""
    return _of_kind(network, QuantNonLinearActLayer)


def plain_layers(network: nn.Module) -> dict[str, Word]:
    """The layers without weights or quantisers, by name, in order of definition."""
    return _of_kind(network, Word)


def _of_kind(network: nn.Module, kind: type[Kind]) -> dict[str, Kind]:
    """Layers that were not made by a word are refused: nobody could say on which grid they are."""
    for name, layer in network.named_children():
        if not isinstance(layer, QuantWeightBiasInputOutputLayer | QuantNonLinearActLayer | Word):
            raise LeveloneError(
                f"layer {name!r} ({type(layer).__name__}) of the quantised network is of no known kind",
                hint="make every layer with a word of levelone.quant.vocabulary.Layers",
            )
    return {name: layer for name, layer in network.named_children() if isinstance(layer, kind)}


def activation_scale(layer: nn.Module) -> FixedScale:
    """The scale of an input quantiser or activation."""
    return scale_of(layer.act_quant)  # type: ignore[arg-type]


def value_exponent(network: nn.Module, name: str) -> int:
    """The e for which every value of layer `name` is a multiple of 2**e, as far as the scales tell.

    Of a layer with weights: that of its products, which its bias and its sums share.

    Raises
    ------
    ValueError
        If there is none: a mean over a number of cells that is no power of two, before its quantiser.
    """
    layer: Any = network.get_submodule(name)
    if isinstance(layer, QuantNonLinearActLayer):
        return activation_scale(layer).exponent
    operands = [value_exponent(network, source) for source in layer.sources]
    if isinstance(layer, Word):
        return layer.exponent(operands)
    return min(operands) + scale_of(layer.weight_quant).exponent
