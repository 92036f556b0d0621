"""Dense layers, and what they share with convolutions: the arithmetic in which a sum is exact."""

from __future__ import annotations

from math import prod

import numpy as np

from levelone.graph.kernels.carrier import Array, carrier, float_for, per_channel, wider
from levelone.graph.kernels.kernel import Kernel, Pointwise
from levelone.graph.ops import Dense, WeightedSum
from levelone.graph.ops._bounds import largest
from levelone.graph.values import Value


def sum_bound(weights: Array, bias: Array, step: int, x: Value) -> int:
    """No partial sum, in whatever order a matrix product adds, is larger than this.

    A partial sum is a sum over some of the operands: those that it leaves out count as zero.
    """
    flat = weights.reshape(-1, weights.shape[-1])
    if largest(flat) * len(flat) >= 2**62:
        flat = flat.astype(object)
    ups, downs = np.maximum(flat, 0).sum(axis=0), np.minimum(flat, 0).sum(axis=0)
    lo, hi = min(x.range.lo, 0), max(x.range.hi, 0)
    ends = [
        int(up) * a + int(down) * b
        for up, down in zip(ups, downs, strict=True)
        for a, b in ((hi, lo), (lo, hi))
    ]
    return max(map(abs, ends)) * step + largest(bias)


def arithmetic(op: WeightedSum, x: Value) -> type | None:
    """The float type in which the whole sum is exact, or None."""
    sums = np.moveaxis(op.weights.reshape(prod(op.own), op.fan_in, -1), 0, 1).reshape(op.fan_in, -1)
    dtype = float_for(max(sum_bound(sums, op.bias, op.step, x), largest(op.weights) * op.step))
    return None if dtype is None else wider(dtype, carrier(x))


def unchanged(a: Array) -> Array:
    """The pointwise operation that does nothing."""
    return a


def dense_kernel(op: Dense, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    (x,) = inputs
    dtype = arithmetic(op, x)
    if dtype is None:
        return None
    weights: Array = np.ascontiguousarray((op.weights.T * op.step).astype(dtype))
    bias = per_channel(op.bias, dtype)

    def tiled(a: Array, then: Pointwise, result_type: type) -> Array:
        result = np.matmul(weights, a.astype(dtype, copy=False))
        result += bias
        return then(result).astype(result_type, copy=False)

    def run(a: Array) -> Array:
        return tiled(a, unchanged, carrier(output))

    return Kernel(run, scratch=2 * np.dtype(dtype).itemsize * output.size, tiled=tiled)
