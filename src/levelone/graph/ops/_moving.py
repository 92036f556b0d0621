"""What operations have in common that only move codes about."""

from __future__ import annotations

from math import prod
from typing import ClassVar

import numpy as np

from levelone.graph.operation import Cost, Index, Op, Terms
from levelone.graph.values import Codes, Value


class Moving(Op):
    """Each code of the result is that of an operand, or a constant; which one, shapes alone decide."""

    moves: ClassVar[bool] = True
    linear: ClassVar[bool] = True

    @property
    def direction(self) -> int:
        return 1

    def terms(self, position: Index, *shapes: Index) -> Terms:
        ends = np.cumsum([prod(shape) for shape in shapes])
        first, second = (  # every element has a number of its own, which is another one in the second run
            self.evaluate(
                *(
                    2 * np.arange(end - prod(shape), end).reshape(1, *shape) + shift
                    for end, shape in zip(ends, shapes, strict=True)
                )
            )[(0, *position)]
            for shift in (0, 1)
        )
        if first == second:  # a constant is the same in both
            none = np.zeros(0, dtype=np.int64)
            return Terms(none, none, none, int(first), padding=1)
        number = int(np.searchsorted(ends, first // 2, side="right"))
        at = int(first) // 2 - int(ends[number]) + prod(shapes[number])
        return Terms(np.array([number]), np.array([at]), np.ones(1, dtype=np.int64))

    def absolute(self, *sizes: Codes) -> Codes:
        return np.abs(self.evaluate(*sizes))

    def float_operations(self, *counts: int) -> int:
        return max(counts)

    def cost(self, inputs: tuple[Value, ...], output: Value) -> Cost:
        return Cost()
