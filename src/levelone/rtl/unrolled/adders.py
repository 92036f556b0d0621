"""Cells with a carry chain for every bit, and the end of a rounding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelone.graph.values import Codes, IntRange
from levelone.rtl.delays import WIRES, Effort, reduction_levels, reduction_luts
from levelone.rtl.netlist import literal
from levelone.rtl.unrolled.cells import Cell, Net


@dataclass(frozen=True)
class Sum(Cell):
    """``(a << left) + (b << right)``, or the difference; one of the shifts is 0."""

    left: int
    right: int
    minus: bool

    def reach(self, *operands: IntRange) -> IntRange:
        a, b = operands
        low, high = (b.hi, b.lo) if self.minus else (b.lo, b.hi)
        sign = -1 if self.minus else 1
        return IntRange(
            (a.lo << self.left) + sign * (low << self.right),
            (a.hi << self.left) + sign * (high << self.right),
        )

    def evaluate(self, *operands: Codes) -> Codes:
        a, b = operands
        shifted = b << self.right
        return (a << self.left) + (-shifted if self.minus else shifted)

    def text(self, result: Net, *operands: Net) -> str:
        width = result.width
        a, b = operands
        if self._apart(width, a.reach, b.reach):
            low, high, shift = (a, b, self.right) if self.right else (b, a, self.left)
            return f"{{{high.bits(0, width - shift)}, {low.bits(0, shift)}}}"
        if self.minus and self.left:
            shifted = f"{{{a.bits(0, width - self.left)}, {self.left}'d0}}" if width > self.left else "1'b0"
            return f"{shifted} - {b.bits(0, width)}"
        low, high, shift = (b, a, self.left) if self.left else (a, b, self.right)
        if not shift:
            return f"{a.bits(0, width)} {'-' if self.minus else '+'} {b.bits(0, width)}"
        upper = width - shift
        if upper < 1:
            return low.bits(0, width)
        sign = "-" if self.minus else "+"
        # the sum stands alone in its braces' operand: as wide as what it is made of
        return f"{{{low.bits(shift, upper)} {sign} {high.bits(0, upper)}, {low.bits(0, shift)}}}"

    def effort(self, width: int, *operands: IntRange) -> Effort:
        a, b = operands
        if self._apart(width, a, b):
            return WIRES
        below = 0 if self.minus and self.left else self.left or self.right
        chain = max(width - below, 0)
        # beyond the bits of one operand a sum is the other one and takes no table; a difference inverts it
        ends = [
            chain if r.signed else min(max(r.width + shift - below, 0), chain)
            for r, shift in ((a, self.left), (b, self.right))
        ]
        return Effort(max(ends) if self.minus else min(ends), 1, 1, chain)

    def _apart(self, width: int, a: IntRange, b: IntRange) -> bool:
        """Whether no bit of one meets a bit of the other."""
        shift = self.left or self.right
        low = b if self.left else a
        return not self.minus and 0 < shift < width and not low.signed and low.width <= shift


@dataclass(frozen=True)
class Offset(Cell):
    """``a + term``."""

    term: int

    def reach(self, *operands: IntRange) -> IntRange:
        return IntRange(operands[0].lo + self.term, operands[0].hi + self.term)

    def evaluate(self, *operands: Codes) -> Codes:
        return operands[0] + self.term

    def text(self, result: Net, *operands: Net) -> str:
        width = result.width
        return f"{operands[0].bits(0, width)} + {literal(self.term, width)}"

    def effort(self, width: int, *operands: IntRange) -> Effort:
        zeros = (self.term & -self.term).bit_length() - 1 if self.term else width
        # adding a constant inverts the bits at its ones
        return Effort((self.term % (1 << width)).bit_count(), 1, 1, max(width - zeros, 0))


@dataclass(frozen=True)
class Even(Cell):
    """``a >> by``, made even where nothing was cut off: half to even, once half has been added."""

    by: int

    def reach(self, *operands: IntRange) -> IntRange:
        (a,) = operands
        return IntRange.of_codes(self.evaluate(np.array([a.lo, a.hi], dtype=object)))

    def evaluate(self, *operands: Codes) -> Codes:
        whole, rest = operands[0] >> self.by, operands[0] & (1 << self.by) - 1
        return np.where(rest == 0, whole & -2, whole)

    def text(self, result: Net, *operands: Net) -> str:
        width = result.width
        (a,) = operands
        odd = f"{a.bits(self.by, 1)} & (|{a.bits(0, self.by)})"
        return f"{{{a.bits(self.by + 1, width - 1)}, {odd}}}" if width > 1 else odd

    def effort(self, width: int, *operands: IntRange) -> Effort:
        return Effort(reduction_luts(self.by + 1), reduction_levels(self.by + 1))
