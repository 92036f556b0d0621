"""Convolution (cross-correlation, as in ONNX) over any number of spatial axes."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import UnsupportedError
from levelone.graph.ops._bounds import bounds, dot_bounds, make_value, scaled, spread
from levelone.graph.ops._sliding import SlidingSum
from levelone.graph.values import Value

MOST_WORK = 2**28
"""Weights times border cases beyond which ranges are bounded without looking at each."""


@dataclass(frozen=True, eq=False)
class Conv(SlidingSum):
    """``acc = step * sum(x * weights) + bias``, zero padded; attributes as of `SlidingSum`."""

    def infer(self, name: str, *inputs: Value) -> Value:
        (x,) = inputs
        channels, out = self.weights.shape[-1], self.positions(name, x)
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

    def _scale(self, name: str, x: Value) -> tuple[Fraction, ...]:
        source = spread(x.scale, x.shape[-1])
        weight = spread(self.weight_scale, self.weights.shape[-1])
        result: list[Fraction] = []
        for i, o in self.group_slices():
            if len(set(source[i])) != 1:
                raise UnsupportedError(f"node {name}: sums channels of {x.name} that have different scales")
            result += [source[i][0] * w / self.step for w in weight[o]]
        return tuple(result)
