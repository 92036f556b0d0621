"""A function of few levels, by the codes at which it changes: tanh and the like of a wide sum, quantised."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.operation import Cost, Steps
from levelone.graph.ops._bounds import bounds, make_value, read_only
from levelone.graph.ops._rounding import Function, RoundedFunction, evenly, ranges_of
from levelone.graph.values import Codes, IntRange, Value


@dataclass(frozen=True, eq=False)
class Staircase(Function):
    """``levels[number of steps <= code]``.

    Attributes
    ----------
    steps
        int64 [rows, steps], rising; one row, or one per channel. Where a channel has fewer, filled with codes
        beyond its reach.
    levels
        int64 [rows, steps + 1]: the result below the first step, from there to the second, and so on.
    scale
        Scale of the output; one entry, or one per channel.
    functions
        See `Function`.
    """

    steps: NDArray[np.int64]
    levels: NDArray[np.int64]
    scale: tuple[Fraction, ...]
    functions: tuple[RoundedFunction, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        for key in ("steps", "levels"):
            object.__setattr__(self, key, read_only(getattr(self, key)))
        rows, count = self.steps.shape
        if self.levels.shape != (rows, count + 1):
            raise ValueError(f"{self.levels.shape} levels for {self.steps.shape} steps")
        if (self.steps[:, 1:] < self.steps[:, :-1]).any():
            raise ValueError("steps do not rise")

    def infer(self, name: str, *inputs: Value) -> Value:
        (x,) = inputs
        if len(self.steps) not in (1, x.shape[-1]):
            raise LeveloneError(f"node {name}: {len(self.steps)} rows of steps for {x.shape[-1]} channels")
        reached = [
            self.levels[row][self._count(row, low) : self._count(row, high) + 1]
            for row, (low, high) in zip(self._rows(x.shape[-1]), zip(*bounds(x), strict=True), strict=True)
        ]
        lo, hi = (np.array([f(r) for r in reached]) for f in (np.min, np.max))
        return make_value(name, x.shape, self.scale, (lo, hi))

    def evaluate(self, *codes: Codes) -> Codes:
        (x,) = codes
        if len(self.steps) == 1:
            return self.levels[0][self._count(0, x)]
        result = np.empty(x.shape, dtype=np.int64)
        for row in range(len(self.steps)):
            result[..., row] = self.levels[row][self._count(row, x[..., row])]
        return result

    @property
    def direction(self) -> int:
        rises = np.diff(self.levels)
        return 1 if (rises >= 0).all() else -1 if (rises <= 0).all() else 0

    def rounding_steps(self, *operands: Value, most: int) -> tuple[Steps, ...]:
        found = []
        for row, reach in enumerate(ranges_of(operands[0], len(self.steps))):
            at = self._within(row, reach)
            levels = self.levels[row]
            changes = levels[self._count(row, at)] != levels[self._count(row, at - 1)]
            found.append(Steps(evenly(at[changes], most)))
        return tuple(found)

    def cost(self, inputs: tuple[Value, ...], output: Value) -> Cost:
        """A comparison for each step that can be reached."""
        (x,) = inputs
        rows = ranges_of(x, len(self.steps))
        each = sum(len(self._within(row, reach)) for row, reach in enumerate(rows))
        return Cost(ebops=output.size // len(rows) * each * x.width)

    def _within(self, row: int, reach: IntRange) -> NDArray[np.int64]:
        """Steps that tell two of these codes apart."""
        steps = self.steps[row]
        return np.unique(steps[(steps > reach.lo) & (steps <= reach.hi)])

    def _count(self, row: int, codes: Any) -> Any:
        """How many steps codes have reached."""
        return np.searchsorted(self.steps[row], np.asarray(codes, dtype=np.int64), side="right")

    def _rows(self, channels: int) -> list[int]:
        """Each channel's row."""
        return [0] * channels if len(self.steps) == 1 else list(range(channels))
