"""Constants of each element: position embeddings, calibrations pixel by pixel, maps of dead channels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.operation import Cost, Index, Op, Terms, effective_bits
from levelone.graph.ops._bounds import bounds, largest, make_value, product_dtype, read_only
from levelone.graph.values import Codes, Value


@dataclass(frozen=True, eq=False)
class ElementAffine(Op):
    """``code * factor + term``, exactly, with constants that differ from position to position.

    Attributes
    ----------
    factor, term
        int64, of the operand's shape; axes of length 1 are repeated.
    scale
        Scale of the output.
    """

    pointwise: ClassVar[bool] = True
    linear: ClassVar[bool] = True

    factor: NDArray[np.int64]
    term: NDArray[np.int64]
    scale: Fraction

    def __post_init__(self) -> None:
        for key in ("factor", "term"):
            object.__setattr__(self, key, read_only(getattr(self, key)))

    def constants(self, shape: Index) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Factors and terms of every element."""
        return np.broadcast_to(self.factor, shape), np.broadcast_to(self.term, shape)

    def infer(self, name: str, *inputs: Value) -> Value:
        (x,) = inputs
        try:
            factor, term = (part.astype(object) for part in self.constants(x.shape))
        except ValueError:
            raise LeveloneError(
                f"node {name}: constants of shapes {self.factor.shape} and {self.term.shape} for {x.shape}"
            ) from None
        axes = tuple(range(len(x.shape) - 1))
        ends = [factor * end + term for end in (side.astype(object) for side in bounds(x))]
        low, high = np.minimum(*ends).min(axis=axes), np.maximum(*ends).max(axis=axes)
        return make_value(name, x.shape, (self.scale,), (low, high))

    def evaluate(self, *codes: Codes) -> Codes:
        (x,) = codes
        dtype: Any = product_dtype(largest(x) * largest(self.factor) + largest(self.term))
        made: Codes = x.astype(dtype) * self.factor.astype(dtype) + self.term.astype(dtype)
        return made

    @property
    def direction(self) -> int:
        return 1 if self.factor.min() >= 0 else -1 if self.factor.max() <= 0 else 0

    def terms(self, position: Index, *shapes: Index) -> Terms:
        (shape,) = shapes
        factor, term = (int(part[position]) for part in self.constants(shape))
        at = np.array([np.ravel_multi_index(position, shape)])
        return Terms(np.zeros(1, np.int64), at, np.array([factor]), term)

    def absolute(self, *sizes: Codes) -> Codes:
        return replace(self, factor=np.abs(self.factor), term=np.abs(self.term)).evaluate(*sizes)

    def float_operations(self, *counts: int) -> int:
        return max(counts) + 4  # both constants, product and sum

    def cost(self, inputs: tuple[Value, ...], output: Value) -> Cost:
        factors, _ = self.constants(output.shape)
        return Cost(ebops=int(effective_bits(factors).sum()) * inputs[0].width)
