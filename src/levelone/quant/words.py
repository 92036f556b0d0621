"""Layers without weights and quantisers, the same in float and quantised, and what each knows of itself.

A layer knows the layers whose values it takes (`sources`); how the scale and the width of its result follow
from theirs, it answers itself (`levelone.quant.grids`, `levelone.quant.cost`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor, nn

from levelone.errors import LeveloneError
from levelone.quant.axes import Axes, Pads, axes_of, both_ends, split_padding, torch_order

Around = Literal["zeros", "reflect"]
"""What stands around a padded operand: zeros, or its own cells mirrored at its outermost ones."""

MOST_REPEATED = 32
"""Largest factor of `Upsample`."""

_MAX_POOL = (functional.max_pool1d, functional.max_pool2d, functional.max_pool3d)
_AVERAGE_POOL = (functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d)


class Word(nn.Module):
    """Base of the layers of this file.

    Parameters
    ----------
    sources
        Names of the layers whose values it takes, in order.
    """

    def __init__(self, sources: tuple[str, ...]) -> None:
        super().__init__()
        self.sources = sources

    def exponent(self, operands: Sequence[int]) -> int:
        """The e for which every result is a multiple of 2**e, if the operands are of 2**`operands`.

        Raises
        ------
        ValueError
            If there is none.
        """
        return min(operands)

    def widths(self, operands: Sequence[NDArray[np.int64]], channels: int) -> NDArray[np.int64]:
        """Bits of each of the result's `channels`, from those of each operand's: the widest one's."""
        return np.broadcast_to(np.max(np.broadcast_arrays(*operands), axis=0), (channels,))


class MaxPool(Word):
    """The largest code of each window; padding never wins.

    Raises
    ------
    LeveloneError
        If a window could lie in the padding altogether.
    """

    def __init__(
        self, name: str, sources: tuple[str, ...], kernel: Axes, stride: Axes, padding: Pads
    ) -> None:
        super().__init__(sources)
        self.rank = axes_of(name, kernel, stride=stride, padding=padding)
        if any(max(ends) >= k for ends, k in zip(both_ends(padding), kernel, strict=True)):
            raise LeveloneError(f"{name}: padding {padding} must be smaller than the kernel {kernel}")
        self.kernel, self.stride = kernel, stride
        self.padding, self.pads = split_padding(name, padding, most=tuple(k // 2 for k in kernel))

    def forward(self, x: Tensor) -> Tensor:
        """The exporter makes the padding part of the pool: see `levelone.quant.export`."""
        if self.pads is not None:
            x = functional.pad(x, self.pads, value=-math.inf)
        return _MAX_POOL[self.rank - 1](x, self.kernel, self.stride, self.padding)


class AveragePool(Word):
    """The mean of each window: the exact sum of codes divided by the number of cells of the window.

    Padding counts as zeros. The quotient is not rounded here: the quantiser behind this layer does that.
    """

    def __init__(
        self, name: str, sources: tuple[str, ...], kernel: Axes, stride: Axes, padding: Pads
    ) -> None:
        super().__init__(sources)
        self.name = name
        self.rank = axes_of(name, kernel, stride=stride, padding=padding)
        self.kernel, self.stride = kernel, stride
        self.padding, self.pads = split_padding(name, padding, most=tuple(k // 2 for k in kernel))
        self.cells = math.prod(kernel)

    def forward(self, x: Tensor) -> Tensor:
        if self.pads is not None:
            x = functional.pad(x, self.pads)
        pool = _AVERAGE_POOL[self.rank - 1]
        return pool(x, self.kernel, self.stride, self.padding, count_include_pad=True)

    def exponent(self, operands: Sequence[int]) -> int:
        if self.cells & (self.cells - 1):
            raise ValueError(f"{self.name}: a mean over {self.cells} cells lies on no power-of-two grid")
        return operands[0] - (self.cells.bit_length() - 1)


class Pad(Word):
    """Cells around an operand: zeros, or its own mirrored at the outermost ones, which are not repeated."""

    def __init__(self, name: str, sources: tuple[str, ...], padding: Pads, around: Around) -> None:
        super().__init__(sources)
        ends = both_ends(padding)
        axes_of(name, tuple(begin + 1 for begin, _ in ends))
        split_padding(name, padding)
        self.pads = torch_order(ends)
        self.mode = "constant" if around == "zeros" else "reflect"

    def forward(self, x: Tensor) -> Tensor:
        return functional.pad(x, self.pads, mode=self.mode)


class Upsample(Word):
    """Every cell repeated along each axis.

    torch divides places by the factor in single precision: up to `MOST_REPEATED` that never takes the wrong
    cell (at 41 it begins to).

    Raises
    ------
    LeveloneError
        If a factor is larger.
    """

    def __init__(self, name: str, sources: tuple[str, ...], factors: Axes) -> None:
        super().__init__(sources)
        axes_of(name, factors)
        if max(factors) > MOST_REPEATED:
            raise LeveloneError(f"{name}: factors {factors}; at most {MOST_REPEATED} per layer")
        self.factors = factors

    def forward(self, x: Tensor) -> Tensor:
        return functional.interpolate(x, scale_factor=[float(f) for f in self.factors], mode="nearest")


class Add(Word):
    """The sum of two values of equal shape; their scales may differ by powers of two."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return first + second


class Multiply(Word):
    """The product of two values; axes of length 1 are repeated (a gate per channel: [n, c, 1, ...])."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return first * second

    def exponent(self, operands: Sequence[int]) -> int:
        return sum(operands)


class Concat(Word):
    """Values joined along the channels."""

    def forward(self, *parts: Tensor) -> Tensor:
        return torch.cat(parts, dim=1)

    def widths(self, operands: Sequence[NDArray[np.int64]], channels: int) -> NDArray[np.int64]:
        return np.concatenate(operands)


class Flatten(Word):
    """Everything but the batch axis in one axis."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.flatten(x, 1)

    def widths(self, operands: Sequence[NDArray[np.int64]], channels: int) -> NDArray[np.int64]:
        return np.repeat(operands[0], channels // len(operands[0]))


class Reshape(Word):
    """[n, *shape] of the same numbers, for a gate that comes from dense layers."""

    def __init__(self, sources: tuple[str, ...], shape: tuple[int, ...]) -> None:
        super().__init__(sources)
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(-1, *self.shape)

    def widths(self, operands: Sequence[NDArray[np.int64]], channels: int) -> NDArray[np.int64]:
        one_by_one = np.repeat(operands[0], math.prod(self.shape) // len(operands[0]))
        return one_by_one.reshape(channels, -1).max(axis=1)
