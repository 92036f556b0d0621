"""Moving codes about without changing them: concatenate, reshape, transpose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph.ops._bounds import bounds, make_value, spread
from levelone.graph.ops._moving import Moving
from levelone.graph.values import Codes, Value


@dataclass(frozen=True)
class Concat(Moving):
    """Tensors one after the other along `axis` (counted without the batch axis, not negative)."""

    axis: int

    def infer(self, name: str, *inputs: Value) -> Value:
        first = inputs[0]
        rank = len(first.shape)
        if not 0 <= self.axis < rank or any(
            len(x.shape) != rank
            or any(
                m != n for i, (m, n) in enumerate(zip(x.shape, first.shape, strict=True)) if i != self.axis
            )
            for x in inputs
        ):
            shapes = ", ".join(str(x.shape) for x in inputs)
            raise LeveloneError(f"node {name}: cannot concatenate {shapes} along axis {self.axis}")
        shape = (
            *first.shape[: self.axis],
            sum(x.shape[self.axis] for x in inputs),
            *first.shape[self.axis + 1 :],
        )
        ends = [bounds(x) for x in inputs]
        if self.axis == rank - 1:
            scale: Sequence[Fraction] = first.scale
            if any(x.scale != first.scale or len(x.scale) > 1 for x in inputs):
                scale = [s for x in inputs for s in spread(x.scale, x.shape[-1])]
            lo, hi = (np.concatenate(side) for side in zip(*ends, strict=True))
            return make_value(name, shape, scale, (lo, hi))
        if any(x.scale != first.scale for x in inputs):
            raise LeveloneError(
                f"node {name}: concatenates different scales along a spatial axis: align them first"
            )
        lows, highs = (np.stack(side) for side in zip(*ends, strict=True))
        return make_value(name, shape, first.scale, (lows.min(axis=0), highs.max(axis=0)))

    def evaluate(self, *codes: Codes) -> Codes:
        return np.concatenate(codes, axis=self.axis + 1)


@dataclass(frozen=True)
class Take(Moving):
    """The elements at `indices` along `axis` (without the batch axis, not negative), in their order."""

    axis: int
    indices: tuple[int, ...]

    def infer(self, name: str, *inputs: Value) -> Value:
        (x,) = inputs
        if not 0 <= self.axis < len(x.shape) or not self.indices:
            raise LeveloneError(
                f"node {name}: takes {len(self.indices)} elements of axis {self.axis} of {x.shape}"
            )
        if min(self.indices) < 0 or max(self.indices) >= x.shape[self.axis]:
            raise LeveloneError(f"node {name}: takes elements outside axis {self.axis} of {x.shape}")
        shape = (*x.shape[: self.axis], len(self.indices), *x.shape[self.axis + 1 :])
        if self.axis < len(x.shape) - 1:
            return make_value(name, shape, x.scale, bounds(x))
        picked = np.array(self.indices)
        scale = spread(x.scale, x.shape[-1])
        reach = tuple(side[picked] for side in bounds(x))
        return make_value(name, shape, [scale[i] for i in self.indices], (reach[0], reach[1]))

    def evaluate(self, *codes: Codes) -> Codes:
        return np.take(codes[0], np.array(self.indices), axis=self.axis + 1)


@dataclass(frozen=True)
class Reshape(Moving):
    """The same codes in row-major (channels-last) order under another shape (without batch axis)."""

    shape: tuple[int, ...]

    def infer(self, name: str, *inputs: Value) -> Value:
        (x,) = inputs
        if prod(self.shape) != x.size:
            raise LeveloneError(f"node {name}: cannot reshape {x.name} {x.shape} to {self.shape}")
        return _moved(name, x, lambda index: index.reshape(self.shape))

    def evaluate(self, *codes: Codes) -> Codes:
        return codes[0].reshape(len(codes[0]), *self.shape)


@dataclass(frozen=True)
class Transpose(Moving):
    """Output axis ``i`` is input axis ``axes[i]`` (counted without the batch axis)."""

    axes: tuple[int, ...]

    def infer(self, name: str, *inputs: Value) -> Value:
        (x,) = inputs
        if sorted(self.axes) != list(range(len(x.shape))):
            raise LeveloneError(f"node {name}: axes {self.axes} for {x.name} of shape {x.shape}")
        return _moved(name, x, lambda index: index.transpose(self.axes))

    def evaluate(self, *codes: Codes) -> Codes:
        return np.ascontiguousarray(codes[0].transpose(0, *(a + 1 for a in self.axes)))


def _moved(name: str, x: Value, move: Callable[[NDArray[Any]], NDArray[Any]]) -> Value:
    """Type of a value whose codes are moved by `move`: follow each element's old channel."""
    channel = move(np.broadcast_to(np.arange(x.shape[-1]), x.shape))
    # [positions, new channels]: which old channels end up in each new one
    columns = channel.reshape(-1, channel.shape[-1])
    lo, hi = bounds(x)
    reach = (lo[columns].min(axis=0), hi[columns].max(axis=0))
    scales = spread(x.scale, x.shape[-1])
    if len(x.scale) > 1:
        number = {s: i for i, s in enumerate(dict.fromkeys(scales))}
        label = np.array([number[s] for s in scales])[columns]
        if (label != label[0]).any():
            raise UnsupportedError(
                f"node {name}: moves channels of {x.name}, which have different scales, onto spatial axes",
                hint="use one scale per tensor before this reshape or transpose",
            )
        scales = tuple(scales[i] for i in columns[0])
    return make_value(name, channel.shape, scales, reach)
