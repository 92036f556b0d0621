"""What both vocabularies of layers have in common: the names of their words and what these mean."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from levelone.quant.linear import Pads, Pair, Triple
from levelone.quant.merging import Merging
from levelone.quant.norm import Norm


class Layers(Merging, ABC):
    """Makes the layers of a network by name; those of `Merging` are the same in both vocabularies."""

    @abstractmethod
    def input(self, name: str, *, signed: bool) -> nn.Module:
        """The quantiser of an input port."""

    @abstractmethod
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

    @abstractmethod
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

    @abstractmethod
    def affine(self, name: str, sources: tuple[str, ...], channels: int, norm: Norm) -> nn.Module:
        """A normalisation alone, for the place in front of an activation."""

    @abstractmethod
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

    @abstractmethod
    def relu(self, layer: str) -> nn.Module:
        """The rectifier behind `layer`, with the quantiser of its result."""

    @abstractmethod
    def quantise(self, name: str, *, signed: bool) -> nn.Module:
        """A quantiser alone; nothing in the float twin."""

    @abstractmethod
    def swish(self, name: str) -> nn.Module:
        """``x * sigmoid(x)`` of a quantised value, with the (signed) quantiser of its result."""

    @abstractmethod
    def sigmoid(self, name: str) -> nn.Module:
        """The logistic function of a quantised value, with the (unsigned) quantiser of its result."""

    @abstractmethod
    def tanh(self, name: str) -> nn.Module:
        """The hyperbolic tangent of a quantised value, with the (signed) quantiser of its result."""
