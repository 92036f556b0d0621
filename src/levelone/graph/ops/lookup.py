"""Any function of one code, as a table: sigmoid, tanh, leaky ReLU and the like, quantised."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.operation import Cost, Steps
from levelone.graph.ops._bounds import bounds, make_value, read_only
from levelone.graph.ops._rounding import Function, RoundedFunction, evenly, ranges_of
from levelone.graph.values import Codes, Value


@dataclass(frozen=True, eq=False)
class Lookup(Function):
    """``table[code - lowest]``.

    Attributes
    ----------
    lowest
        The code of the table's first entry.
    table
        int64 [codes], or [channels, codes] where channels differ.
    scale
        Scale of the output; one entry, or one per channel.
    functions
        See `Function`.
    """

    tabulated: ClassVar[bool] = True

    lowest: int
    table: NDArray[np.int64]
    scale: tuple[Fraction, ...]
    functions: tuple[RoundedFunction, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", read_only(self.table))
        if self.table.ndim not in (1, 2) or self.table.size == 0:
            raise ValueError(f"table of shape {self.table.shape}")

    def infer(self, name: str, *inputs: Value) -> Value:
        (x,) = inputs
        highest = self.lowest + self.table.shape[-1] - 1
        if x.range.lo < self.lowest or x.range.hi > highest:
            raise LeveloneError(
                f"node {name}: table of codes {self.lowest} to {highest}, but {x.name} reaches "
                f"{x.range.lo} to {x.range.hi}"
            )
        if self.table.ndim == 2 and len(self.table) != x.shape[-1]:
            raise LeveloneError(f"node {name}: {len(self.table)} tables for {x.shape[-1]} channels")
        rows = np.broadcast_to(self.table, (x.shape[-1], self.table.shape[-1]))
        reached = [
            row[int(a) - self.lowest : int(b) - self.lowest + 1]
            for row, a, b in zip(rows, *bounds(x), strict=True)
        ]
        lo, hi = (np.array([f(r) for r in reached]) for f in (np.min, np.max))
        return make_value(name, x.shape, self.scale, (lo, hi))

    def evaluate(self, *codes: Codes) -> Codes:
        index = (codes[0] - self.lowest).astype(np.int64)
        if self.table.ndim == 1:
            return self.table[index]
        return self.table[np.arange(len(self.table)), index]

    @property
    def direction(self) -> int:
        rises = np.diff(self.table)
        return 1 if (rises >= 0).all() else -1 if (rises <= 0).all() else 0

    def rounding_steps(self, *operands: Value, most: int) -> tuple[Steps, ...]:
        table = np.atleast_2d(self.table)
        found = []
        for row, reach in zip(table, ranges_of(operands[0], len(table)), strict=True):
            changes = np.flatnonzero(np.diff(row[reach.lo - self.lowest : reach.hi - self.lowest + 1]))
            found.append(Steps(evenly(changes + reach.lo + 1, most)))
        return tuple(found)

    def cost(self, inputs: tuple[Value, ...], output: Value) -> Cost:
        return Cost()  # a memory is read, nothing is multiplied
