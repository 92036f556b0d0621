"""Locally connected layers: convolutions whose kernel and bias differ from position to position.

PyTorch has no such layer. Here it is an unfold along each axis and one Einsum with the weights of all
positions, which trains as fast as a product of matrices for each of them, and which levelone's reader knows
as one operation. What it costs: as many times the weights of a convolution as it has positions.
"""

from __future__ import annotations

from math import prod, sqrt
from typing import Any

import torch
import torch.nn.functional as functional
from brevitas.nn.quant_layer import QuantWeightBiasInputOutputLayer
from torch import Tensor, nn

from levelone.errors import LeveloneError
from levelone.quant.axes import Axes, Pads, Pair, axes_of, both_ends, torch_order

_AXES, _TAPS = "dhw", "ijk"


class LocalShape:
    """What a locally connected layer is, its numbers left aside.

    Parameters
    ----------
    name
        Of the layer, for messages.
    channels
        In, out.
    grid
        Cells of the operand along each axis of space: unlike a convolution's, its weights belong to them.
    kernel, stride
        One number per axis.
    padding
        Zeros around each axis, the same at both ends or (begin, end).

    Raises
    ------
    LeveloneError
        If the numbers of axes differ, or the kernel does not fit.
    """

    def __init__(
        self,
        name: str,
        channels: Pair,
        grid: Axes,
        kernel: Axes,
        stride: Axes | None = None,
        padding: Pads | None = None,
    ) -> None:
        ones, zeros = (1,) * len(kernel), (0,) * len(kernel)
        self.channels, self.grid, self.kernel, self.stride = channels, grid, kernel, stride or ones
        axes_of(name, kernel, grid=grid, stride=self.stride, padding=padding or zeros)
        self.ends = both_ends(padding or zeros)
        if min(min(end) for end in self.ends) < 0 or min(self.stride) < 1:
            raise LeveloneError(f"{name}: padding {padding} or stride {stride} is too small")
        room = [n + sum(end) - k for n, end, k in zip(grid, self.ends, kernel, strict=True)]
        if min(room) < 0:
            raise LeveloneError(f"{name}: a kernel of {kernel} does not fit into {grid} padded by {padding}")
        self.positions: Axes = tuple(n // s + 1 for n, s in zip(room, self.stride, strict=True))

    @property
    def rank(self) -> int:
        """Axes of space."""
        return len(self.kernel)

    def parameters(self, *, bias: bool) -> tuple[nn.Parameter, nn.Parameter | None]:
        """Weights [out, in, *positions, *kernel] and biases [out, *positions], drawn as torch's layers do."""
        inputs, outputs = self.channels
        bound = 1 / sqrt(inputs * prod(self.kernel))
        weight = torch.empty(outputs, inputs, *self.positions, *self.kernel).uniform_(-bound, bound)
        offset = torch.empty(outputs, *self.positions).uniform_(-bound, bound)
        return nn.Parameter(weight), nn.Parameter(offset) if bias else None

    def summed(self, x: Tensor, weight: Tensor) -> Tensor:
        """The sums of products of [n, in, *grid], without biases: [n, out, *positions]."""
        if any(map(any, self.ends)):
            x = functional.pad(x, torch_order(self.ends))
        for axis, (k, s) in enumerate(zip(self.kernel, self.stride, strict=True), start=2):
            x = x.unfold(axis, k, s)
        where, taps = _AXES[: self.rank], _TAPS[: self.rank]
        return torch.einsum(f"nc{where}{taps},fc{where}{taps}->nf{where}", x, weight)


class LocallyConnected(nn.Module):
    """A locally connected layer in float, over one to three axes; see `LocalShape`."""

    def __init__(self, shape: LocalShape, *, bias: bool = True) -> None:
        super().__init__()
        self.shape = shape
        self.positions = shape.positions
        self.weight, self.bias = shape.parameters(bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """[n, in, *grid] -> [n, out, *positions]."""
        made = self.shape.summed(x, self.weight)
        return made if self.bias is None else made + self.bias


class QuantLocallyConnected(QuantWeightBiasInputOutputLayer, nn.Module):
    """A locally connected layer with Brevitas' quantisers, over one to three axes.

    Operands are quantised values as plain tensors, or as Brevitas' tensors; results are plain.

    Parameters
    ----------
    in_channels, out_channels
        Channels of operand and result.
    grid
        Cells of the operand along each axis.
    kernel_size, stride, padding
        As of `LocalShape`.
    bias
        Whether every position of every channel has one.
    quantisers
        Of Brevitas: ``weight_quant``, ``weight_bit_width``, ``bias_quant``, ``bias_bit_width``. Without
        ``weight_quant`` weights stay as they are, and so do biases without ``bias_quant``.

    Raises
    ------
    LeveloneError
        As `LocalShape`, and if a width is given without its quantiser.

    Examples
    --------
    >>> from brevitas.quant import Int8WeightPerTensorFixedPoint
    >>> bits = {"weight_quant": Int8WeightPerTensorFixedPoint, "weight_bit_width": 4}
    >>> layer = QuantLocallyConnected2d(8, 4, (6, 6), (3, 3), padding=(1, 1), **bits)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        grid: Axes,
        kernel_size: Axes,
        stride: Axes | None = None,
        padding: Pads | None = None,
        *,
        bias: bool = True,
        **quantisers: Any,
    ) -> None:
        nn.Module.__init__(self)
        channels = (in_channels, out_channels)
        self.shape = LocalShape(type(self).__name__, channels, grid, kernel_size, stride, padding)
        self.in_channels, self.out_channels, self.positions = *channels, self.shape.positions
        self.weight, self.bias = self.shape.parameters(bias=bias)
        given = {"weight_quant": None, "bias_quant": None, "return_quant_tensor": False} | quantisers
        for what in ("weight", "bias"):
            if f"{what}_bit_width" in given and given[f"{what}_quant"] is None:
                name = type(self).__name__
                raise LeveloneError(f"{name}: {what}_bit_width without {what}_quant quantises nothing")
        QuantWeightBiasInputOutputLayer.__init__(self, input_quant=None, output_quant=None, **given)

    @property
    def output_channel_dim(self) -> int:
        return 0

    @property
    def channelwise_separable(self) -> bool:
        return False

    def forward(self, x: Tensor) -> Tensor:
        """[n, in, *grid] -> [n, out, *positions]."""
        implementation: Any = self.forward_impl
        result: Tensor = implementation(getattr(x, "value", x))
        return result

    def inner_forward_impl(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The sum with quantised weights and biases."""
        made = self.shape.summed(x, getattr(weight, "value", weight))
        return made if bias is None else made + getattr(bias, "value", bias)


class QuantLocallyConnected2d(QuantLocallyConnected):
    """Over two axes: operands [n, channels, rows, columns]."""

    def __init__(self, in_channels: int, out_channels: int, grid: Pair, *sizes: Any, **more: Any) -> None:
        super().__init__(in_channels, out_channels, _of_rank(self, grid, 2), *sizes, **more)


class QuantLocallyConnected3d(QuantLocallyConnected):
    """Over three axes: operands [n, channels, depth, rows, columns]."""

    def __init__(self, in_channels: int, out_channels: int, grid: Axes, *sizes: Any, **more: Any) -> None:
        super().__init__(in_channels, out_channels, _of_rank(self, grid, 3), *sizes, **more)


def _of_rank(layer: nn.Module, grid: Axes, rank: int) -> Axes:
    if len(grid) != rank:
        raise LeveloneError(f"{type(layer).__name__}: a grid of {len(grid)} axes; it has {rank}")
    return grid
