"""Layers with weights: convolutions, dense layers and normalisations of the float twin, and quantised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import brevitas.nn as qnn
import torch
import torch.nn.functional as functional
from brevitas.nn.quant_layer import QuantWeightBiasInputOutputLayer
from torch import Tensor, nn

from levelone.errors import LeveloneError
from levelone.quant.axes import Axes, Pads, Pair, axes_of, split_padding
from levelone.quant.norm import norm_affine


@dataclass(frozen=True)
class ConvShape:
    """What a convolution is, its numbers left aside.

    Parameters
    ----------
    channels
        In, out.
    pads
        Zeros put around the operand before the layer, in the order of `torch.nn.functional.pad`.
    transposed
        Whether it is a transposed convolution.
    arguments
        Of torch's and Brevitas' classes alike: kernel_size, stride, padding, dilation, groups.
    """

    channels: Pair
    pads: tuple[int, ...] | None
    transposed: bool
    arguments: dict[str, Any]

    @staticmethod
    def of(
        name: str,
        channels: Pair,
        kernel: Axes,
        stride: Axes | None,
        padding: Pads | None,
        *,
        dilation: Axes | None,
        groups: int,
        transposed: bool = False,
        output_padding: Axes | None = None,
    ) -> ConvShape:
        """Checked, with the defaults filled in; see `levelone.quant.vocabulary.Layers.conv`."""
        ones, zeros = (1,) * len(kernel), (0,) * len(kernel)
        stride, dilation, padding = stride or ones, dilation or ones, padding or zeros
        axes_of(name, kernel, stride=stride, padding=padding, dilation=dilation)
        if groups < 1 or channels[0] % groups or channels[1] % groups:
            raise LeveloneError(f"{name}: {channels[0]} and {channels[1]} channels in {groups} groups")
        inside, pads = split_padding(name, padding)
        sizes = {"kernel_size": kernel, "stride": stride, "dilation": dilation, "groups": groups}
        if transposed:
            sizes["output_padding"] = output_padding or zeros
            axes_of(name, kernel, output_padding=output_padding or zeros)
            if pads is not None:
                raise LeveloneError(f"{name}: a transposed convolution cuts off the same at both ends")
        return ConvShape(channels, pads, transposed, {**sizes, "padding": inside})

    @property
    def rank(self) -> int:
        """Axes of space."""
        return len(self.arguments["kernel_size"])

    def in_float(self, *, bias: bool) -> nn.Module:
        """Torch's layer, without `pads`."""
        kinds = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
        kind = (kinds if self.transposed else (nn.Conv1d, nn.Conv2d, nn.Conv3d))[self.rank - 1]
        return kind(*self.channels, bias=bias, **self.arguments)

    def quantised(self, *, bias: bool, **widths: Any) -> nn.Module:
        """Brevitas' layer, which puts `pads` around its operand."""
        kinds = (qnn.QuantConvTranspose1d, qnn.QuantConvTranspose2d, qnn.QuantConvTranspose3d)
        kind = (kinds if self.transposed else (QuantConv1d, QuantConv2d, QuantConv3d))[self.rank - 1]
        layer: nn.Module = kind(*self.channels, bias=bias, **self.arguments, **widths)
        layer.pads = self.pads  # type: ignore[assignment]
        return layer


