"""Elementwise operations on floats that are exact, or by table."""

from __future__ import annotations

import numpy as np

from levelone.graph.kernels.carrier import Array, carrier, float_for, per_channel
from levelone.graph.kernels.kernel import Kernel
from levelone.graph.ops import Add, Affine, Lookup, Multiply, Power, Relu
from levelone.graph.ops._bounds import largest, magnitude
from levelone.graph.values import Value


def relu_kernel(op: Relu, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    dtype = carrier(output)  # may be narrower than the operand's, if that reaches further below zero

    def pointwise(a: Array) -> Array:
        return np.maximum(a, 0, out=a).astype(dtype, copy=False)

    return Kernel(
        lambda a: np.maximum(a, 0).astype(dtype, copy=False), scratch=8 * output.size, pointwise=pointwise
    )


def add_kernel(op: Add, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    dtype = float_for(sum(magnitude(x) for x in inputs))
    if dtype is None:
        return None
    result_type = carrier(output)
    return Kernel(
        lambda a, b: np.add(a, b, dtype=dtype).astype(result_type, copy=False), scratch=8 * output.size
    )


def multiply_kernel(op: Multiply, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    a, b = inputs
    dtype = float_for(max(magnitude(a), 1) * max(magnitude(b), 1))
    if dtype is None:
        return None
    result_type = carrier(output)
    return Kernel(
        lambda x, y: np.multiply(x, y, dtype=dtype).astype(result_type, copy=False), scratch=8 * output.size
    )


def power_kernel(op: Power, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    (x,) = inputs
    dtype = float_for(max(magnitude(x), 1) ** op.exponent)
    if dtype is None:
        return None
    result_type = carrier(output)

    def pointwise(a: Array) -> Array:
        y: Array = a.astype(dtype, copy=False)
        product = y * y
        for _ in range(op.exponent - 2):
            product *= y
        return product.astype(result_type, copy=False)

    return Kernel(pointwise, scratch=16 * output.size, pointwise=pointwise)


def lookup_kernel(op: Lookup, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    (x,) = inputs
    table: Array = op.table.astype(carrier(output))
    length = table.shape[-1]
    if table.size >= 2**31 or abs(op.lowest) + length >= 2**31:
        return None
    starts = np.arange(len(table)) * length if table.ndim == 2 else np.zeros(1, dtype=np.int64)
    return gather(table, per_channel(starts - op.lowest, np.int64), x)


def affine_kernel(op: Affine, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    (x,) = inputs
    factor, term = np.array(op.factor, dtype=object), np.array(op.term, dtype=object)
    dtype = float_for(max(magnitude(x), 1) * max(largest(factor), 1) + largest(term))
    if dtype is None:
        return None
    f, t = per_channel(factor, dtype), per_channel(term, dtype)
    result_type = carrier(output)

    def pointwise(a: Array) -> Array:
        y: Array = a.astype(dtype, copy=False)
        y *= f
        y += t
        return y.astype(result_type, copy=False)

    return Kernel(lambda a: pointwise(a.astype(dtype)), scratch=8 * output.size, pointwise=pointwise)


def gather(table: Array, starts: Array, x: Value) -> Kernel:
    """Entries of a flat table at ``code + start`` of the channel."""
    flat = table.reshape(-1)

    def run(a: Array) -> Array:
        index = a.astype(np.int64)
        index += starts
        # every index is in the table; "wrap" spares NumPy the check and a copy
        return flat.take(index, mode="wrap")

    return Kernel(run, scratch=16 * x.size, pointwise=run)
