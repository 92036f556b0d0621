"""Relu and the sum of two tensors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelone.errors import LeveloneError
from levelone.graph.ir import Codes, Value
from levelone.graph.ops._bounds import bounds, largest, make_value, product_dtype


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
        if len(a.shape) != len(b.shape) or any(
            m != n and 1 not in (m, n) for m, n in zip(a.shape, b.shape, strict=False)
        ):
            raise LeveloneError(f"node {name}: cannot add shapes {a.shape} and {b.shape}")
        shape = tuple(max(m, n) for m, n in zip(a.shape, b.shape, strict=True))
        lo, hi = (np.broadcast_to(x + y, shape[-1:]) for x, y in zip(bounds(a), bounds(b), strict=True))
        return make_value(name, shape, a.scale, (lo, hi))

    def evaluate(self, *codes: Codes) -> Codes:
        a, b = codes
        dtype = product_dtype(largest(a) + largest(b))
        return a.astype(dtype) + b.astype(dtype)
