"""Layers with weights: convolutions, dense layers and normalisations of the float twin, and quantised."""

from __future__ import annotations

from typing import Any

import brevitas.nn as qnn
import torch
import torch.nn.functional as functional
from brevitas.nn.quant_layer import QuantWeightBiasInputOutputLayer
from torch import Tensor, nn

from levelone.quant.norm import norm_affine

Pair = tuple[int, int]
Triple = tuple[int, int, int]
Pads = Triple | tuple[Pair, Pair, Pair]
"""Zeros around three axes: the same at both ends, or (begin, end) for each axis."""


class FloatLinear(nn.Module):
    """A convolution or dense layer and its batch normalisation, which `folded` merges.

    Parameters
    ----------
    linear
        `nn.Conv2d`, `nn.Conv3d` or `nn.Linear`.
    norm
        The normalisation of its output channels, or None.
    mask
        Zeros where a weight is absent; broadcast to the weight. Absent weights start at zero and get no
        gradient, so they are exactly zero for ever.
    pads
        Zeros put around the operand first, in the order of `torch.nn.functional.pad`.
    """

    mask: Tensor | None

    def __init__(
        self,
        linear: nn.Conv2d | nn.Conv3d | nn.Linear,
        norm: nn.Module | None,
        mask: Tensor | None = None,
        pads: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__()
        self.linear = linear
        self.norm = norm
        self.pads = pads
        apply_mask(self.linear, mask)

    def forward(self, x: Tensor) -> Tensor:
        x = self.linear(x if self.pads is None else functional.pad(x, self.pads))
        return x if self.norm is None else self.norm(x)

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weight and bias (float32) of one linear layer equal to this one in evaluation mode.

        Computed in float64, rounded once.
        """
        weight = self.linear.weight.detach().double()
        bias = torch.zeros(len(weight), dtype=torch.float64)
        if self.linear.bias is not None:
            bias = self.linear.bias.detach().double()
        if self.norm is not None:
            gain, offset = norm_affine(self.norm)
            weight = weight * gain.reshape(-1, *[1] * (weight.ndim - 1))
            bias = bias * gain + offset
        return weight.float(), bias.float()


class FloatAffine(nn.Module):
    """A normalisation that stands alone, in front of an activation."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.norm(x)
        return result

    def folded(self) -> tuple[Tensor, Tensor]:
        """Gain and offset (float32, [channels, 1, 1, 1]) in evaluation mode."""
        gain, offset = norm_affine(self.norm)
        return gain.float().reshape(-1, 1, 1, 1), offset.float().reshape(-1, 1, 1, 1)


class QuantAffine(QuantWeightBiasInputOutputLayer, nn.Module):
    """``gain * x + offset`` per channel of [n, channels, z, y, x]: a normalisation as exact arithmetic.

    Gain and offset are quantised like the weight and bias of a convolution, so the result is a multiple of a
    power of two; the integer graph merges both into the next requantisation.
    """

    def __init__(self, channels: int, **quantisers: Any) -> None:
        nn.Module.__init__(self)
        self.weight = nn.Parameter(torch.ones(channels, 1, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1, 1))
        self.out_channels = channels
        QuantWeightBiasInputOutputLayer.__init__(
            self, input_quant=None, output_quant=None, return_quant_tensor=False, **quantisers
        )

    @property
    def output_channel_dim(self) -> int:
        return 0

    @property
    def channelwise_separable(self) -> bool:
        return True

    def forward(self, x: Tensor) -> Tensor:
        implementation: Any = self.forward_impl
        result: Tensor = implementation(x)
        return result

    def inner_forward_impl(self, x: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
        """`x` times quantised `gain` plus quantised `offset`."""
        return x * gain + offset


class QuantConv3d(qnn.QuantConv3d):
    """Brevitas' convolution, with zeros put around the operand first where the two ends differ."""

    def __init__(self, *args: Any, pads: tuple[int, ...] | None = None, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.pads = pads

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = super().forward(x if self.pads is None else functional.pad(x, self.pads))
        return result


def split_padding(padding: Pads) -> tuple[Triple, tuple[int, ...] | None]:
    """(padding of the convolution, zeros put around its operand before it)."""
    ends = [(p, p) if isinstance(p, int) else p for p in padding]
    if all(begin == end for begin, end in ends):
        return (ends[0][0], ends[1][0], ends[2][0]), None
    return (0, 0, 0), tuple(n for pair in reversed(ends) for n in pair)


def apply_mask(layer: nn.Module, mask: Tensor | None) -> None:
    """Zero the weights that `mask` leaves out, and their gradients."""
    if mask is None:
        return
    weight: Any = layer.weight
    with torch.no_grad():
        weight.mul_(mask)
    weight.register_hook(lambda gradient: gradient * mask)


def fix_weights(conv: nn.Module, weights: Tensor | None) -> None:
    """Give a convolution weights that are never trained."""
    if weights is None:
        return
    weight: Any = conv.weight
    with torch.no_grad():
        weight.copy_(weights)
    weight.requires_grad_(False)
