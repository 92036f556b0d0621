"""The vocabulary of layers, twice: in float (with normalisation) and quantised (without).

A network is written once against `Layers`; `FloatLayers` and `QuantLayers` then give two modules with the
same topology and the same layer names. Every layer is a direct child of the network, and its name is that of
its result in the QONNX file, in the reference and in the firmware.
"""

from __future__ import annotations

from typing import Any, Protocol

import brevitas.nn as qnn
import torch
from torch import Tensor, nn

from levelone.errors import LeveloneError
from levelone.quant.functions import QuantFunction, Sigmoid, Swish, Tanh
from levelone.quant.grids import (
    activation_layers,
    activation_scale,
    linear_layers,
    merging_layers,
    product_exponent,
    value_exponent,
)
from levelone.quant.linear import (
    FloatAffine,
    FloatLinear,
    Pads,
    Pair,
    QuantAffine,
    QuantConv3d,
    Triple,
    apply_mask,
    split_padding,
)
from levelone.quant.merging import Add, AveragePool3d, Concat, Flatten, MaxPool3d, Multiply, Reshape
from levelone.quant.norm import Norm, make_norm
from levelone.quant.quantisers import Bias, SignedActivation, UnsignedActivation, Weight
from levelone.recipe import QuantSection

__all__ = [
    "FloatLayers",
    "FloatLinear",
    "Layers",
    "QuantLayers",
    "activation_layers",
    "activation_scale",
    "linear_layers",
    "merging_layers",
    "product_exponent",
    "value_exponent",
]

NO_PADDING: Triple = (0, 0, 0)


class Merging:
    """The layers that are the same in both vocabularies."""

    def max_pool3d(
        self,
        name: str,
        sources: tuple[str, ...],
        kernel: Triple,
        stride: Triple | None = None,
        padding: Triple = NO_PADDING,
    ) -> nn.Module:
        """The largest value of each window (stride: the kernel's size if None)."""
        return MaxPool3d(sources, kernel, stride or kernel, padding)

    def average_pool3d(
        self,
        name: str,
        sources: tuple[str, ...],
        kernel: Triple,
        stride: Triple | None = None,
        padding: Triple = NO_PADDING,
    ) -> nn.Module:
        """The mean of each window, padding counted as zeros; put `quantise` (or an activation) behind it."""
        return AveragePool3d(sources, kernel, stride or kernel, padding)

    def add(self, name: str, sources: tuple[str, str]) -> nn.Module:
        """The sum of two values of equal shape, called as ``layer(a, b)``."""
        return Add(sources)

    def multiply(self, name: str, sources: tuple[str, str]) -> nn.Module:
        """The product of two values, axes of length 1 repeated, called as ``layer(a, b)``."""
        return Multiply(sources)

    def concat(self, name: str, sources: tuple[str, ...]) -> nn.Module:
        """The values joined along the channels, called as ``layer(a, b, ...)``."""
        return Concat(sources)

    def flatten(self, name: str, sources: tuple[str]) -> nn.Module:
        """One axis behind the batch axis."""
        return Flatten(sources)

    def reshape(self, name: str, sources: tuple[str], shape: tuple[int, ...]) -> nn.Module:
        """[n, *shape]."""
        return Reshape(sources, shape)


