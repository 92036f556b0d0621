"""Whole powers of one tensor: its product with itself, once or more often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from levelone.errors import LeveloneError
from levelone.graph.operation import Cost, Op
from levelone.graph.ops._bounds import Bounds, bounds, largest, make_value, product_dtype
from levelone.graph.values import Codes, IntRange, Value


@dataclass(frozen=True)
class Power(Op):
    """``code ** exponent``: unlike a product of any two tensors, an even one is never negative.

    Attributes
    ----------
    exponent
        2 or more.
    """

    pointwise: ClassVar[bool] = True

    exponent: int

    def infer(self, name: str, *inputs: Value) -> Value:
        (x,) = inputs
        if self.exponent < 2:
            raise LeveloneError(f"node {name}: exponent {self.exponent}; whole powers begin with 2")
        scale = (s**self.exponent for s in x.scale)
        return make_value(name, x.shape, scale, _raised(bounds(x), self.exponent))

    def evaluate(self, *codes: Codes) -> Codes:
        (x,) = codes
        wide: Codes = x.astype(product_dtype(*[largest(x)] * self.exponent))
        return wide**self.exponent

    @property
    def grows(self) -> bool:
        return True

    @property
    def direction(self) -> int:
        return self.exponent % 2

    def absolute(self, *sizes: Codes) -> Codes:
        return self.evaluate(*sizes)

    def float_operations(self, *counts: int) -> int:
        return self.exponent * max(counts) + self.exponent - 1

    def cost(self, inputs: tuple[Value, ...], output: Value) -> Cost:
        (x,) = inputs
        widths = [_width(_raised(bounds(x), power)) for power in range(1, self.exponent)]
        return Cost(ebops=output.size * x.width * sum(widths))


def _raised(reach: Bounds, exponent: int) -> Bounds:
    """Bounds of the power of codes within bounds."""
    lo, hi = (np.asarray(side, dtype=object) ** exponent for side in reach)
    if exponent % 2:
        return lo, hi
    through_zero = (reach[0] <= 0) & (reach[1] >= 0)
    return np.where(through_zero, 0, np.minimum(lo, hi)), np.maximum(lo, hi)


def _width(reach: Bounds) -> int:
    return IntRange(int(reach[0].min()), int(reach[1].max())).width
