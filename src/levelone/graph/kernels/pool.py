"""Pooling: one pass over the operands per kernel position."""

from __future__ import annotations

from math import prod

import numpy as np

from levelone.graph.ir import Value
from levelone.graph.kernels.carrier import Array, carrier, float_for, wider
from levelone.graph.kernels.kernel import Kernel
from levelone.graph.ops import AveragePool, MaxPool, Window
from levelone.graph.ops._bounds import largest, magnitude


def max_pool_kernel(op: MaxPool, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    (x,) = inputs
    if float_for(magnitude(x)) is None:
        return None
    cuts = _cuts(op.window, output)

    def run(a: Array) -> Array:
        a = _padded(op.window, a, -np.inf)
        best = a[cuts[0]].copy()
        for cut in cuts[1:]:
            np.maximum(best, a[cut], out=best)
        return best

    return Kernel(run, scratch=8 * (_padded_size(op.window, x) + output.size))


def average_pool_kernel(op: AveragePool, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    (x,) = inputs
    factors = op.factors(x.shape[:-1])
    dtype = float_for(magnitude(x) * prod(op.kernel) * largest(factors))
    if dtype is None:
        return None
    dtype = wider(dtype, carrier(x))
    cuts = _cuts(op.window, output)
    scale: Array | None = None if largest(factors) == 1 else factors.astype(dtype)[None, ..., None]

    def run(a: Array) -> Array:
        a = _padded(op.window, a, 0)
        total: Array = a[cuts[0]].astype(dtype)
        for cut in cuts[1:]:
            total += a[cut]
        return total if scale is None else total * scale

    return Kernel(run, scratch=8 * (_padded_size(op.window, x) + output.size))


def _cuts(window: Window, output: Value) -> list[tuple[slice, ...]]:
    out = output.shape[:-1]
    return [
        (
            slice(None),
            *(
                slice(t * d, t * d + s * (o - 1) + 1, s)
                for t, d, s, o in zip(tap, window.dilation, window.stride, out, strict=True)
            ),
        )
        for tap in window.taps()
    ]


def _padded(window: Window, a: Array, fill: float) -> Array:
    if not any(map(any, window.pads)):
        return a
    return np.pad(a, ((0, 0), *window.pads, (0, 0)), constant_values=fill)


def _padded_size(window: Window, x: Value) -> int:
    return x.shape[-1] * prod(n + sum(p) for n, p in zip(x.shape[:-1], window.pads, strict=True))