class Layers(Protocol):
    """Makes the layers of a network by name."""

    def input(self, name: str, *, signed: bool) -> nn.Module:
        """The quantiser of an input port."""
        ...

    def conv2d(
        self,
        name: str,
        sources: tuple[str, ...],
        channels: Pair,
        kernel: Pair,
        stride: Pair,
        padding: Pair,
        mask: Tensor | None = None,
    ) -> nn.Module:
        """A convolution (in, out `channels`) of the values of the layers named `sources`."""
        ...

    def conv3d(
        self,
        name: str,
        sources: tuple[str, ...],
        channels: Pair,
        kernel: Triple,
        stride: Triple = (1, 1, 1),
        padding: Pads = (0, 0, 0),
        *,
        groups: int = 1,
        bias: bool = True,
        norm: Norm | None = "batch",
        fixed: Tensor | None = None,
    ) -> nn.Module:
        """A convolution over (z, y, x).

        `groups` equal to the input channels makes it depthwise. `norm` is folded into the quantised layer,
        which then has a bias in any case. `fixed` weights [out, in / groups, *kernel] are never trained.
        """
        ...

    def affine(self, name: str, sources: tuple[str, ...], channels: int, norm: Norm) -> nn.Module:
        """A normalisation alone, for the place in front of an activation."""
        ...

    def dense(
        self,
        name: str,
        sources: tuple[str, ...],
        features: Pair,
        *,
        norm: bool = True,
        mask: Tensor | None = None,
    ) -> nn.Module:
        """A fully connected layer (in, out `features`)."""
        ...

    def relu(self, layer: str) -> nn.Module:
        """The rectifier behind `layer`, with the quantiser of its result."""
        ...

    def quantise(self, name: str, *, signed: bool) -> nn.Module:
        """A quantiser alone; nothing in the float twin."""
        ...

    def swish(self, name: str) -> nn.Module:
        """``x * sigmoid(x)`` of a quantised value, with the (signed) quantiser of its result."""
        ...

    def sigmoid(self, name: str) -> nn.Module:
        """The logistic function of a quantised value, with the (unsigned) quantiser of its result."""
        ...

    def tanh(self, name: str) -> nn.Module:
        """The hyperbolic tangent of a quantised value, with the (signed) quantiser of its result."""
        ...

    def max_pool3d(
        self,
        name: str,
        sources: tuple[str, ...],
        kernel: Triple,
        stride: Triple | None = None,
        padding: Triple = NO_PADDING,
    ) -> nn.Module: ...
    def average_pool3d(
        self,
        name: str,
        sources: tuple[str, ...],
        kernel: Triple,
        stride: Triple | None = None,
        padding: Triple = NO_PADDING,
    ) -> nn.Module: ...
    def add(self, name: str, sources: tuple[str, str]) -> nn.Module: ...
    def multiply(self, name: str, sources: tuple[str, str]) -> nn.Module: ...
    def concat(self, name: str, sources: tuple[str, ...]) -> nn.Module: ...
    def flatten(self, name: str, sources: tuple[str]) -> nn.Module: ...
    def reshape(self, name: str, sources: tuple[str], shape: tuple[int, ...]) -> nn.Module: ...


class FloatLayers(Merging):
    """Layers of the float twin: no quantiser anywhere, batch normalisation after each hidden layer."""

    def input(self, name: str, *, signed: bool) -> nn.Module:
        return nn.Identity()

    def conv2d(
        self,
        name: str,
        sources: tuple[str, ...],
        channels: Pair,
        kernel: Pair,
        stride: Pair,
        padding: Pair,
        mask: Tensor | None = None,
    ) -> nn.Module:
        conv = nn.Conv2d(*channels, kernel, stride, padding)
        return FloatLinear(conv, nn.BatchNorm2d(channels[1]), mask)

    def conv3d(
        self,
        name: str,
        sources: tuple[str, ...],
        channels: Pair,
        kernel: Triple,
        stride: Triple = (1, 1, 1),
        padding: Pads = (0, 0, 0),
        *,
        groups: int = 1,
        bias: bool = True,
        norm: Norm | None = "batch",
        fixed: Tensor | None = None,
    ) -> nn.Module:
        inside, pads = split_padding(padding)
        conv = nn.Conv3d(*channels, kernel, stride, inside, groups=groups, bias=bias)
        _fix(conv, fixed)
        return FloatLinear(conv, make_norm(norm, channels[1], 3), pads=pads)

    def affine(self, name: str, sources: tuple[str, ...], channels: int, norm: Norm) -> nn.Module:
        made = make_norm(norm, channels, 3)
        assert made is not None  # noqa: S101  (norm is not None)
        return FloatAffine(made)

    def dense(
        self,
        name: str,
        sources: tuple[str, ...],
        features: Pair,
        *,
        norm: bool = True,
        mask: Tensor | None = None,
    ) -> nn.Module:
        return FloatLinear(nn.Linear(*features), nn.BatchNorm1d(features[1]) if norm else None, mask)

    def relu(self, layer: str) -> nn.Module:
        return nn.ReLU()

    def quantise(self, name: str, *, signed: bool) -> nn.Module:
        return nn.Identity()

    def swish(self, name: str) -> nn.Module:
        return nn.SiLU()

    def sigmoid(self, name: str) -> nn.Module:
        return nn.Sigmoid()

    def tanh(self, name: str) -> nn.Module:
        return nn.Tanh()


