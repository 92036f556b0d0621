"""What operations have in common that turn codes into other integers, place by place."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from levelone.graph.operation import DeclinedError, Op, RoundedSum
from levelone.graph.ops._bounds import integers, largest
from levelone.graph.rounding import INT64_SAFE, boundaries, boundary
from levelone.graph.values import IntRange, Rounding, Value


class Rounded(Op):
    """Each code of the result follows from those at its place by rounding or by a table."""

    pointwise: ClassVar[bool] = True
    rounds: ClassVar[bool] = True


class RoundedFunction(Protocol):
    """What a table or staircase was made of: a function of the operand's code, then rounded."""

    @property
    def unit(self) -> Fraction:
        """The real number 1, in steps of the result."""
        ...

    def number(self, code: Fraction) -> Fraction:
        """What is rounded, zero point included; where the function is infinite, beyond every limit.

        Raises
        ------
        ValueError
            If the function is not defined there.
        """
        ...

    def border(self, code: int) -> Fraction:
        """See `Op.border`."""
        ...


ELEMENTARY = 2
"""By how many times more than a product a float32 library's functions may be off, of the larger of the result
and 1: they pass through numbers of about 1."""


class Function(Rounded):
    """A function of one code, by a table or by the codes at which it changes.

    Attributes
    ----------
    functions
        What it was made of: one, or one per channel; empty if that is not known.
    """

    functions: tuple[RoundedFunction, ...]

    def _function(self, channel: int, question: str) -> RoundedFunction:
        if not self.functions:
            raise DeclinedError(self, question)
        return self.functions[channel % len(self.functions)]

    def number(self, channel: int, *codes: int) -> Fraction:
        return self._function(channel, "which number it rounds").number(Fraction(codes[0]))

    def border(self, code: int) -> Fraction:
        return self._function(0, "where its rounding changes its mind").border(code)

    def deviation(
        self, channel: int, codes: Sequence[int], sizes: Sequence[int], relative: Fraction
    ) -> Fraction:
        function = self._function(channel, "how inexact arithmetic changes the number that it rounds")
        (code,), (size,) = codes, sizes
        here, moved = function.number(Fraction(code)), Fraction(0)
        for end in (code - relative * size, code + relative * size):
            with suppress(ValueError):  # an operand beyond the function's domain
                moved = max(moved, abs(function.number(end) - here))
        return moved + ELEMENTARY * relative * max(abs(here), function.unit)


class Quantiser(Rounded):
    """``clip(round(number), range) - zero_point``, for some rational number.

    Attributes
    ----------
    range
        Saturation limits, before the zero point is taken off.
    rounding
        QONNX rounding mode.
    zero_point
        Subtracted at the end, so that output codes are always centred: real = code * scale.
    """

    range: IntRange
    rounding: Rounding
    zero_point: int

    def _rounded(self, multipliers: tuple[Fraction, ...], offset: Fraction) -> RoundedSum:
        return RoundedSum(multipliers, offset, self.rounding, self.range, self.zero_point)

    @abstractmethod
    def rounded_sum(self, channel: int) -> RoundedSum: ...

    def number(self, channel: int, *codes: int) -> Fraction:
        return self.rounded_sum(channel).number(*codes)

    def border(self, code: int) -> Fraction:
        bound, _ = boundary(code + self.zero_point, self.rounding)
        return bound

    def deviation(
        self, channel: int, codes: Sequence[int], sizes: Sequence[int], relative: Fraction
    ) -> Fraction:
        rounded = self.rounded_sum(channel)
        terms = (abs(m) * size for m, size in zip(rounded.multipliers, sizes, strict=True))
        return relative * sum(terms, abs(rounded.offset))


def thresholds(codes: Sequence[int], mode: Rounding, multiplier: Fraction, offset: Fraction) -> NDArray[Any]:
    """Where ``round(n * multiplier + offset)`` first reaches each of some codes: closed form, exact.

    For a positive multiplier, the smallest integer ``n`` with that result or more; for a negative one the
    largest.

    Raises
    ------
    ValueError
        If the multiplier is 0: the output is then constant and nothing is ever reached.
    """
    if multiplier == 0:
        raise ValueError("a multiplier of 0 has no thresholds")
    # (bound - offset) / multiplier as one fraction of integers, its denominator positive
    (n, d), (p, q) = multiplier.as_integer_ratio(), offset.as_integer_ratio()
    sign = 1 if n > 0 else -1
    levels = integers(codes)
    reach = (2 * largest(levels) + 2) * q + 2 * abs(p)
    small = reach * d < INT64_SAFE and 2 * q * abs(n) < INT64_SAFE
    doubled, attained = boundaries(levels.astype(np.int64 if small else object), mode)
    numerator = (doubled * q - 2 * p) * (sign * d)
    denominator = 2 * q * abs(n)
    whole = numerator // denominator
    exact = whole * denominator == numerator
    if sign > 0:  # ceil(x) if the bound is attained, else floor(x) + 1
        return np.where(attained & exact, whole, whole + 1)
    return np.where(exact & ~attained, whole - 1, whole)  # floor(x) if it is attained, else ceil(x) - 1


def some(reach: IntRange, most: int) -> list[int]:
    """The codes above the lowest of a range: all, or `most` evenly chosen ones."""
    count = reach.hi - reach.lo
    if count <= most:
        return list(range(reach.lo + 1, reach.hi + 1))
    return [reach.lo + 1 + i * (count - 1) // (most - 1) for i in range(most)]


def evenly(steps: NDArray[Any], most: int) -> NDArray[Any]:
    """All, or `most` evenly chosen ones."""
    return steps if len(steps) <= most else steps[np.linspace(0, len(steps) - 1, most).astype(int)]


def ranges_of(x: Value, rows: int) -> tuple[IntRange, ...]:
    """What the operand reaches, for each of as many rows as there are channels, or for a single one."""
    return x.channel_ranges if rows > 1 and x.channel_ranges else (x.range,) * rows
