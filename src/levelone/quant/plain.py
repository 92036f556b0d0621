"""The words without weights and quantisers: pools, padding, upsampling, sums, products, joins, shapes."""

from __future__ import annotations

from torch import nn

from levelone.errors import LeveloneError
from levelone.quant.axes import Axes, Pads, axes_of
from levelone.quant.words import (
    Add,
    Around,
    AveragePool,
    Concat,
    Flatten,
    MaxPool,
    Multiply,
    Pad,
    Reshape,
    Upsample,
)


class PlainWords:
    """The same in both vocabularies; `levelone.quant.vocabulary` tells how many axes a layer has."""

    def max_pool(
        self,
        name: str,
        sources: tuple[str, ...],
        kernel: Axes,
        stride: Axes | None = None,
        padding: Pads | None = None,
    ) -> nn.Module:
        """The largest value of each window (stride: the kernel's size if None)."""
        return MaxPool(name, sources, kernel, stride or kernel, padding or (0,) * len(kernel))

    def average_pool(
        self,
        name: str,
        sources: tuple[str, ...],
        kernel: Axes,
        stride: Axes | None = None,
        padding: Pads | None = None,
    ) -> nn.Module:
        """The mean of each window, padding counted as zeros; put `quantise` (or an activation) behind it."""
        return AveragePool(name, sources, kernel, stride or kernel, padding or (0,) * len(kernel))

    def adaptive_max_pool(
        self, name: str, sources: tuple[str, ...], grid: Axes, size: Axes | None = None
    ) -> nn.Module:
        """The largest value of each of `size` equal blocks of a tensor of `grid` cells; None: of all cells.

        Raises
        ------
        LeveloneError
            If the grid cannot be divided into equal blocks.
        """
        return self.max_pool(name, sources, _blocks(name, grid, size))

    def adaptive_average_pool(
        self, name: str, sources: tuple[str, ...], grid: Axes, size: Axes | None = None
    ) -> nn.Module:
        """The mean of each of `size` equal blocks of a tensor of `grid` cells; see `average_pool`.

        Raises
        ------
        LeveloneError
            If the grid cannot be divided into equal blocks.
        """
        return self.average_pool(name, sources, _blocks(name, grid, size))

    def pad(self, name: str, sources: tuple[str, ...], padding: Pads, around: Around = "zeros") -> nn.Module:
        """The operand with cells around it.

        Raises
        ------
        LeveloneError
            If a number of cells is negative.
        """
        return Pad(name, sources, padding, around)

    def upsample(self, name: str, sources: tuple[str, ...], factors: Axes) -> nn.Module:
        """Every cell repeated `factors` times along each axis."""
        return Upsample(name, sources, factors)

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


def _blocks(name: str, grid: Axes, size: Axes | None) -> Axes:
    """Edges of the blocks into which `grid` is divided; firmware has windows of one size only."""
    size = size or (1,) * len(grid)
    axes_of(name, grid, size=size)
    if any(edge < 1 or n % edge for n, edge in zip(grid, size, strict=True)):
        have, wanted = ("x".join(map(str, shape)) for shape in (grid, size))
        raise LeveloneError(
            f"{name}: {have} cells cannot be pooled to {wanted} equal blocks",
            hint="choose a divisor along each axis, or pad first",
        )
    return tuple(n // edge for n, edge in zip(grid, size, strict=True))
