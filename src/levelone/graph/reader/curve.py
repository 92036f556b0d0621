"""What a quantised function makes of integer codes, code by code or by the codes at which it changes.

Rational functions are evaluated in rationals, the others in float64, and that number is then rounded
exactly. To find every step of such a function without trying every code, one needs to know that nothing
happens between two codes. The function itself is monotone between its turning points, but its float64 values
are not quite: a library may be off by some units in the last place. So each value stands for an interval that
is far wider than any such error (`SLACK`), and codes between two are taken to be alike only if the intervals
at both ends leave no other level. Where they do, the codes are tried one by one.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from levelone.graph.ops import Staircase
from levelone.graph.ops._bounds import collapse
from levelone.graph.reader.quantiser_node import QuantiserNode
from levelone.graph.rounding import boundary, round_float
from levelone.graph.values import IntRange

CLOSE = 1e-9
"""Relative distance of a float64 from a multiple of one half below which rationals decide how it rounds."""
SLACK = 2.0**-40, 2.0**-60
"""Relative and absolute error granted to float64 functions: 2**13 units in the last place."""
MAX_STEPS = 2**12
"""Most steps of a staircase: each is a comparator."""

SPARSE = 32
"""Codes per level of a table from which on its steps are searched for: each takes about `log2` codes."""

FAR = 2**200
"""Stands for an infinite number."""

Turns = tuple[Fraction, Fraction] | tuple[()]


@dataclass(frozen=True)
class Curve:
    """The quantised function of ``clamp(gain * code + bias)``; a `RoundedFunction` of its table.

    Attributes
    ----------
    gain, bias
        From the code to the real number that the function is given, before it is clamped.
    scale, zero
        Of the quantiser.
    """

    gain: Fraction
    bias: Fraction
    lower: Fraction | None
    upper: Fraction | None
    of: Callable[[Fraction], Fraction | float]
    quantiser: QuantiserNode
    scale: Fraction
    zero: int

    @property
    def unit(self) -> Fraction:
        return 1 / self.scale

    def number(self, code: Fraction) -> Fraction:
        real = self.of(self.operand(code))
        if math.isnan(real):
            raise ValueError("the function is not defined there")
        if math.isinf(real):
            return Fraction(FAR if real > 0 else -FAR)
        return Fraction(real) / self.scale + self.zero

    def border(self, code: int) -> Fraction:
        if self.quantiser.bipolar:
            return Fraction(0)
        bound, _ = boundary(code + self.zero, self.quantiser.rounding)
        return bound

    def operand(self, code: int | Fraction) -> Fraction:
        """The real number that the function is given."""
        x = self.gain * code + self.bias
        x = x if self.lower is None else max(x, self.lower)
        return x if self.upper is None else min(x, self.upper)

    def entry(self, code: int) -> int:
        """The output's code."""
        return self._level(self.of(self.operand(code)))

    def ends(self, code: int) -> tuple[int, int]:
        """The lowest and highest code of the output, were the float64 function off by `SLACK`."""
        real = self.of(self.operand(code))
        if isinstance(real, Fraction | int) or not math.isfinite(real):
            return self._level(real), self._level(real)
        slack = abs(real) * SLACK[0] + SLACK[1]
        return self._level(real - slack), self._level(real + slack)

    def _level(self, real: Fraction | float) -> int:
        limits, rounding = self.quantiser.range, self.quantiser.rounding
        if isinstance(real, float) and math.isnan(real):
            raise ValueError("the function before it is not defined everywhere")
        if self.quantiser.bipolar:
            return 1 if real >= 0 else -1
        if isinstance(real, float) and not math.isfinite(real):
            return (limits.hi if real > 0 else limits.lo) - self.zero
        if isinstance(real, float):
            # Far enough from where any rounding changes its mind, floats decide as rationals would.
            code = real / float(self.scale) + self.zero
            if not limits.lo - 1 < code < limits.hi + 1:
                return (limits.hi if code > 0 else limits.lo) - self.zero
            doubled = 2 * code
            if abs(doubled - round(doubled)) > CLOSE * (1 + abs(doubled)):
                rounded = int(round_float(np.array([code]), rounding)[0])
                return min(max(rounded, limits.lo), limits.hi) - self.zero
        return self.quantiser.code(Fraction(real), self.scale, Fraction(self.zero)) - self.zero


