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
from levelone.graph.operation import Cost, RoundedSum, Steps, effective_bits
from levelone.graph.ops._bounds import bounds, integers, largest, make_value, product_dtype, spread
from levelone.graph.ops._rounding import Quantiser, ranges_of, some, thresholds
from levelone.graph.rounding import round_divide, round_float, round_fraction
from levelone.graph.values import Codes, IntRange, Rounding, Value


@dataclass(frozen=True)
class AddRequantise(Quantiser):
    """``clip(round(a * multipliers[0] + b * multipliers[1] + offset), range) - zero_point``, exactly.

    Attributes
    ----------
    multipliers
        For each operand one entry, or one per channel.
    offset
        One entry, or one per channel.
    scale
        Scale of the output; one entry, or one per channel.
    range, rounding, zero_point
        See `Quantiser`.
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

    @property
    def direction(self) -> int:
        multipliers = [*self.multipliers[0], *self.multipliers[1]]
        return 1 if min(multipliers) >= 0 else -1 if max(multipliers) <= 0 else 0

    def argument(self, *codes: Codes) -> Codes:
        """The numerator of what is rounded (`integer_form`)."""
        first, second, term, _ = (integers(column) for column in zip(*self._forms(), strict=True))
        a, b = (max(largest(x), 1) for x in codes)  # factors are held even where codes are zero
        reach = a * largest(first) + b * largest(second) + largest(term)
        dtype = product_dtype(reach)
        constants: list[NDArray[Any]] = [numbers.astype(dtype) for numbers in (first, second, term)]
        return codes[0].astype(dtype) * constants[0] + codes[1].astype(dtype) * constants[1] + constants[2]

    def rounding_steps(self, *operands: Value, most: int) -> tuple[Steps, ...]:
        forms = self._forms()
        found = []
        for form, a, b in zip(forms, *(ranges_of(x, len(forms)) for x in operands), strict=True):
            first, second, term, divisor = form
            ends = [sorted((r.lo * m, r.hi * m)) for r, m in ((a, first), (b, second))]
            reach = IntRange(ends[0][0] + ends[1][0] + term, ends[0][1] + ends[1][1] + term)
            levels = [
                min(max(round_fraction(Fraction(n, divisor), self.rounding), self.range.lo), self.range.hi)
                for n in (reach.lo, reach.hi)
            ]
            codes = some(IntRange(*levels), most)
            at = thresholds(codes, self.rounding, Fraction(1, divisor), Fraction(0))
            spans = ((abs(m), high - low) for m, (low, high) in zip(form, ends, strict=False))
            found.append(Steps(np.unique(at), _near(*spans)))
        return tuple(found)

    def rounded_sum(self, channel: int) -> RoundedSum:
        first, second, offset = (given[channel % len(given)] for given in (*self.multipliers, self.offset))
        return self._rounded((first, second), offset)

    def cost(self, inputs: tuple[Value, ...], output: Value) -> Cost:
        """The products with the constants of `integer_form`."""
        first, second, _, _ = zip(*self.integer_form(output.shape[-1]), strict=True)
        places = output.size // output.shape[-1]
        bits = (
            int(effective_bits(integers(constants)).sum()) * x.width
            for constants, x in zip((first, second), inputs, strict=True)
        )
        return Cost(ebops=places * sum(bits))

    def _forms(self) -> list[tuple[int, int, int, int]]:
        """`integer_form`, once if it serves all channels."""
        return self.integer_form(max(map(len, (*self.multipliers, self.offset))))


def _near(*operands: tuple[int, int]) -> int:
    """The largest gap between sums of multiples: of each operand (step, from its lowest to its highest)."""
    moving = sorted((step, span) for step, span in operands if span)
    if len(moving) < 2:
        return moving[0][0] if moving else 1
    (fine, span), (coarse, _) = moving
    return max(fine, coarse - span)  # the finer one fills the steps of the other, as far as it reaches
