"""An integer multiply and add per channel: constants that change codes without rounding them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

import numpy as np

from levelone.errors import LeveloneError
from levelone.graph.operation import Cost, Index, Op, Terms, effective_bits
from levelone.graph.ops._bounds import bounds, integers, largest, make_value, product_dtype, scaled
from levelone.graph.values import Codes, Value


@dataclass(frozen=True)
class Affine(Op):
    """``code * factor + term``, exactly.

    Attributes
    ----------
    factor, term
        One integer, or one per channel (last axis).
    scale
        Scale of the output; one entry, or one per channel.
    """

    pointwise: ClassVar[bool] = True
    linear: ClassVar[bool] = True

    factor: tuple[int, ...]
    term: tuple[int, ...]
    scale: tuple[Fraction, ...]

    def infer(self, name: str, *inputs: Value) -> Value:
        (x,) = inputs
        for what, given in (("factors", self.factor), ("terms", self.term), ("scales", self.scale)):
            if len(given) not in (1, x.shape[-1]):
                raise LeveloneError(f"node {name}: {len(given)} {what} for {x.shape[-1]} channels")
        return make_value(
            name, x.shape, self.scale, scaled(bounds(x), integers(self.factor), integers(self.term))
        )

    def evaluate(self, *codes: Codes) -> Codes:
        (x,) = codes
        factor, term = integers(self.factor), integers(self.term)
        dtype = product_dtype(max(largest(x), 1) * largest(factor) + largest(term))
        return x.astype(dtype) * factor.astype(dtype) + term.astype(dtype)

    @property
    def direction(self) -> int:
        return 1 if min(self.factor) >= 0 else -1 if max(self.factor) <= 0 else 0

    def terms(self, position: Index, *shapes: Index) -> Terms:
        (shape,), channel = shapes, position[-1]
        factor, term = (given[channel % len(given)] for given in (self.factor, self.term))
        at = np.array([np.ravel_multi_index(position, shape)])
        return Terms(np.zeros(1, np.int64), at, integers([factor]), term)

    def absolute(self, *sizes: Codes) -> Codes:
        factor, term = (tuple(map(abs, given)) for given in (self.factor, self.term))
        return replace(self, factor=factor, term=term).evaluate(*sizes)

    def float_operations(self, *counts: int) -> int:
        return max(counts) + 4  # both constants, product and sum

    def cost(self, inputs: tuple[Value, ...], output: Value) -> Cost:
        factors = np.resize(integers(self.factor), output.shape[-1])
        places = output.size // output.shape[-1]
        return Cost(ebops=places * int(effective_bits(factors).sum()) * inputs[0].width)