class QuantLayers(Merging):
    """Brevitas layers with the bit widths of a recipe.

    They exchange plain tensors: with constant scales there is nothing else to tell the next layer.
    """

    def __init__(self, quant: QuantSection) -> None:
        self._quant = quant

    def input(self, name: str, *, signed: bool) -> nn.Module:
        source = name.removesuffix("_q")
        if source not in self._quant.inputs:
            raise LeveloneError(
                f"quant.inputs.{source} is missing: the bit width of the input port {source!r}"
            )
        act = SignedActivation if signed else UnsignedActivation
        return qnn.QuantIdentity(act_quant=act, bit_width=self._quant.inputs[source])

    def conv2d(
        self,
        name: str,
        sources: tuple[str, ...],
        channels: Pair,
        kernel: Pair,
        stride: Pair,
        padding: Pair,
        mask: Tensor | None = None,
    ) -> nn.Module:
        layer = qnn.QuantConv2d(
            *channels, kernel, stride=stride, padding=padding, bias=True, **self._widths(name)
        )
        return _wired(layer, sources, mask)

    def conv3d(
        self,
        name: str,
        sources: tuple[str, ...],
        channels: Pair,
        kernel: Triple,
        stride: Triple = (1, 1, 1),
        padding: Pads = (0, 0, 0),
        *,
        groups: int = 1,
        bias: bool = True,
        norm: Norm | None = "batch",
        fixed: Tensor | None = None,
    ) -> nn.Module:
        inside, pads = split_padding(padding)
        offset = bias or norm is not None
        layer = QuantConv3d(
            *channels,
            kernel,
            stride=stride,
            padding=inside,
            groups=groups,
            bias=offset,
            pads=pads,
            **self._widths(name, bias=offset),
        )
        _fix(layer, fixed)
        return _wired(layer, sources, None)

    def affine(self, name: str, sources: tuple[str, ...], channels: int, norm: Norm) -> nn.Module:
        return _wired(QuantAffine(channels, **self._widths(name)), sources, None)

    def dense(
        self,
        name: str,
        sources: tuple[str, ...],
        features: Pair,
        *,
        norm: bool = True,
        mask: Tensor | None = None,
    ) -> nn.Module:
        return _wired(qnn.QuantLinear(*features, bias=True, **self._widths(name)), sources, mask)

    def relu(self, layer: str) -> nn.Module:
        return qnn.QuantReLU(act_quant=UnsignedActivation, bit_width=self._quant.of(layer).activation)

    def quantise(self, name: str, *, signed: bool) -> nn.Module:
        act = SignedActivation if signed else UnsignedActivation
        return qnn.QuantIdentity(act_quant=act, bit_width=self._quant.of(name).activation)

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


def _fix(conv: nn.Module, weights: Tensor | None) -> None:
    if weights is None:
        return
    weight: Any = conv.weight
    with torch.no_grad():
        weight.copy_(weights)
    weight.requires_grad_(False)
