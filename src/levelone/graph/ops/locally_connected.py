"""A convolution whose kernel differs from position to position: nothing is shared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph.operation import Index
from levelone.graph.ops._bounds import bounds, dot_bounds, dot_dtype, make_value, scaled, spread
from levelone.graph.ops._sliding import SlidingSum
from levelone.graph.values import Codes, Value


@dataclass(frozen=True, eq=False)
class LocallyConnected(SlidingSum):
    """``acc = step * sum(x * weights[position]) + bias[position]``, zero padded.

    Attributes are those of `SlidingSum`; the positions of the output come first in weights and bias.
    """

    def __post_init__(self) -> None:
        if self.weights.ndim != 2 * len(self.stride) + 2:
            raise ValueError(f"weights {self.weights.shape} of a window over {len(self.stride)} axes")
        super().__post_init__()

    @property
    def own(self) -> Index:
        return self.weights.shape[: len(self.stride)]

    def alive(self, spatial: Index) -> NDArray[np.bool_]:
        """Which taps meet data, where the operand has these axes: bool [*own, *kernel]."""
        rank, result = len(spatial), np.ones((), dtype=bool)
        for mask in self.window.inside(spatial, self.own):
            result = result[..., None, None] & mask
        order = [*range(0, 2 * rank, 2), *range(1, 2 * rank, 2)]
        return result.transpose(order)

    def infer(self, name: str, *inputs: Value) -> Value:
        (x,) = inputs
        (per_group, channels), out = self.weights.shape[-2:], self.positions(name, x)
        if out != self.own:
            raise LeveloneError(
                f"node {name}: kernels for positions {self.own}, but its window has {out} in {x.name} "
                f"of shape {x.shape}"
            )
        # padding contributes exactly zero, so only the taps that meet data count
        live = np.where(self.alive(x.shape[:-1])[..., None, None], self.weights, 0)
        flat = live.reshape(prod(out), -1, per_group, channels)
        taps, (lo, hi) = flat.shape[1], bounds(x)
        lows: list[NDArray[Any]] = []
        highs: list[NDArray[Any]] = []
        for i, o in self.group_slices():
            columns = flat[..., o].transpose(1, 2, 0, 3).reshape(taps * per_group, -1)
            ends = dot_bounds(columns, (np.tile(lo[i], taps), np.tile(hi[i], taps)))
            for side, found in zip((lows, highs), ends, strict=True):
                side.append(found.reshape(prod(out), -1))
        reach = (np.concatenate(lows, axis=1), np.concatenate(highs, axis=1))
        low, high = scaled(reach, self.step, self.bias.reshape(-1, channels))
        return make_value(name, (*out, channels), self._scale(name, x), (low.min(axis=0), high.max(axis=0)))

    def _scale(self, name: str, x: Value) -> tuple[Fraction, ...]:
        if len(set(x.scale)) != 1:
            raise UnsupportedError(f"node {name}: sums channels of {x.name} that have different scales")
        weight = spread(self.weight_scale, self.weights.shape[-1])
        return tuple(x.scale[0] * w / self.step for w in weight)

    def evaluate(self, *codes: Codes) -> Codes:
        (x,) = codes
        dtype = dot_dtype(self.weights, x, self.step, self.bias)
        positions, (width, channels) = prod(self.own), self.weights.shape[-2:]
        # [position, event, tap, channel in] and [position, tap, channel in / groups, channel out]
        windows = np.stack(list(self.views(x.astype(dtype))), axis=-2)
        windows = windows.reshape(len(x), positions, -1, x.shape[-1]).transpose(1, 0, 2, 3)
        weights: NDArray[Any] = self.weights.astype(dtype).reshape(positions, -1, width, channels)
        total: NDArray[Any] = np.empty((positions, len(x), channels), dtype=dtype)
        for i, o in self.group_slices():
            seen = windows[..., i].reshape(positions, len(x), -1)
            total[..., o] = seen @ weights[..., o].reshape(positions, seen.shape[-1], -1)
        made = total.transpose(1, 0, 2).reshape(len(x), *self.own, channels)
        return made * self.step + self.bias.astype(dtype)

    def weighted(self, operand: Codes) -> Iterator[Codes]:
        views = list(self.views(operand))
        for position in np.ndindex(self.own):
            for view in views:
                yield view[(slice(None), *position)][:, None, :]
