"""Convolution (cross-correlation, as in ONNX) over any number of spatial axes."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph.ir import Codes, Value
from levelone.graph.ops._bounds import (
    bounds,
    dot_bounds,
    dot_dtype,
    make_value,
    read_only,
    scaled,
    spread,
)
from levelone.graph.ops._window import Index, Pads, Window

MOST_WORK = 2**28
"""Weights times border cases beyond which ranges are bounded without looking at each."""


@dataclass(frozen=True, eq=False)
class Conv:
    """``acc = step * sum(x * weights) + bias``, zero padded.

    Attributes
    ----------
    weights
        int64 [*kernel, channels in / groups, channels out].
    bias
        int64 [channels out], on the accumulator's grid.
    weight_scale
        Real weight = code * scale; one entry, or one per output channel.
    stride, dilation
        One entry per spatial axis.
    pads
        (begin, end) per spatial axis.
    groups
        Output channel ``j`` sees input channels of group ``j // (channels out / groups)``.
    step
        Product grid divided by accumulator grid: more than 1 where the bias is finer than the products.
    """

    weights: NDArray[np.int64]
    bias: NDArray[np.int64]
    weight_scale: tuple[Fraction, ...]
    stride: Index
    pads: Pads
    dilation: Index
    groups: int = 1
    step: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", read_only(self.weights))
        object.__setattr__(self, "bias", read_only(self.bias))
        if self.bias.shape != self.weights.shape[-1:] or self.step < 1:
            raise ValueError(f"bias {self.bias.shape} for weights {self.weights.shape}, step {self.step}")
        if self.groups < 1 or self.weights.shape[-1] % self.groups:
            raise ValueError(f"{self.weights.shape[-1]} output channels in {self.groups} groups")
        if len(self.weight_scale) not in (1, self.weights.shape[-1]):
            raise ValueError(f"{len(self.weight_scale)} weight scales for {self.weights.shape[-1]} channels")
        self.window  # noqa: B018  (validates the geometry)

    @property
    def window(self) -> Window:
        return Window(self.weights.shape[:-2], self.stride, self.pads, self.dilation)

    def infer(self, name: str, *inputs: Value) -> Value:
        (x,) = inputs
        per_group, channels = self.weights.shape[-2:]
        if x.shape[-1] != per_group * self.groups:
            raise LeveloneError(
                f"node {name}: weights for {per_group * self.groups} input channels, "
                f"but {x.name} has {x.shape[-1]}"
            )
        out = self.window.output_shape(name, x.shape[:-1])
        lo, hi = bounds(x)
        low: NDArray[Any] | None = None
        high: NDArray[Any] | None = None
        footprints = self.window.footprints(x.shape[:-1], out)
        if self.window.regions(out) * self.weights.size > MOST_WORK and any(map(any, self.pads)):
            # too many cases to look at: let every operand be 0 anywhere, which is wider but as sound
            lo, hi = np.minimum(lo, 0), np.maximum(hi, 0)
            footprints = iter([np.ones(self.window.kernel, dtype=bool)])
        for footprint in footprints:
            # Padding contributes exactly zero there, so only the taps that meet data count.
            live = self.weights[footprint]  # [taps, channels in / groups, channels out]
            ends = [
                dot_bounds(
                    live[..., o].reshape(-1, o.stop - o.start),
                    (np.tile(lo[i], len(live)), np.tile(hi[i], len(live))),
                )
                for i, o in self.group_slices()
            ]
            a, b = (np.concatenate(side) for side in zip(*ends, strict=True))
            low = a if low is None else np.minimum(low, a)
            high = b if high is None else np.maximum(high, b)
        assert low is not None and high is not None  # noqa: S101  (a window has at least one position)
        return make_value(
            name, (*out, channels), self._scale(name, x), scaled((low, high), self.step, self.bias)
        )

    def group_slices(self) -> list[tuple[slice, slice]]:
        """(input channels, output channels) of every group."""
        i, o = self.weights.shape[-2], self.weights.shape[-1] // self.groups
        return [(slice(g * i, (g + 1) * i), slice(g * o, (g + 1) * o)) for g in range(self.groups)]

    def _scale(self, name: str, x: Value) -> tuple[Fraction, ...]:
        source = spread(x.scale, x.shape[-1])
        weight = spread(self.weight_scale, self.weights.shape[-1])
        result: list[Fraction] = []
        for i, o in self.group_slices():
            if len(set(source[i])) != 1:
                raise UnsupportedError(f"node {name}: sums channels of {x.name} that have different scales")
            result += [source[i][0] * w / self.step for w in weight[o]]
        return tuple(result)

    def evaluate(self, *codes: Codes) -> Codes:
        (x,) = codes
        dtype = dot_dtype(self.weights, x, self.step, self.bias)
        padded = self.window.pad(x.astype(dtype), 0)
        out = self.window.output_shape("conv", x.shape[1:-1])
        weights: NDArray[Any] = self.weights.astype(dtype)
        total = np.zeros((len(x), *out, weights.shape[-1]), dtype=dtype)
        for tap in self.window.taps():
            operand = self.window.at_tap(padded, tap, out)
            for i, o in self.group_slices():
                total[..., o] += operand[..., i] @ weights[tap][:, o]
        return total * self.step + self.bias.astype(dtype)