@dataclass
class _Search:
    """The steps of one curve; every code is evaluated once, and `spend` is told of it."""

    curve: Curve
    spend: Callable[[], None]
    known: dict[int, tuple[int, int]] = field(default_factory=dict)

    def ends(self, code: int) -> tuple[int, int]:
        if code not in self.known:
            self.spend()
            self.known[code] = self.curve.ends(code)
        return self.known[code]

    def pieces(self, turns: Turns, r: IntRange) -> Iterator[tuple[int, int]]:
        """(first code, level) of pieces on which the curve is constant, in order."""
        codes = range(r.lo, r.hi + 1)
        if not turns:
            yield from self._monotone(r.lo, r.hi, self.curve.gain >= 0)
            return
        # the function falls up to `before`, rises from `after` on; in the order of the codes, or against it
        before, after = turns
        if self.curve.gain >= 0:
            left = bisect_right(codes, before, key=self.curve.operand)
            right = max(bisect_left(codes, after, key=self.curve.operand), left)
        else:
            left = bisect_right(codes, -after, key=lambda code: -self.curve.operand(code))
            right = max(bisect_left(codes, -before, key=lambda code: -self.curve.operand(code)), left)
        if left:
            yield from self._monotone(r.lo, r.lo + left - 1, rising=False)
        for code in codes[left:right]:
            self.spend()
            yield code, self.curve.entry(code)
        if right < len(codes):
            yield from self._monotone(r.lo + right, r.hi, rising=True)

    def _monotone(self, lo: int, hi: int, rising: bool) -> Iterator[tuple[int, int]]:
        open_spans = [(lo, hi)]
        while open_spans:
            first, last = open_spans.pop()
            bottom, top = (first, last) if rising else (last, first)
            if first == last or self.ends(bottom)[0] == self.ends(top)[1]:
                yield first, self.curve.entry(first)
            else:
                middle = (first + last) // 2
                open_spans += [(middle + 1, last), (first, middle)]


def tabulated(curve: Curve, turns: Turns | None, r: IntRange) -> list[int]:
    """The output's code for every code in `r`.

    Parameters
    ----------
    turns
        Where the function turns (`Function.turns`), so that not every code need be tried; None if unknown.
    """
    limits = curve.quantiser.range
    if turns is None or r.hi - r.lo < SPARSE * (limits.hi - limits.lo + 1):
        return [curve.entry(code) for code in range(r.lo, r.hi + 1)]
    pieces = [*_Search(curve, lambda: None).pieces(turns, r)]
    ends = [first for first, _ in pieces[1:]] + [r.hi + 1]
    return [level for (first, level), end in zip(pieces, ends, strict=True) for _ in range(first, end)]


def staircase(curves: list[Curve], turns: Turns, r: IntRange, spend: Callable[[], None]) -> Staircase | None:
    """All curves, one or one per channel, over the codes `r`; None if one changes too often.

    Parameters
    ----------
    turns
        Where the function turns (`Function.turns`).
    spend
        Called for every evaluation: what bounds the time that this may take.
    """
    found = {curve: _steps(curve, turns, r, spend) for curve in dict.fromkeys(curves)}
    if any(len(steps) > MAX_STEPS for steps, _ in found.values()):
        return None
    count = max(1, *(len(steps) for steps, _ in found.values()))
    rows = [found[curve] for curve in (curves if len(found) > 1 else curves[:1])]
    steps = [at + [r.hi + 1] * (count - len(at)) for at, _ in rows]
    levels = [level + level[-1:] * (count + 1 - len(level)) for _, level in rows]
    scale = collapse(curve.scale for curve in curves)
    return Staircase(np.array(steps), np.array(levels), scale, tuple(curves))


def _steps(curve: Curve, turns: Turns, r: IntRange, spend: Callable[[], None]) -> tuple[list[int], list[int]]:
    """(codes at which the level changes, the level before the first of them and from each of them on)."""
    at: list[int] = []
    levels: list[int] = []
    for code, level in _Search(curve, spend).pieces(turns, r):
        if not levels:
            levels.append(level)
        elif level != levels[-1]:
            at.append(code)
            levels.append(level)
        if len(at) > MAX_STEPS:
            break
    return at, levels
