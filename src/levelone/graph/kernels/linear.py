"""Convolution and dense layers as one matrix product per group, over a block of events."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from levelone.graph.ir import Value
from levelone.graph.kernels.carrier import Array, carrier, float_for, per_channel, wider
from levelone.graph.kernels.kernel import Kernel
from levelone.graph.ops import Conv, Dense
from levelone.graph.ops._bounds import largest, magnitude


def sum_bound(weights: Array, bias: Array, step: int, x: Value) -> int:
    """No partial sum, in whatever order a matrix product adds, is larger than this."""
    dtype = np.int64 if largest(weights) * weights.size < 2**62 else object
    fan = int(np.abs(weights.astype(dtype)).reshape(-1, weights.shape[-1]).sum(axis=0).max())
    return fan * magnitude(x) * step + largest(bias)


def dense_kernel(op: Dense, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    (x,) = inputs
    dtype = float_for(max(sum_bound(op.weights, op.bias, op.step, x), largest(op.weights) * op.step))
    if dtype is None:
        return None
    dtype = wider(dtype, carrier(x))
    weights: Array = np.ascontiguousarray((op.weights.T * op.step).astype(dtype))
    bias = per_channel(op.bias, dtype, 1)

    def run(a: Array) -> Array:
        flat: Array = a.astype(dtype, copy=False).reshape(len(a), -1)
        result = weights @ flat
        result += bias
        return result.reshape(len(weights), *a.shape[1:])

    return Kernel(run, scratch=2 * np.dtype(dtype).itemsize * output.size)


def conv_kernel(op: Conv, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    (x,) = inputs
    dtype = float_for(max(sum_bound(op.weights, op.bias, op.step, x), largest(op.weights) * op.step))
    if dtype is None:
        return None
    dtype = wider(dtype, carrier(x))
    window, out, groups = op.window, output.shape[:-1], op.groups
    per_group, channels = op.weights.shape[-2:]
    # [*kernel, in, out] -> [groups, out / groups, in * kernel]
    moved: Array = np.moveaxis(op.weights * op.step, (-1, -2), (0, 1)).astype(dtype)
    weights = np.ascontiguousarray(moved.reshape(groups, channels // groups, -1))
    bias = per_channel(op.bias, dtype, 1)
    padded_shape = tuple(n + sum(p) for n, p in zip(x.shape[:-1], window.pads, strict=True))
    interior = tuple(slice(begin, begin + n) for n, (begin, _) in zip(x.shape[:-1], window.pads, strict=True))
    pointwise = window.kernel == (1,) * window.rank == window.stride and padded_shape == x.shape[:-1]
    cuts: list[tuple[Any, ...]] = [tap_cut(op, tap, out) for tap in window.taps()]

    def run(a: Array) -> Array:
        events = a.shape[-1]
        columns: Array
        if pointwise:
            columns = a.astype(dtype, copy=False)
        else:
            if padded_shape != x.shape[:-1]:
                padded = np.zeros((len(a), *padded_shape, events), dtype=dtype)
                padded[(slice(None), *interior)] = a
                a = padded
            columns = np.empty((len(a), len(cuts), *out, events), dtype=dtype)
            for tap, cut in enumerate(cuts):
                columns[:, tap] = a[(slice(None), *cut)]
        columns = columns.reshape(groups, per_group * len(cuts), -1)
        result = np.matmul(weights, columns).reshape(channels, -1)
        result += bias
        return result.reshape(channels, *out, events)

    cells = x.shape[-1] * (prod(padded_shape) + len(cuts) * prod(out)) + output.size
    return Kernel(run, scratch=np.dtype(dtype).itemsize * cells)


def tap_cut(op: Conv, tap: tuple[int, ...], out: tuple[int, ...]) -> tuple[slice, ...]:
    """Where the operands of one kernel position lie along the padded spatial axes."""
    return tuple(
        slice(t * d, t * d + s * (o - 1) + 1, s)
        for t, d, s, o in zip(tap, op.dilation, op.stride, out, strict=True)
    )
