"""Elementwise operations on floats that are exact, or by table."""

from __future__ import annotations

import numpy as np

from levelone.graph.inputs import round_float
from levelone.graph.ir import Value
from levelone.graph.kernels.carrier import Array, carrier, float_for, per_channel
from levelone.graph.kernels.kernel import Kernel
from levelone.graph.ops import Add, Affine, Lookup, Multiply, Relu, Requantise
from levelone.graph.ops._bounds import bounds, largest, magnitude

TABLE_ENTRIES = 2**20


def relu_kernel(op: Relu, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    return Kernel(lambda a: np.maximum(a, 0), scratch=8 * output.size)


def add_kernel(op: Add, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    dtype = float_for(sum(magnitude(x) for x in inputs))
    if dtype is None:
        return None
    return Kernel(lambda a, b: np.add(a, b, dtype=dtype), scratch=8 * output.size)


def multiply_kernel(op: Multiply, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    a, b = inputs
    dtype = float_for(max(magnitude(a), 1) * max(magnitude(b), 1))
    if dtype is None:
        return None
    return Kernel(lambda x, y: np.multiply(x, y, dtype=dtype), scratch=8 * output.size)


def lookup_kernel(op: Lookup, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    (x,) = inputs
    table: Array = op.table.astype(carrier(output))
    length = table.shape[-1]
    if table.size >= 2**31 or abs(op.lowest) + length >= 2**31:
        return None
    starts = np.arange(len(table)) * length if table.ndim == 2 else np.zeros(1, dtype=np.int64)
    return _gather(table, per_channel(starts - op.lowest, np.int32, len(x.shape)), x)


def affine_kernel(op: Affine, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    (x,) = inputs
    factor, term = np.array(op.factor, dtype=object), np.array(op.term, dtype=object)
    dtype = float_for(max(magnitude(x), 1) * max(largest(factor), 1) + largest(term))
    if dtype is None:
        return None
    rank = len(x.shape)
    f, t = per_channel(factor, dtype, rank), per_channel(term, dtype, rank)

    def run(a: Array) -> Array:
        result = np.multiply(a, f, dtype=dtype)
        result += t
        return result

    return Kernel(run, scratch=8 * output.size)


def requantise_kernel(op: Requantise, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    """A binary shift in exact floats; any other multiplier from a table of the meaning, if small enough."""
    (x,) = inputs
    factors, terms, divisors = (np.asarray(a, dtype=object) for a in op.integer_form())
    halves = largest(divisors) // 2 + 1  # room for adding one half before rounding
    bound = max(magnitude(x), 1) * max(largest(factors), 1) + largest(terms) + halves
    dtype = float_for(max(bound, abs(op.range.lo), abs(op.range.hi), abs(op.zero_point)))
    if dtype is None or any(d & (d - 1) for d in divisors):
        return _table_kernel(op, x, output)
    rank = len(x.shape)
    shrink = per_channel([1 / float(d) for d in divisors], dtype, rank)
    gain = per_channel(factors, dtype, rank) * shrink
    shift = per_channel(terms, dtype, rank) * shrink if any(terms) else None
    lo, hi = dtype(op.range.lo), dtype(op.range.hi)
    result_type = carrier(output)

    def run(a: Array) -> Array:
        y = np.multiply(a, gain, dtype=dtype)
        if shift is not None:
            y += shift
        y = round_float(y, op.rounding)
        np.clip(y, lo, hi, out=y)
        if op.zero_point:
            y -= op.zero_point
        return y.astype(result_type, copy=False)

    return Kernel(run, scratch=16 * output.size)


def _table_kernel(op: Requantise, x: Value, output: Value) -> Kernel | None:
    lo, hi = bounds(x)
    sizes = [int(b) - int(a) + 1 for a, b in zip(lo, hi, strict=True)]
    if max(sizes) * len(sizes) > TABLE_ENTRIES or magnitude(x) >= 2**30:
        return None
    # [code - lowest, channel]: the meaning itself, on every code that can be reached
    codes = lo + np.arange(max(sizes))[:, None]
    table: Array = np.ascontiguousarray(op.evaluate(codes).T.astype(carrier(output)))
    starts = np.arange(len(sizes)) * max(sizes) - lo
    return _gather(table, per_channel(starts, np.int32, len(x.shape)), x)


def _gather(table: Array, starts: Array, x: Value) -> Kernel:
    """Entries of a flat table at ``code + start`` of the channel."""
    flat = table.reshape(-1)

    def run(a: Array) -> Array:
        index = a.astype(np.int32)
        index += starts
        return flat[index]

    return Kernel(run, scratch=16 * x.size)
