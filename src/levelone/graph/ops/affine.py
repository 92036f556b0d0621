"""An integer multiply and add per channel: constants that change codes without rounding them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from levelone.errors import LeveloneError
from levelone.graph.ir import Codes, Value
from levelone.graph.ops._bounds import bounds, integers, largest, make_value, product_dtype, scaled


@dataclass(frozen=True)
class Affine:
    """``code * factor + term``, exactly.

    Attributes
    ----------
    factor, term
        One integer, or one per channel (last axis).
    scale
        Scale of the output; one entry, or one per channel.
    """

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
        dtype = product_dtype(largest(x) * largest(factor) + largest(term))
        return x.astype(dtype) * factor.astype(dtype) + term.astype(dtype)
