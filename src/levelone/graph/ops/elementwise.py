"""Relu, and sums and products of two tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from levelone.errors import LeveloneError
from levelone.graph.operation import Cost, Index, Op, Terms
from levelone.graph.ops._bounds import bounds, largest, make_value, product_dtype, spread
from levelone.graph.values import Codes, Value


@dataclass(frozen=True)
class Relu(Op):
    """``max(code, 0)``; scales are positive, so the sign of a code is the sign of its real value."""

    pointwise: ClassVar[bool] = True

    def infer(self, name: str, *inputs: Value) -> Value:
        (x,) = inputs
        lo, hi = bounds(x)
        return make_value(name, x.shape, x.scale, (np.maximum(lo, 0), np.maximum(hi, 0)))

    def evaluate(self, *codes: Codes) -> Codes:
        return np.maximum(codes[0], 0)

    @property
    def direction(self) -> int:
        return 1

    def absolute(self, *sizes: Codes) -> Codes:
        return sizes[0]

    def float_operations(self, *counts: int) -> int:
        return max(counts)

    def cost(self, inputs: tuple[Value, ...], output: Value) -> Cost:
        return Cost()


@dataclass(frozen=True)
class Add(Op):
    """The sum of two tensors on the same grid, broadcast like NumPy arrays of equal rank."""

    linear: ClassVar[bool] = True

    def infer(self, name: str, *inputs: Value) -> Value:
        a, b = inputs
        if a.scale != b.scale:
            raise LeveloneError(
                f"node {name}: adds {a.name} and {b.name}, whose scales differ: align them first"
            )
        shape = _broadcast(name, a, b)
        lo, hi = (np.broadcast_to(x + y, shape[-1:]) for x, y in zip(bounds(a), bounds(b), strict=True))
        return make_value(name, shape, a.scale, (lo, hi))

    def evaluate(self, *codes: Codes) -> Codes:
        a, b = codes
        dtype = product_dtype(largest(a) + largest(b))
        return a.astype(dtype) + b.astype(dtype)

    @property
    def direction(self) -> int:
        return 1

    def terms(self, position: Index, *shapes: Index) -> Terms:
        at = [np.ravel_multi_index(_source(position, shape), shape) for shape in shapes]
        return Terms(np.arange(2), np.array(at), np.ones(2, dtype=np.int64))

    def absolute(self, *sizes: Codes) -> Codes:
        return self.evaluate(*sizes)

    def float_operations(self, *counts: int) -> int:
        return max(counts) + 1

    def cost(self, inputs: tuple[Value, ...], output: Value) -> Cost:
        return Cost()


@dataclass(frozen=True)
class Multiply(Op):
    """The product of two tensors, broadcast like NumPy arrays of equal rank; scales multiply."""

    def infer(self, name: str, *inputs: Value) -> Value:
        a, b = inputs
        shape = _broadcast(name, a, b)
        scales = zip(spread(a.scale, shape[-1]), spread(b.scale, shape[-1]), strict=True)
        ends = [
            np.broadcast_to(x.astype(object) * y.astype(object), shape[-1:])
            for x in bounds(a)
            for y in bounds(b)
        ]
        reach = (np.minimum.reduce(ends), np.maximum.reduce(ends))
        return make_value(name, shape, (s * t for s, t in scales), reach)

    def evaluate(self, *codes: Codes) -> Codes:
        a, b = codes
        dtype = product_dtype(largest(a), largest(b))
        return a.astype(dtype) * b.astype(dtype)

    @property
    def grows(self) -> bool:
        return True

    @property
    def direction(self) -> int:
        return 0  # falls where the other operand is negative

    def met(self, position: Index, *shapes: Index) -> list[tuple[int, Index]]:
        return [(number, _source(position, shape)) for number, shape in enumerate(shapes)]

    def absolute(self, *sizes: Codes) -> Codes:
        return self.evaluate(*sizes)

    def float_operations(self, *counts: int) -> int:
        return sum(counts) + 1

    def cost(self, inputs: tuple[Value, ...], output: Value) -> Cost:
        return Cost(ebops=output.size * inputs[0].width * inputs[1].width)


def _broadcast(name: str, a: Value, b: Value) -> tuple[int, ...]:
    if len(a.shape) != len(b.shape) or any(
        m != n and 1 not in (m, n) for m, n in zip(a.shape, b.shape, strict=False)
    ):
        raise LeveloneError(f"node {name}: shapes {a.shape} and {b.shape} do not go together")
    return tuple(max(m, n) for m, n in zip(a.shape, b.shape, strict=True))


def _source(position: Index, shape: Index) -> Index:
    """The element of a broadcast operand that meets `position`."""
    return tuple(0 if n == 1 else i for i, n in zip(position, shape, strict=True))
