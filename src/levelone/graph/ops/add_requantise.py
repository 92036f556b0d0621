"""The sum of two tensors of any scales, rounded once: a residual connection and the quantiser behind it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.ir import Codes, IntRange, Rounding, Value
from levelone.graph.ops._bounds import bounds, largest, make_value, spread
from levelone.graph.rounding import round_divide, round_float


@dataclass(frozen=True)
class AddRequantise:
    """``clip(round(a * multipliers[0] + b * multipliers[1] + offset), range) - zero_point``, exactly.

    Attributes
    ----------
    multipliers
        For each operand one entry, or one per channel.
    offset
        One entry, or one per channel.
    scale
        Scale of the output; one entry, or one per channel.
    range
        Saturation limits, before the zero point is taken off.
    rounding
        QONNX rounding mode.
    zero_point
        Subtracted at the end, so that output codes are always centred: real = code * scale.
    """

    multipliers: tuple[tuple[Fraction, ...], tuple[Fraction, ...]]
    offset: tuple[Fraction, ...]
    scale: tuple[Fraction, ...]
    range: IntRange
    rounding: Rounding = Rounding.ROUND
    zero_point: int = 0

    def integer_form(self, channels: int) -> list[tuple[int, int, int, int]]:
        """Per channel: ``(a * first + b * second + term) / divisor``."""
        found = []
        for numbers in zip(*(spread(t, channels) for t in (*self.multipliers, self.offset)), strict=True):
            divisor = lcm(*(n.denominator for n in numbers))
            first, second, term = (int(n * divisor) for n in numbers)
            found.append((first, second, term, divisor))
        return found

    def infer(self, name: str, *inputs: Value) -> Value:
        a, b = inputs
        if a.shape != b.shape:
            raise LeveloneError(f"node {name}: adds shapes {a.shape} and {b.shape}")
        for given in (*self.multipliers, self.offset, self.scale):
            if len(given) not in (1, a.shape[-1]):
                raise LeveloneError(f"node {name}: {len(given)} constants for {a.shape[-1]} channels")
        # Monotone in each operand: the extremes are at corners.
        corners = np.stack([self.evaluate(x, y) for x, y in product(bounds(a), bounds(b))])
        return make_value(name, a.shape, self.scale, (corners.min(axis=0), corners.max(axis=0)))

    def evaluate(self, *codes: Codes) -> Codes:
        """Float64 where it is provably far enough from where any rounding changes its mind, else integers."""
        a, b = codes
        first, second, offset = (np.array([float(n) for n in t]) for t in (*self.multipliers, self.offset))
        estimate = a.astype(np.float64) * first + b.astype(np.float64) * second + offset
        size = largest(a) * np.abs(first).max() + largest(b) * np.abs(second).max() + np.abs(offset).max()
        doubled = 2 * estimate
        # ten roundings, each of at most 2**-53 of the largest magnitude
        doubtful = ~(np.abs(doubled - np.rint(doubled)) > (size + 1) * 2.0**-48)
        with np.errstate(invalid="ignore"):
            limited = np.clip(estimate, self.range.lo - 1, self.range.hi + 1)
        result = round_float(np.where(doubtful, 0, limited), self.rounding).astype(np.int64)
        result[doubtful] = self._exactly(a, b, np.nonzero(doubtful))
        return np.clip(result, self.range.lo, self.range.hi) - self.zero_point

    def _exactly(self, a: Codes, b: Codes, where: tuple[NDArray[Any], ...]) -> NDArray[Any]:
        """Rounded elements at `where`, limited to one beyond the range, from Python integers."""
        forms = np.array(self.integer_form(a.shape[-1]), dtype=object)[where[-1]]
        total = a[where].astype(object) * forms[:, 0] + b[where].astype(object) * forms[:, 1] + forms[:, 2]
        rounded = round_divide(total, forms[:, 3], self.rounding)
        return np.clip(rounded, self.range.lo - 1, self.range.hi + 1).astype(np.int64)
