"""Pooling, one axis after the other: maxima and sums do not mind the order."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from levelone.graph.kernels.carrier import Array, carrier, float_for, wider
from levelone.graph.kernels.kernel import Kernel
from levelone.graph.ops import AveragePool, MaxPool, Window
from levelone.graph.ops._bounds import largest, magnitude
from levelone.graph.values import Value


def max_pool_kernel(op: MaxPool, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    (x,) = inputs
    if float_for(magnitude(x)) is None:
        return None
    dtype, out = carrier(output), output.shape[:-1]

    def run(a: Array) -> Array:
        best = _reduced(_padded(op.window, a, -np.inf), op.window, out, np.maximum)
        return best.astype(dtype, copy=False)

    return Kernel(run, scratch=8 * (_padded_size(op.window, x) + output.size), view=_trivial(op.window))


def average_pool_kernel(op: AveragePool, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    (x,) = inputs
    factors = op.factors(x.shape[:-1])
    dtype = float_for(magnitude(x) * prod(op.kernel) * largest(factors))
    if dtype is None:
        return None
    dtype = wider(dtype, carrier(x))
    result_type, out = carrier(output), output.shape[:-1]
    scale: Array | None = None if largest(factors) == 1 else factors.astype(dtype)[..., None, None]

    def run(a: Array) -> Array:
        padded = _padded(op.window, a.astype(dtype, copy=False), 0)
        total = _reduced(padded, op.window, out, np.add)
        return (total if scale is None else total * scale).astype(result_type, copy=False)

    return Kernel(run, scratch=8 * (_padded_size(op.window, x) + output.size), view=_trivial(op.window))


def _reduced(a: Array, window: Window, out: tuple[int, ...], combine: Callable[..., Array]) -> Array:
    for axis, length in enumerate(out):
        k, s, d = window.kernel[axis], window.stride[axis], window.dilation[axis]
        before: tuple[slice, ...] = (slice(None),) * axis
        parts = [a[(*before, slice(t * d, t * d + s * (length - 1) + 1, s))] for t in range(k)]
        a = parts[0]
        if k > 1:
            a = combine(parts[0], parts[1])
            for part in parts[2:]:
                combine(a, part, out=a)
    return a


def _trivial(window: Window) -> bool:
    """Whether nothing may be computed, so that the result is part of the operand."""
    return prod(window.kernel) == 1


def _padded(window: Window, a: Array, fill: float) -> Array:
    if not any(map(any, window.pads)):
        return a
    shape = [n + sum(p) for n, p in zip(a.shape, window.pads, strict=False)]
    padded: Array = np.full((*shape, *a.shape[-2:]), fill, dtype=a.dtype)
    inside: tuple[Any, ...] = tuple(
        slice(begin, begin + n) for n, (begin, _) in zip(a.shape, window.pads, strict=False)
    )
    padded[inside] = a
    return padded


def _padded_size(window: Window, x: Value) -> int:
    return x.shape[-1] * prod(n + sum(p) for n, p in zip(x.shape[:-1], window.pads, strict=True))
