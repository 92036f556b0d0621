"""What both vocabularies of layers have in common: the names of their words and what these mean."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn

from levelone.quant.linear import Pads, Pair, Triple
from levelone.quant.merging import NO_PADDING, WHOLE, Around
from levelone.quant.norm import Norm


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
        padding: Pads = NO_PADDING,
    ) -> nn.Module: ...
    def average_pool3d(
        self,
        name: str,
        sources: tuple[str, ...],
        kernel: Triple,
        stride: Triple | None = None,
        padding: Pads = NO_PADDING,
    ) -> nn.Module: ...
    def adaptive_max_pool3d(
        self, name: str, sources: tuple[str, ...], grid: Triple, size: Triple = WHOLE
    ) -> nn.Module: ...
    def adaptive_average_pool3d(
        self, name: str, sources: tuple[str, ...], grid: Triple, size: Triple = WHOLE
    ) -> nn.Module: ...
    def pad3d(
        self, name: str, sources: tuple[str, ...], padding: Pads, around: Around = "zeros"
    ) -> nn.Module: ...
    def add(self, name: str, sources: tuple[str, str]) -> nn.Module: ...
    def multiply(self, name: str, sources: tuple[str, str]) -> nn.Module: ...
    def concat(self, name: str, sources: tuple[str, ...]) -> nn.Module: ...
    def flatten(self, name: str, sources: tuple[str]) -> nn.Module: ...
    def reshape(self, name: str, sources: tuple[str], shape: tuple[int, ...]) -> nn.Module: ...
