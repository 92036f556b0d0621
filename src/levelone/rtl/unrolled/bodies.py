"""What each operation becomes: cells for every element of its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ir import Node
from levelone.graph.operation import Op
from levelone.graph.ops import (
    Add,
    AddRequantise,
    Affine,
    AveragePool,
    Concat,
    Conv,
    Dense,
    ElementAffine,
    LocallyConnected,
    Lookup,
    MatMul,
    MaxPool,
    Multiply,
    Pad,
    Power,
    Relu,
    Requantise,
    Reshape,
    Staircase,
    Take,
    Transpose,
    Upsample,
)
from levelone.graph.values import Value
from levelone.hardware.proof import Proof
from levelone.rtl.operations.merge import total_of
from levelone.rtl.operations.pointwise import proven
from levelone.rtl.unrolled.cells import Constant
from levelone.rtl.unrolled.circuit import Circuit, joined
from levelone.rtl.unrolled.products import Products
from levelone.rtl.unrolled.quantise import quantised, stepped
from levelone.rtl.unrolled.selectors import Gated, Largest, Table

Places = NDArray[np.int64]
"""Numbers of places in a circuit, in the shape of the value whose elements they are."""


class Scope:
    """What a body is told: the circuit, the node, its operands' values and its own.

    Attributes
    ----------
    circuit, products
        Where cells are added.
    node
        The operation in its place.
    operands, output
        Values.
    proof
        How its requantisation is proven to be exact, once its body has chosen the hardware.
    """

    def __init__(self, products: Products, node: Node, operands: tuple[Value, ...], output: Value) -> None:
        self.circuit: Circuit = products.circuit
        self.products = products
        self.node = node
        self.operands = operands
        self.output = output
        self.proof: Proof | None = None


Body = Callable[[Scope, Any, tuple[Places, ...]], Sequence[int] | Places]
"""(scope, operation, operands) -> a place for each element of the result, in row-major order."""


def _moved(scope: Scope, op: Op, xs: tuple[Places, ...]) -> Places:
    """Elements are taken from elsewhere: numbers of places move as codes do."""
    if isinstance(op, Pad):
        constant = scope.circuit.add(Constant(op.value))
        op = Pad(op.pads, op.mode, constant)
    return op.evaluate(*(x[None] for x in xs))[0]


def _summed(scope: Scope, op: Conv | Dense | LocallyConnected, xs: tuple[Places, ...]) -> list[int]:
    (x,), circuit = xs, scope.circuit
    flat, channels = x.reshape(-1), x.shape[-1]
    weights = op.weights.astype(object) * op.step
    zero, result = circuit.add(Constant(0)), []
    for position in np.ndindex(*scope.output.shape[:-1]):
        at = op.places(position, x.shape[:-1])
        met = np.where(
            (at >= 0)[:, None], flat[np.maximum(at, 0)[:, None] * channels + np.arange(channels)], zero
        )
        own = position[: len(op.own)]
        for i, o in op.group_slices():
            operands, matrix = met[:, i].reshape(-1), weights[own][..., o].reshape(-1, o.stop - o.start)
            result += scope.products.product(operands.tolist(), matrix, op.bias[own][o].tolist())
    return result


def _scaled(scope: Scope, op: Affine | ElementAffine, xs: tuple[Places, ...]) -> list[int]:
    (x,) = xs
    if isinstance(op, Affine):
        factors, terms = (np.resize(np.array(c, dtype=object), x.shape[-1]) for c in (op.factor, op.term))
        factors, terms = (np.broadcast_to(c, x.shape) for c in (factors, terms))
    else:
        factors, terms = op.constants(x.shape)
    return [
        scope.products.product([int(n)], np.array([[int(f)]], dtype=object), [int(t)])[0]
        for n, f, t in zip(x.flat, factors.flat, terms.flat, strict=True)
    ]


def _rectified(scope: Scope, op: Relu, xs: tuple[Places, ...]) -> list[int]:
    circuit = scope.circuit
    return [circuit.clip(n, 0, _ones(circuit.reach(n).hi)) for n in map(int, xs[0].flat)]


def _ones(most: int) -> int:
    """The largest number of as many bits."""
    return (1 << max(most, 0).bit_length()) - 1


def _requantised(scope: Scope, op: Requantise, xs: tuple[Places, ...]) -> list[int]:
    return _proven(scope, op, scope.operands[0], xs[0])


def _proven(scope: Scope, op: Requantise, x: Value, places: Places) -> list[int]:
    hardware, scope.proof = proven(op, x, scope.node.name)
    return quantised(scope.products, hardware, places)


def _sum_requantised(scope: Scope, op: AddRequantise, xs: tuple[Places, ...]) -> list[int]:
    total, requantise = total_of(op, scope.operands, scope.output)
    forms = op.integer_form(scope.output.shape[-1])
    sums = [
        scope.products.product([a, b], np.array([form[:1], form[1:2]], dtype=object), [form[2]])[0]
        for a, b, form in zip(*(x.flat for x in xs), forms * (xs[0].size // len(forms)), strict=True)
    ]
    numbers = np.array(sums, dtype=np.int64).reshape(scope.output.shape)
    return _proven(scope, requantise, total, numbers)


def _pooled(scope: Scope, op: MaxPool | AveragePool, xs: tuple[Places, ...]) -> list[int]:
    (x,), circuit, result = xs, scope.circuit, []
    factors = op.factors(x.shape[:-1]) if isinstance(op, AveragePool) else None
    for position in np.ndindex(*scope.output.shape):
        met = x.reshape(-1)[op.places(position, x.shape)].tolist()
        if factors is None:
            result.append(joined(met, partial(circuit.add, Largest())))
        else:
            factor = np.array([[int(factors[position[:-1]])]], dtype=object)
            total = circuit.total(met)
            result += scope.products.product([total], factor, [0])
    return result


def _added(scope: Scope, op: Add, xs: tuple[Places, ...]) -> list[int]:
    a, b = (np.broadcast_to(x, scope.output.shape) for x in xs)
    return [scope.circuit.sum(int(m), int(n)) for m, n in zip(a.flat, b.flat, strict=True)]


def _multiplied(scope: Scope, op: Multiply, xs: tuple[Places, ...]) -> list[int]:
    a, b = (np.broadcast_to(x, scope.output.shape) for x in xs)
    return [_product(scope.circuit, int(m), int(n)) for m, n in zip(a.flat, b.flat, strict=True)]


def _raised(scope: Scope, op: Power, xs: tuple[Places, ...]) -> list[int]:
    result = []
    for n in xs[0].flat:
        power = int(n)
        for _ in range(op.exponent - 1):
            power = _product(scope.circuit, power, int(n))
        result.append(power)
    return result


def _matrices(scope: Scope, op: MatMul, xs: tuple[Places, ...]) -> list[int]:
    a, b = xs
    return [
        scope.circuit.total(
            [_product(scope.circuit, int(a[*at, row, i]), int(b[*at, i, column])) for i in range(op.inner)]
        )
        for *at, row, column in np.ndindex(*scope.output.shape)
    ]


def _product(circuit: Circuit, a: int, b: int) -> int:
    """``a * b``: `a` where a bit of `b` is set, summed; the highest bit of a signed `b` counts negative."""
    reach, rows = circuit.reach(b), []
    for bit in range(reach.width):
        rows.append((circuit.add(Gated(bit), a, b), bit))
    if reach.signed:
        number, bit = rows[-1]
        rows[-1] = (circuit.negative(number), bit)

    def added(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
        (m, low), (n, high) = a, b
        return circuit.sum(m, n, 0, high - low), low

    return circuit.shift(*joined(rows, added))


def _tabulated(scope: Scope, op: Lookup, xs: tuple[Places, ...]) -> list[int]:
    tables = [tuple(map(int, row)) for row in np.atleast_2d(op.table)]
    return [
        scope.circuit.add(Table(op.lowest, tables[i % len(tables)]), int(n)) for i, n in enumerate(xs[0].flat)
    ]


def _stepped(scope: Scope, op: Staircase, xs: tuple[Places, ...]) -> list[int]:
    rows = len(op.steps)
    return [
        stepped(scope.circuit, int(n), op.steps[i % rows].tolist(), op.levels[i % rows].tolist())
        for i, n in enumerate(xs[0].flat)
    ]


BODIES: Mapping[type[Op], Body] = MappingProxyType(
    {
        Add: _added,
        AddRequantise: _sum_requantised,
        Affine: _scaled,
        AveragePool: _pooled,
        Concat: _moved,
        Conv: _summed,
        Dense: _summed,
        ElementAffine: _scaled,
        LocallyConnected: _summed,
        Lookup: _tabulated,
        MatMul: _matrices,
        MaxPool: _pooled,
        Multiply: _multiplied,
        Pad: _moved,
        Power: _raised,
        Relu: _rectified,
        Requantise: _requantised,
        Reshape: _moved,
        Staircase: _stepped,
        Take: _moved,
        Transpose: _moved,
        Upsample: _moved,
    }
)
"""Operation -> how it is unrolled."""
