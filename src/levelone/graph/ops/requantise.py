"""Rounding onto a coarser (or finer) grid and saturating: QONNX `Quant` between integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.operation import Cost, RoundedSum, Steps
from levelone.graph.ops._bounds import bounds, integers, largest, make_value, product_dtype, spread
from levelone.graph.ops._rounding import Quantiser, ranges_of, some, thresholds
from levelone.graph.rounding import round_divide
from levelone.graph.values import Codes, IntRange, Rounding, Value


@dataclass(frozen=True)
class Requantise(Quantiser):
    """``clip(round(code * multiplier + offset), range) - zero_point``, in exact rational arithmetic.

    Attributes
    ----------
    multiplier, offset
        One entry, or one per channel. For a plain change of scale the multiplier is
        input scale / output scale and the offset is the zero point.
    scale
        Scale of the output; one entry, or one per channel.
    range, rounding, zero_point
        See `Quantiser`.
    """

    multiplier: tuple[Fraction, ...]
    scale: tuple[Fraction, ...]
    range: IntRange
    rounding: Rounding = Rounding.ROUND
    offset: tuple[Fraction, ...] = (Fraction(0),)
    zero_point: int = 0

    @classmethod
    def between(
        cls,
        source: Value,
        scale: Fraction | Sequence[Fraction],
        range: IntRange,
        rounding: Rounding = Rounding.ROUND,
        *,
        gain: Sequence[Fraction] = (Fraction(1),),
        bias: Sequence[Fraction] = (Fraction(0),),
        zero_point: int = 0,
    ) -> Requantise:
        """The quantiser of the real number ``gain * x + bias``, where ``x`` is the real value of `source`."""
        target = (scale,) if isinstance(scale, Fraction) else tuple(scale)
        count = max(len(source.scale), len(target), len(gain), len(bias))
        wide = [spread(tuple(t), count) for t in (source.scale, target, tuple(gain), tuple(bias))]
        multiplier = tuple(g * s / t for s, t, g, _ in zip(*wide, strict=True))
        offset = tuple(b / t + zero_point for _, t, _, b in zip(*wide, strict=True))
        return cls(_fold(multiplier), _fold(target), range, rounding, _fold(offset), zero_point)

    @classmethod
    def aligning(cls, source: Value, scale: Fraction) -> Requantise:
        """The lossless change onto a grid that divides the source's: nothing rounds, nothing saturates."""
        ratios = [s / scale for s in source.scale]
        if any(r.denominator != 1 for r in ratios):
            raise LeveloneError(f"{source.name}: scale {source.scale} is not a multiple of {scale}")
        ends = [int(r) * e for r in ratios for e in (source.range.lo, source.range.hi)]
        return cls.between(source, scale, IntRange(min(ends), max(ends)))

    @property
    def is_shift(self) -> bool:
        """Whether it is one binary shift for the whole tensor, with nothing added."""
        if len(self.multiplier) != 1 or any(self.offset) or self.zero_point:
            return False
        num, den = self.multiplier[0].as_integer_ratio()
        return num > 0 and num & (num - 1) == 0 and den & (den - 1) == 0

    def is_cast(self, source: Value) -> bool:
        """Whether it is one binary shift that leaves the real numbers of `source` as they are.

        That is what an assignment to a fixed-point type does. A gain of two or one half before a quantiser is
        a shift, too, but changes the real numbers, and no assignment does that.
        """
        return self.is_shift and {*source.scale} == {self.multiplier[0] * scale for scale in self.scale}

    def integer_form(self) -> tuple[Codes, Codes, Codes]:
        """(factor, term, divisor), each one or one per channel: ``(code * factor + term) / divisor``."""
        count = max(len(self.multiplier), len(self.offset))
        pairs = list(zip(spread(self.multiplier, count), spread(self.offset, count), strict=True))
        divisors = [lcm(m.denominator, b.denominator) for m, b in pairs]
        factors = integers(int(m * d) for (m, _), d in zip(pairs, divisors, strict=True))
        terms = integers(int(b * d) for (_, b), d in zip(pairs, divisors, strict=True))
        return factors, terms, integers(divisors)

    def infer(self, name: str, *inputs: Value) -> Value:
        (x,) = inputs
        channels = x.shape[-1]
        for what, given in (
            ("multipliers", self.multiplier),
            ("offsets", self.offset),
            ("scales", self.scale),
        ):
            if len(given) not in (1, channels):
                raise LeveloneError(f"node {name}: {len(given)} {what} for {channels} channels")
        # A monotone function of the code: the ends of the interval map to the ends of the image.
        ends = np.stack([self.evaluate(side) for side in bounds(x)])
        return make_value(name, x.shape, self.scale, (ends.min(axis=0), ends.max(axis=0)))

    def evaluate(self, *codes: Codes) -> Codes:
        (x,) = codes
        factors, terms, divisors = self.integer_form()
        reach = max(largest(x), 1) * largest(factors) + largest(terms)  # factors are held, too
        dtype = product_dtype(max(reach, 1), 4)
        if largest(divisors) >= 2**61 or not self.range.in_int64:
            dtype = object
        rounded = round_divide(
            x.astype(dtype) * factors.astype(dtype) + terms.astype(dtype),
            divisors.astype(dtype),
            self.rounding,
        )
        clipped = np.minimum(np.maximum(rounded, self.range.lo), self.range.hi)
        return (clipped - self.zero_point).astype(np.int64 if dtype is np.int64 else object)

    @property
    def lossless(self) -> bool:
        return all(n.denominator == 1 for n in (*self.multiplier, *self.offset))

    def absolute(self, *sizes: Codes) -> Codes:
        if not self.lossless:
            return super().absolute(*sizes)
        factors, terms, _ = (np.abs(numbers) for numbers in self.integer_form())
        dtype = product_dtype(largest(sizes[0]) * max(largest(factors), 1) + largest(terms))
        return sizes[0].astype(dtype) * factors.astype(dtype) + terms.astype(dtype)

    def float_operations(self, *counts: int) -> int:
        # if it is a quantiser of the file: divided by a scale, and multiplied by it again
        return max(counts) + 2 if self.lossless else super().float_operations(*counts)

    @property
    def direction(self) -> int:
        return 1 if min(self.multiplier) >= 0 else -1 if max(self.multiplier) <= 0 else 0

    def thresholds(self, channels: int) -> list[NDArray[Any]]:
        """Per channel, where each output code is first reached (`_rounding.thresholds`).

        Entry ``i`` is for ``range.lo + 1 + i``: the output, before the zero point is taken off, is
        ``range.lo`` plus the number of entries that the code has reached.
        """
        pairs = zip(spread(self.multiplier, channels), spread(self.offset, channels), strict=True)
        codes = range(self.range.lo + 1, self.range.hi + 1)
        return [thresholds(codes, self.rounding, m, b) for m, b in pairs]

    def rounding_steps(self, *operands: Value, most: int) -> tuple[Steps, ...]:
        (x,) = operands
        rows = max(len(self.multiplier), len(self.offset))
        constants = zip(spread(self.multiplier, rows), spread(self.offset, rows), strict=True)
        found = []
        for reach, (multiplier, offset) in zip(ranges_of(x, rows), constants, strict=True):
            alone = replace(self, multiplier=(multiplier,), offset=(offset,), zero_point=0)
            ends = alone.evaluate(integers([reach.lo, reach.hi])[:, None])
            codes = some(IntRange.of_codes(ends), most) if multiplier else []
            at = thresholds(codes, self.rounding, multiplier, offset) if codes else np.zeros(0, np.int64)
            found.append(Steps(np.unique(at if multiplier > 0 else at + 1)))
        return tuple(found)

    def rounded_sum(self, channel: int) -> RoundedSum:
        multiplier, offset = (given[channel % len(given)] for given in (self.multiplier, self.offset))
        return self._rounded((multiplier,), offset)

    def cost(self, inputs: tuple[Value, ...], output: Value) -> Cost:
        return Cost()  # what it multiplies or compares with is chosen by a body


def _fold(values: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
    return values[:1] if len(set(values)) == 1 else values
