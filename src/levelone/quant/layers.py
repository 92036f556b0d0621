"""The vocabulary of layers, twice: in float (with batch normalisation) and quantised (without).

A network is written once against `Layers`; `FloatLayers` and `QuantLayers` then give two modules with the
same topology and the same layer names.
"""

from __future__ import annotations

from typing import Any, Protocol

import brevitas.nn as qnn
import torch
from torch import Tensor, nn

from levelone.errors import LeveloneError
from levelone.quant.quantisers import Bias, SignedActivation, UnsignedActivation, Weight
from levelone.quant.scale import FixedScale, scale_of
from levelone.recipe import QuantSection

Pair = tuple[int, int]


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


class FloatLinear(nn.Module):
    """A convolution or dense layer and its batch normalisation, which `folded` merges.

    Parameters
    ----------
    linear
        `nn.Conv2d` or `nn.Linear`, with a bias.
    norm
        The normalisation of its output channels, or None.
    mask
        Zeros where a weight is absent; broadcast to the weight. Absent weights start at zero and get no
        gradient, so they are exactly zero for ever.
    """

    mask: Tensor | None

    def __init__(
        self, linear: nn.Conv2d | nn.Linear, norm: nn.Module | None, mask: Tensor | None = None
    ) -> None:
        super().__init__()
        self.linear = linear
        self.norm = norm
        _apply_mask(self.linear, mask)

    def forward(self, x: Tensor) -> Tensor:
        x = self.linear(x)
        return x if self.norm is None else self.norm(x)

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weight and bias (float32) of one linear layer equal to this one in evaluation mode.

        Computed in float64, rounded once.
        """
        weight = self.linear.weight.detach().double()
        bias = self.linear.bias.detach().double()  # type: ignore[union-attr]  # made with a bias, above
        if isinstance(self.norm, nn.BatchNorm1d | nn.BatchNorm2d):
            norm: Any = self.norm
            gain = norm.weight.detach().double() / torch.sqrt(norm.running_var.double() + norm.eps)
            weight = weight * gain.reshape(-1, *[1] * (weight.ndim - 1))
            bias = (bias - norm.running_mean.double()) * gain + norm.bias.detach().double()
        return weight.float(), bias.float()


class FloatLayers:
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


class QuantLayers:
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

    def _widths(self, name: str) -> dict[str, Any]:
        bits = self._quant.of(name)
        return {
            "weight_quant": Weight,
            "weight_bit_width": bits.weight,
            "bias_quant": Bias,
            "bias_bit_width": bits.bias,
        }


def linear_layers(network: nn.Module) -> dict[str, nn.Module]:
    """The convolutions and dense layers of a quantised network, by name, in order of definition."""
    kinds = (qnn.QuantConv2d, qnn.QuantLinear)
    return {name: layer for name, layer in network.named_children() if isinstance(layer, kinds)}


def activation_layers(network: nn.Module) -> dict[str, nn.Module]:
    """The input quantisers and activations of a quantised network, by name, in order of definition."""
    kinds = (qnn.QuantIdentity, qnn.QuantReLU)
    return {name: layer for name, layer in network.named_children() if isinstance(layer, kinds)}


def activation_scale(layer: nn.Module) -> FixedScale:
    """The scale of an input quantiser or activation."""
    return scale_of(layer.act_quant)  # type: ignore[arg-type]


def product_exponent(network: nn.Module, name: str) -> int:
    """The largest e such that 2**e divides every product of linear layer `name`, its bias and its sums."""
    layer = linear_layers(network)[name]
    sources = [activation_scale(network.get_submodule(source)).exponent for source in layer.sources]  # type: ignore[union-attr]
    return min(sources) + scale_of(layer.weight_quant).exponent  # type: ignore[arg-type]


def _wired(layer: nn.Module, sources: tuple[str, ...], mask: Tensor | None) -> nn.Module:
    layer.sources = sources  # type: ignore[assignment]
    _apply_mask(layer, mask)
    return layer


def _apply_mask(layer: nn.Module, mask: Tensor | None) -> None:
    if mask is None:
        return
    weight: Any = layer.weight
    with torch.no_grad():
        weight.mul_(mask)
    weight.register_hook(lambda gradient: gradient * mask)
