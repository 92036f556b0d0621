"""Layers without parameters, the same in float and quantised: pools, sums, products, concatenations.

Each knows the layers whose values it takes (`sources`), which is how the scale of its result follows from
theirs (`levelone.quant.grids`).
"""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from levelone.errors import LeveloneError
from levelone.quant.linear import Pads, Triple, split_padding

Around = Literal["zeros", "reflect"]
"""What stands around a padded operand: zeros, or its own voxels mirrored at its outermost ones."""


class MaxPool3d(nn.MaxPool3d):
    """The largest code of each window; padding never wins."""

    def __init__(self, sources: tuple[str, ...], kernel: Triple, stride: Triple, padding: Pads) -> None:
        inside, pads = split_padding(padding)
        super().__init__(kernel, stride, inside)
        self.sources = sources
        self.pads = pads

    def forward(self, x: Tensor) -> Tensor:
        """The exporter makes the padding part of the pool: see `levelone.quant.export`."""
        if self.pads is not None:
            x = functional.pad(x, self.pads, value=-math.inf)
        result: Tensor = super().forward(x)
        return result


class AveragePool3d(nn.AvgPool3d):
    """The mean of each window: the exact sum of codes divided by the number of voxels of the window.

    Padding counts as zeros. The quotient is not rounded here: the quantiser behind this layer does that.
    """

    def __init__(self, sources: tuple[str, ...], kernel: Triple, stride: Triple, padding: Pads) -> None:
        inside, pads = split_padding(padding)
        super().__init__(kernel, stride, inside, count_include_pad=True)
        self.sources = sources
        self.pads = pads
        self.voxels = kernel[0] * kernel[1] * kernel[2]

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = super().forward(x if self.pads is None else functional.pad(x, self.pads))
        return result


class Pad3d(nn.Module):
    """Voxels around an operand: zeros, or its own mirrored at the outermost ones, which are not repeated."""

    def __init__(self, sources: tuple[str, ...], padding: Pads, around: Around) -> None:
        super().__init__()
        ends = [(p, p) if isinstance(p, int) else p for p in padding]
        if min(min(pair) for pair in ends) < 0:
            raise LeveloneError(f"padding {padding}: numbers of voxels, none negative")
        self.sources = sources
        self.pads = tuple(n for pair in reversed(ends) for n in pair)
        self.mode = "constant" if around == "zeros" else "reflect"

    def forward(self, x: Tensor) -> Tensor:
        return functional.pad(x, self.pads, mode=self.mode)


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
WHOLE: Triple = (1, 1, 1)
"""A grid of one block: global pooling."""


class Merging:
    """The layers that are the same in both vocabularies."""

    def max_pool3d(
        self,
        name: str,
        sources: tuple[str, ...],
        kernel: Triple,
        stride: Triple | None = None,
        padding: Pads = NO_PADDING,
    ) -> nn.Module:
        """The largest value of each window (stride: the kernel's size if None)."""
        return MaxPool3d(sources, kernel, stride or kernel, padding)

    def average_pool3d(
        self,
        name: str,
        sources: tuple[str, ...],
        kernel: Triple,
        stride: Triple | None = None,
        padding: Pads = NO_PADDING,
    ) -> nn.Module:
        """The mean of each window, padding counted as zeros; put `quantise` (or an activation) behind it."""
        return AveragePool3d(sources, kernel, stride or kernel, padding)

    def adaptive_max_pool3d(
        self, name: str, sources: tuple[str, ...], grid: Triple, size: Triple = WHOLE
    ) -> nn.Module:
        """The largest value of each of `size` equal blocks of a tensor of `grid` voxels; one block: global.

        Raises
        ------
        LeveloneError
            If the grid cannot be divided into equal blocks.
        """
        block = _blocks(name, grid, size)
        return MaxPool3d(sources, block, block, NO_PADDING)

    def adaptive_average_pool3d(
        self, name: str, sources: tuple[str, ...], grid: Triple, size: Triple = WHOLE
    ) -> nn.Module:
        """The mean of each of `size` equal blocks of a tensor of `grid` voxels; see `average_pool3d`.

        Raises
        ------
        LeveloneError
            If the grid cannot be divided into equal blocks.
        """
        block = _blocks(name, grid, size)
        return AveragePool3d(sources, block, block, NO_PADDING)

    def pad3d(
        self, name: str, sources: tuple[str, ...], padding: Pads, around: Around = "zeros"
    ) -> nn.Module:
        """The operand with voxels around it.

        Raises
        ------
        LeveloneError
            If a number of voxels is negative.
        """
        return Pad3d(sources, padding, around)

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


def _blocks(name: str, grid: Triple, size: Triple) -> Triple:
    """Edges of the blocks into which `grid` is divided; firmware has windows of one size only."""
    if any(n < 1 or edge < 1 or n % edge for n, edge in zip(grid, size, strict=True)):
        raise LeveloneError(
            f"{name}: {grid[0]}x{grid[1]}x{grid[2]} voxels cannot be pooled to "
            f"{size[0]}x{size[1]}x{size[2]} equal blocks",
            hint="choose a divisor along each axis, or pad first",
        )
    return grid[0] // size[0], grid[1] // size[1], grid[2] // size[2]