class FloatLinear(nn.Module):
    """A convolution or dense layer and its batch normalisation, which `folded` merges.

    Parameters
    ----------
    linear
        torch's convolution, transposed convolution or `nn.Linear`, or a locally connected layer.
    norm
        The normalisation of its output channels, or None.
    pads
        Zeros put around the operand first, in the order of `torch.nn.functional.pad`.
    """

    def __init__(
        self, linear: nn.Module, norm: nn.Module | None, pads: tuple[int, ...] | None = None
    ) -> None:
        super().__init__()
        self.linear = linear
        self.norm = norm
        self.pads = pads

    def forward(self, x: Tensor) -> Tensor:
        x = self.linear(x if self.pads is None else functional.pad(x, self.pads))
        return x if self.norm is None else self.norm(x)

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weight and bias (float32) of one linear layer equal to this one in evaluation mode.

        Computed in float64, rounded once.
        """
        linear: Any = self.linear
        weight = linear.weight.detach().double()
        transposed = getattr(linear, "transposed", False)
        outputs = linear.out_channels if transposed else len(weight)
        bias = torch.zeros(outputs, *getattr(linear, "positions", ()), dtype=torch.float64)
        if linear.bias is not None:
            bias = linear.bias.detach().double()
        if self.norm is not None:
            gain, offset = norm_affine(self.norm)
            along = (-1, *[1] * (bias.ndim - 1))
            bias = bias * gain.reshape(along) + offset.reshape(along)
            # [groups, in / groups, out / groups, *kernel], or [out, in / groups, *kernel]
            split = weight.reshape(linear.groups, -1, *weight.shape[1:]) if transposed else weight
            lead = (linear.groups, 1, -1) if transposed else (-1, 1)
            gains = gain.reshape(*lead, *[1] * (split.ndim - len(lead)))
            weight = (split * gains).reshape(weight.shape)
        return weight.float(), bias.float()


def parameter_of(layer: nn.Module, name: str) -> nn.Parameter:
    """The "weight" or "bias" of a layer with weights, of the float twin or quantised."""
    return (layer.linear if isinstance(layer, FloatLinear) else layer).get_parameter(name)


class FloatAffine(nn.Module):
    """A normalisation that stands alone, in front of an activation."""

    def __init__(self, norm: nn.Module, axes: int) -> None:
        super().__init__()
        self.norm = norm
        self.axes = axes

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.norm(x)
        return result

    def folded(self) -> tuple[Tensor, Tensor]:
        """Gain and offset (float32, [channels, 1, ...]) in evaluation mode."""
        gain, offset = (t.float().reshape(-1, *[1] * self.axes) for t in norm_affine(self.norm))
        return gain, offset


class QuantAffine(QuantWeightBiasInputOutputLayer, nn.Module):
    """``gain * x + offset`` per channel of [n, channels, ...]: a normalisation as exact arithmetic.

    Gain and offset are quantised like the weight and bias of a convolution, so the result is a multiple of a
    power of two; the integer graph merges both into the next requantisation.
    """

    def __init__(self, channels: int, axes: int, **quantisers: Any) -> None:
        nn.Module.__init__(self)
        self.weight = nn.Parameter(torch.ones(channels, *[1] * axes))
        self.bias = nn.Parameter(torch.zeros(channels, *[1] * axes))
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


class _Padded:
    """A convolution of Brevitas that puts zeros around its operand first where the two ends differ."""

    pads: tuple[int, ...] | None

    def forward(self, x: Tensor) -> Tensor:
        of_brevitas: Any = super()
        result: Tensor = of_brevitas.forward(x if self.pads is None else functional.pad(x, self.pads))
        return result


class QuantConv1d(_Padded, qnn.QuantConv1d):
    """See `_Padded`."""


class QuantConv2d(_Padded, qnn.QuantConv2d):
    """See `_Padded`."""


class QuantConv3d(_Padded, qnn.QuantConv3d):
    """See `_Padded`."""


def apply_mask(layer: nn.Module, mask: Tensor | None) -> None:
    """Zero the weights that `mask` (broadcast to the weight) leaves out, for ever: they get no gradient."""
    if mask is None:
        return
    weight: Any = layer.weight
    with torch.no_grad():
        weight.mul_(mask)
    weight.register_hook(lambda gradient: gradient * mask)


def fix_weights(layer: nn.Module, weights: Tensor | None) -> None:
    """Give a layer weights that are never trained."""
    if weights is None:
        return
    weight: Any = layer.weight
    with torch.no_grad():
        weight.copy_(weights)
    weight.requires_grad_(False)
