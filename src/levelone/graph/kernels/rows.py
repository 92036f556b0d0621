"""Small networks with the events outermost: [event, element], so that no input is transposed.

With the events innermost (`carrier`), every code of an input is first moved to another place. For a network
of a few thousand products that costs more than computing it. Here a convolution is a matrix product with a
matrix that is mostly zeros, cut along the leading axis: worth it as long as the products with zeros cost less
than the transposition would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np

from levelone.graph.ir import Graph, Node
from levelone.graph.kernels.carrier import Array, carrier
from levelone.graph.kernels.elementwise import relu_kernel
from levelone.graph.kernels.kernel import Kernel
from levelone.graph.kernels.linear import arithmetic
from levelone.graph.kernels.requantise import float_scaling
from levelone.graph.ops import Concat, Conv, Dense, LocallyConnected, Relu, Requantise, Reshape
from levelone.graph.values import Value

PRODUCTS_PER_ELEMENT = 40
"""Transposing one code takes as long as about so many multiply-accumulates of a large matrix product."""
MATRIX_ELEMENTS = 2**20
"""Largest matrix of a whole convolution, zeros included."""

Band = tuple[slice, slice, Array]
"""Elements of the operand, elements of the result, and the matrix between them."""
Maker = Callable[[Any, tuple[Value, ...], Value], Kernel | None]


def row_kernels(graph: Graph, nodes: Sequence[Node]) -> dict[str, Kernel] | None:
    """A kernel on rows for every node; None if one has none, or if transposing is cheaper.

    Such kernels take and give arrays [event, element], each value's elements in row-major order.
    """
    inputs = sum(port.value.size for port in graph.inputs)
    wasted = 0
    kernels = {}
    for node in nodes:
        x = tuple(graph.values[name] for name in node.inputs)
        output = graph.values[node.name]
        if any(carrier(value) not in (np.float32, np.float64) for value in (*x, output)):
            return None
        if isinstance(node.op, Conv | LocallyConnected):
            if x[0].size * output.size > MATRIX_ELEMENTS:
                return None
            wasted += banded_products(node.op, x[0], output)
            if wasted > PRODUCTS_PER_ELEMENT * inputs:
                return None
        maker = MAKERS.get(type(node.op))
        kernel = None if maker is None else maker(node.op, x, output)
        if kernel is None:
            return None
        kernels[node.name] = kernel
    return kernels


def banded_products(op: Conv | LocallyConnected, x: Value, output: Value) -> int:
    """Products with zeros per event."""
    done = sum(matrix.size for _, _, matrix in bands(op, x, output))
    return done - prod(output.shape[:-1]) * op.fan_in * output.shape[-1]


def bands(op: Conv | LocallyConnected, x: Value, output: Value) -> list[Band]:
    """The convolution without bias as matrices, one for each step along the leading axis of the result.

    Column by column they are what the meaning of the operation makes of unit vectors.
    """
    unit = np.eye(x.size, dtype=np.int64).reshape(x.size, *x.shape)
    linear = replace(op, bias=np.zeros_like(op.bias))
    whole = linear.evaluate(unit).reshape(x.size, output.size)
    length = output.size // output.shape[0]
    found = []
    for start in range(0, output.size, length):
        into = slice(start, start + length)
        used = np.flatnonzero(whole[:, into].any(axis=1))
        source = slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(0, 0)
        found.append((source, into, whole[source, into]))
    return found


def conv_rows(op: Conv | LocallyConnected, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    (x,) = inputs
    dtype = arithmetic(op, x)
    if dtype is None:
        return None
    parts: list[Band] = [
        (source, into, matrix.astype(dtype)) for source, into, matrix in bands(op, x, output)
    ]
    bias: Array = np.broadcast_to(op.bias, output.shape).reshape(-1).astype(dtype)
    result_type = carrier(output)

    def run(a: Array) -> Array:
        operand: Array = a.astype(dtype, copy=False)
        result: Array = np.empty((len(a), output.size), dtype=dtype)
        for source, into, matrix in parts:
            np.matmul(operand[:, source], matrix, out=result[:, into])
        result += bias
        return result.astype(result_type, copy=False)

    return Kernel(run, scratch=16 * output.size)


def dense_rows(op: Dense, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    (x,) = inputs
    dtype = arithmetic(op, x)
    if dtype is None:
        return None
    weights: Array = np.ascontiguousarray((op.weights * op.step).astype(dtype))
    bias: Array = op.bias.astype(dtype)
    result_type = carrier(output)

    def run(a: Array) -> Array:
        result = np.matmul(a.astype(dtype, copy=False).reshape(-1, len(weights)), weights)
        result += bias
        return result.reshape(len(a), output.size).astype(result_type, copy=False)

    return Kernel(run, scratch=16 * output.size)


def requantise_rows(op: Requantise, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    (x,) = inputs
    scaling = float_scaling(op, x)
    if scaling is None:
        return None
    return replace(
        scaling, gain=_per_element(scaling.gain, output), shift=_per_element(scaling.shift, output)
    ).kernel(output)


def _per_element(numbers: Array, value: Value) -> Array:
    """Numbers [channels, 1] or [1, 1] for every element of a row; one number if all are the same."""
    if (numbers == numbers[0]).all():
        return numbers[0]
    return np.tile(numbers[:, 0], value.size // len(numbers))


def reshape_rows(op: Reshape, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    return Kernel(lambda a: a, scratch=0, view=True)


def concat_rows(op: Concat, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    shapes = [x.shape for x in inputs]
    dtype = carrier(output)

    def run(*arrays: Array) -> Array:
        parts = [a.reshape(len(a), *shape) for a, shape in zip(arrays, shapes, strict=True)]
        joined: Array = np.concatenate(parts, axis=op.axis + 1, dtype=dtype)
        return joined.reshape(len(joined), output.size)

    return Kernel(run, scratch=8 * output.size)


MAKERS: MappingProxyType[type, Maker] = MappingProxyType(
    {
        Concat: concat_rows,
        Conv: conv_rows,
        Dense: dense_rows,
        LocallyConnected: conv_rows,
        Relu: relu_kernel,
        Requantise: requantise_rows,
        Reshape: reshape_rows,
    }
)
