"""The vocabulary of layers with Brevitas' quantisers."""

from __future__ import annotations

from typing import Any

import brevitas.nn as qnn
from torch import Tensor, nn

from levelone.errors import LeveloneError
from levelone.quant.axes import Pair
from levelone.quant.functions import QuantFunction, Sigmoid, Swish, Tanh
from levelone.quant.linear import ConvShape, QuantAffine, apply_mask, fix_weights
from levelone.quant.local import LocalShape, QuantLocallyConnected
from levelone.quant.norm import Norm
from levelone.quant.quantisers import Bias, SignedActivation, UnsignedActivation, Weight
from levelone.quant.vocabulary import Layers
from levelone.recipe import QuantSection


class QuantLayers(Layers):
    """Brevitas layers with the bit widths of a recipe.

    They exchange plain tensors: with constant scales there is nothing else to tell the next layer.
    """

    def __init__(self, quant: QuantSection) -> None:
        self._quant = quant

    def input(self, name: str, *, signed: bool, port: str | None = None) -> nn.Module:
        source = port or name.removesuffix("_q")
        if source not in self._quant.inputs:
            raise LeveloneError(
                f"quant.inputs.{source} is missing: the bit width of the input port {source!r}"
            )
        act = SignedActivation if signed else UnsignedActivation
        return qnn.QuantIdentity(act_quant=act, bit_width=self._quant.inputs[source])

    def quantise(self, name: str, *, signed: bool) -> nn.Module:
        act = SignedActivation if signed else UnsignedActivation
        return qnn.QuantIdentity(act_quant=act, bit_width=self._quant.of(name).activation)

    def _conv(
        self,
        name: str,
        sources: tuple[str, ...],
        shape: ConvShape,
        *,
        bias: bool,
        norm: Norm | None,
        mask: Tensor | None,
        fixed: Tensor | None,
    ) -> nn.Module:
        offset = bias or norm is not None
        layer = shape.quantised(bias=offset, **self._widths(name, bias=offset))
        fix_weights(layer, fixed)
        return _wired(layer, sources, mask)

    def _local_conv(
        self, name: str, sources: tuple[str, ...], shape: LocalShape, *, bias: bool, norm: Norm | None
    ) -> nn.Module:
        offset = bias or norm is not None
        layer = QuantLocallyConnected(
            *shape.channels,
            shape.grid,
            shape.kernel,
            shape.stride,
            shape.ends,
            bias=offset,
            **self._widths(name, bias=offset),
        )
        return _wired(layer, sources, None)

    def dense(
        self,
        name: str,
        sources: tuple[str, ...],
        features: Pair,
        *,
        bias: bool = True,
        norm: Norm | None = "batch",
        mask: Tensor | None = None,
        fixed: Tensor | None = None,
    ) -> nn.Module:
        offset = bias or norm is not None
        layer = qnn.QuantLinear(*features, bias=offset, **self._widths(name, bias=offset))
        fix_weights(layer, fixed)
        return _wired(layer, sources, mask)

    def affine(self, name: str, sources: tuple[str, ...], channels: int, norm: Norm, axes: int) -> nn.Module:
        return _wired(QuantAffine(channels, axes, **self._widths(name)), sources, None)

    def relu(self, layer: str) -> nn.Module:
        return qnn.QuantReLU(act_quant=UnsignedActivation, bit_width=self._quant.of(layer).activation)

    def swish(self, name: str) -> nn.Module:
        return self._function(name, Swish, SignedActivation)

    def sigmoid(self, name: str) -> nn.Module:
        return self._function(name, Sigmoid, UnsignedActivation)

    def tanh(self, name: str) -> nn.Module:
        return self._function(name, Tanh, SignedActivation)

    def _function(self, name: str, function: type[nn.Module], act: type) -> nn.Module:
        return QuantFunction(function, act_quant=act, bit_width=self._quant.of(name).activation)

    def _widths(self, name: str, *, bias: bool = True) -> dict[str, Any]:
        bits = self._quant.of(name)
        widths: dict[str, Any] = {"weight_quant": Weight, "weight_bit_width": bits.weight}
        return {**widths, "bias_quant": Bias, "bias_bit_width": bits.bias} if bias else widths


def _wired(layer: nn.Module, sources: tuple[str, ...], mask: Tensor | None) -> nn.Module:
    layer.sources = sources  # type: ignore[assignment]
    apply_mask(layer, mask)
    return layer
