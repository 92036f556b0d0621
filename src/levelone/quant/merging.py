"""Layers without parameters, the same in float and quantised: pools, sums, products, concatenations.

Each knows the layers whose values it takes (`sources`), which is how the scale of its result follows from
theirs (`levelone.quant.grids`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from levelone.quant.linear import Triple


class MaxPool3d(nn.MaxPool3d):
    """The largest code of each window; padding never wins."""

    def __init__(self, sources: tuple[str, ...], kernel: Triple, stride: Triple, padding: Triple) -> None:
        super().__init__(kernel, stride, padding)
        self.sources = sources


class AveragePool3d(nn.AvgPool3d):
    """The mean of each window: the exact sum of codes divided by the number of voxels of the window.

    Padding counts as zeros. The quotient is not rounded here: the quantiser behind this layer does that.
    """

    def __init__(self, sources: tuple[str, ...], kernel: Triple, stride: Triple, padding: Triple) -> None:
        super().__init__(kernel, stride, padding, count_include_pad=True)
        self.sources = sources
        self.voxels = kernel[0] * kernel[1] * kernel[2]


class Add(nn.Module):
    """The sum of two values of equal shape; their scales may differ by powers of two."""

    def __init__(self, sources: tuple[str, ...]) -> None:
        super().__init__()
        self.sources = sources

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return first + second


class Multiply(nn.Module):
    """The product of two values; axes of length 1 are repeated (a gate per channel: [n, c, 1, 1, 1])."""

    def __init__(self, sources: tuple[str, ...]) -> None:
        super().__init__()
        self.sources = sources

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return first * second


class Concat(nn.Module):
    """Values joined along the channels."""

    def __init__(self, sources: tuple[str, ...]) -> None:
        super().__init__()
        self.sources = sources

    def forward(self, *parts: Tensor) -> Tensor:
        return torch.cat(parts, dim=1)


class Flatten(nn.Module):
    """Everything but the batch axis in one axis."""

    def __init__(self, sources: tuple[str, ...]) -> None:
        super().__init__()
        self.sources = sources

    def forward(self, x: Tensor) -> Tensor:
        return torch.flatten(x, 1)


class Reshape(nn.Module):
    """[n, *shape] of the same numbers, for a gate that comes from dense layers."""

    def __init__(self, sources: tuple[str, ...], shape: tuple[int, ...]) -> None:
        super().__init__()
        self.sources = sources
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(-1, *self.shape)


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
