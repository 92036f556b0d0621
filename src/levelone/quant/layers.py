"""The vocabulary of layers, twice: in float (with normalisation) and quantised (without).

A network is written once against `Layers`; `FloatLayers` and `QuantLayers` then give two modules with the
same topology and the same layer names. Every layer is a direct child of the network, and its name is that of
its result in the QONNX file, in the reference and in the firmware.
"""

from __future__ import annotations

from levelone.quant.float_layers import FloatLayers
from levelone.quant.grids import (
    activation_layers,
    activation_scale,
    linear_layers,
    plain_layers,
    value_exponent,
)
from levelone.quant.linear import FloatLinear, parameter_of
from levelone.quant.quant_layers import QuantLayers
from levelone.quant.vocabulary import Layers

__all__ = [
    "FloatLayers",
    "FloatLinear",
    "Layers",
    "QuantLayers",
    "activation_layers",
    "activation_scale",
    "linear_layers",
    "parameter_of",
    "plain_layers",
    "value_exponent",
]
