"""The words of which networks are made, and what they mean; every word in one, two and three dimensions.

How many axes of space a layer has is said by the length of what it is given along them (kernel, factors,
grid, padding), and by nothing else: ``kernel=(3, 3)`` is a convolution in two dimensions. Only `affine`,
which is given nothing of the kind, is told by a number.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from levelone.quant.axes import Axes, Pads, Pair
from levelone.quant.linear import ConvShape
from levelone.quant.local import LocalShape
from levelone.quant.norm import Norm
from levelone.quant.plain import PlainWords


class Layers(PlainWords, ABC):
    """Makes the layers of a network by name; the words of `PlainWords` are the same in both vocabularies."""

    @abstractmethod
    def input(self, name: str, *, signed: bool, port: str | None = None) -> nn.Module:
        """The quantiser of an input port.

        Parameters
        ----------
        port
            Whose width it takes: that of `name` without ``_q`` if None. Of ports that share it, any.
        """

    @abstractmethod
    def quantise(self, name: str, *, signed: bool) -> nn.Module:
        """A quantiser alone; nothing in the float twin."""

    def conv(
        self,
        name: str,
        sources: tuple[str, ...],
        channels: Pair,
        kernel: Axes,
        stride: Axes | None = None,
        padding: Pads | None = None,
        *,
        dilation: Axes | None = None,
        groups: int = 1,
        bias: bool = True,
        norm: Norm | None = "batch",
        mask: Tensor | None = None,
        fixed: Tensor | None = None,
    ) -> nn.Module:
        """A convolution (in, out `channels`) of the values of the layers named `sources`.

        Parameters
        ----------
        kernel, stride, dilation
            One number per axis of space; strides and dilations are 1 if not given.
        padding
            Zeros around each axis, the same at both ends or (begin, end); none if not given.
        groups
            Of channels that do not see each other; as many as input channels: depthwise.
        bias, norm
            `norm` is folded into the quantised layer, which then has a bias in any case.
        mask
            Zeros where a weight is absent, broadcast to the weights [out, in / groups, *kernel].
        fixed
            Weights that are never trained.

        Raises
        ------
        LeveloneError
            If the numbers of axes differ, or the groups do not divide the channels.
        """
        shape = ConvShape.of(name, channels, kernel, stride, padding, dilation=dilation, groups=groups)
        return self._conv(name, sources, shape, bias=bias, norm=norm, mask=mask, fixed=fixed)

    def transposed_conv(
        self,
        name: str,
        sources: tuple[str, ...],
        channels: Pair,
        kernel: Axes,
        stride: Axes | None = None,
        padding: Axes | None = None,
        *,
        output_padding: Axes | None = None,
        dilation: Axes | None = None,
        groups: int = 1,
        bias: bool = True,
        norm: Norm | None = "batch",
        mask: Tensor | None = None,
        fixed: Tensor | None = None,
    ) -> nn.Module:
        """A transposed convolution, which undoes the shape of a convolution: see `conv`.

        Parameters
        ----------
        padding
            How much is cut off at both ends of each axis.
        output_padding
            How much less is cut off at the end of each axis.
        mask, fixed
            For weights [in, out / groups, *kernel].
        """
        shape = ConvShape.of(
            name,
            channels,
            kernel,
            stride,
            padding,
            dilation=dilation,
            groups=groups,
            transposed=True,
            output_padding=output_padding,
        )
        return self._conv(name, sources, shape, bias=bias, norm=norm, mask=mask, fixed=fixed)

    @abstractmethod
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
        """Either convolution."""

    def local_conv(
        self,
        name: str,
        sources: tuple[str, ...],
        channels: Pair,
        grid: Axes,
        kernel: Axes,
        stride: Axes | None = None,
        padding: Pads | None = None,
        *,
        bias: bool = True,
        norm: Norm | None = "batch",
    ) -> nn.Module:
        """A locally connected layer: a convolution with other weights and biases at every position.

        Parameters
        ----------
        grid
            Cells of the operand along each axis of space; the rest is that of `conv`, weights
            [out, in, *positions, *kernel]. `norm` is that of channels.

        Raises
        ------
        LeveloneError
            If the numbers of axes differ, or the kernel does not fit into the grid.
        """
        shape = LocalShape(name, channels, grid, kernel, stride, padding)
        return self._local_conv(name, sources, shape, bias=bias, norm=norm)

    @abstractmethod
    def _local_conv(
        self, name: str, sources: tuple[str, ...], shape: LocalShape, *, bias: bool, norm: Norm | None
    ) -> nn.Module:
        """A locally connected layer."""

    @abstractmethod
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
        """A fully connected layer (in, out `features`); the rest is that of `conv`, weights [out, in]."""

    @abstractmethod
    def affine(self, name: str, sources: tuple[str, ...], channels: int, norm: Norm, axes: int) -> nn.Module:
        """A normalisation alone of [n, channels] with so many `axes` of space behind (0 to 3)."""

    @abstractmethod
    def relu(self, layer: str) -> nn.Module:
        """The rectifier behind `layer`, with the quantiser of its result."""

    @abstractmethod
    def swish(self, name: str) -> nn.Module:
        """``x * sigmoid(x)`` of a quantised value, with the (signed) quantiser of its result."""

    @abstractmethod
    def sigmoid(self, name: str) -> nn.Module:
        """The logistic function of a quantised value, with the (unsigned) quantiser of its result."""

    @abstractmethod
    def tanh(self, name: str) -> nn.Module:
        """The hyperbolic tangent of a quantised value, with the (signed) quantiser of its result."""


def words() -> list[str]:
    """The names of all words."""
    return sorted(name for name in dir(Layers) if not name.startswith("_"))
