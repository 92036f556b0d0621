"""Relu, and sums and products of two tensors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelone.errors import LeveloneError
from levelone.graph.ir import Codes, Value
from levelone.graph.ops._bounds import bounds, largest, make_value, product_dtype, spread


@dataclass(frozen=True)
class Relu:
    """``max(code, 0)``; scales are positive, so the sign of a code is the sign of its real value."""

    def infer(self, name: str, *inputs: Value) -> Value:
        (x,) = inputs
        lo, hi = bounds(x)
        return make_value(name, x.shape, x.scale, (np.maximum(lo, 0), np.maximum(hi, 0)))

    def evaluate(self, *codes: Codes) -> Codes:
        return np.maximum(codes[0], 0)


@dataclass(frozen=True)
class Add:
    """The sum of two tensors on the same grid, broadcast like NumPy arrays of equal rank."""

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


@dataclass(frozen=True)
class Multiply:
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


def _broadcast(name: str, a: Value, b: Value) -> tuple[int, ...]:
    if len(a.shape) != len(b.shape) or any(
        m != n and 1 not in (m, n) for m, n in zip(a.shape, b.shape, strict=False)
    ):
        raise LeveloneError(f"node {name}: shapes {a.shape} and {b.shape} do not go together")
    return tuple(max(m, n) for m, n in zip(a.shape, b.shape, strict=True))
