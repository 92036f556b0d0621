"""Products of two tensors of matrices, as scores of attention are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelone.errors import LeveloneError
from levelone.graph.operation import Cost, Index, Op
from levelone.graph.ops._bounds import Bounds, bounds, largest, make_value, product_dtype
from levelone.graph.values import Codes, IntRange, Value


@dataclass(frozen=True)
class MatMul(Op):
    """``a @ b`` for [..., rows, inner] and [..., inner, columns], leading axes being equal; scales multiply.

    Attributes
    ----------
    inner
        Products that each code of the result is a sum of.
    """

    inner: int

    def infer(self, name: str, *inputs: Value) -> Value:
        a, b = inputs
        if (
            min(len(a.shape), len(b.shape)) < 2
            or a.shape[:-2] != b.shape[:-2]
            or not a.shape[-1] == b.shape[-2] == self.inner
        ):
            raise LeveloneError(
                f"node {name}: no matrices over {self.inner} elements: shapes {a.shape} and {b.shape}"
            )
        if len(a.scale) != 1:
            raise LeveloneError(f"node {name}: {a.name} has a scale per channel, but its channels are summed")
        low, high = self._products(a, b)
        scale = (a.scale[0] * s for s in b.scale)
        return make_value(name, (*a.shape[:-1], b.shape[-1]), scale, (low.sum(axis=0), high.sum(axis=0)))

    def _products(self, a: Value, b: Value) -> Bounds:
        """Lowest and highest of all products, [inner, columns]."""
        ends = [np.multiply.outer(x.astype(object), y.astype(object)) for x in bounds(a) for y in bounds(b)]
        return np.minimum.reduce(ends), np.maximum.reduce(ends)

    def accumulator_range(self, a: Value, b: Value) -> IntRange:
        """What any of the products add up to: all that is reached on the way, in whatever order."""
        low, high = self._products(a, b)
        ends = np.minimum(low, 0).sum(axis=0).min(), np.maximum(high, 0).sum(axis=0).max()
        return IntRange(*map(int, ends))

    def evaluate(self, *codes: Codes) -> Codes:
        a, b = codes
        dtype = product_dtype(self.inner, largest(a), largest(b))
        product: Codes = np.matmul(a.astype(dtype), b.astype(dtype))
        return product

    @property
    def grows(self) -> bool:
        return True

    @property
    def direction(self) -> int:
        return 0  # falls where the other operand is negative

    def met(self, position: Index, *shapes: Index) -> list[tuple[int, Index]]:
        *leading, row, column = position
        first = [(0, (*leading, row, i)) for i in range(self.inner)]
        return first + [(1, (*leading, i, column)) for i in range(self.inner)]

    def absolute(self, *sizes: Codes) -> Codes:
        return self.evaluate(*sizes)

    def float_operations(self, *counts: int) -> int:
        return sum(counts) + self.inner  # a product, and all additions

    def cost(self, inputs: tuple[Value, ...], output: Value) -> Cost:
        products = output.size * self.inner
        return Cost(macs=products, ebops=products * inputs[0].width * inputs[1].width)
