"""Cells that compare, limit and choose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelone.graph.values import Codes, IntRange
from levelone.rtl.delays import WIRES, Effort, reduction_levels, reduction_luts
from levelone.rtl.netlist import literal, signed_bits
from levelone.rtl.unrolled.cells import Cell, Net


@dataclass(frozen=True)
class Clip(Cell):
    """``a``, but not below `low` and not above `high`."""

    low: int
    high: int

    def reach(self, *operands: IntRange) -> IntRange:
        (a,) = operands
        return IntRange(*(min(max(end, self.low), self.high) for end in (a.lo, a.hi)))

    def evaluate(self, *operands: Codes) -> Codes:
        return np.minimum(np.maximum(operands[0], self.low), self.high)

    def text(self, result: Net, *operands: Net) -> str:
        width = result.width
        (a,) = operands
        own, low, high = a.bits(0, width), literal(self.low, width), literal(self.high, width)
        whole = a.width
        sign = a.bits(whole - 1, 1) if a.reach.signed else "1'b0"
        if self._binary:
            above = self._above(width, a.reach)
            limited = f"(|{a.bits(width, above)}) ? {high} : {own}" if above else own
            return f"{sign} ? {low} : {limited}" if a.reach.signed else limited
        bits = max(whole, signed_bits(self.low, self.high)) + 1
        code = f"$signed({a.bits(0, bits)})"
        ends = [f"$signed({literal(end, bits)})" for end in (self.low, self.high)]
        return f"{code} < {ends[0]} ? {low} : {code} > {ends[1]} ? {high} : {own}"

    def effort(self, width: int, *operands: IntRange) -> Effort:
        (a,) = operands
        if a.lo >= self.low and a.hi <= self.high:
            return WIRES
        if not self._binary:
            return Effort(width + a.width, 2, 1, a.width + 1)
        beyond = self._above(width, a) + int(a.signed)
        if beyond <= 5:
            return Effort(width, 1)
        return Effort(width + reduction_luts(beyond - 1), 1 + reduction_levels(beyond - 1))

    @property
    def _binary(self) -> bool:
        """Whether only the sign and bits above the result tell."""
        return self.low == 0 and self.high & self.high + 1 == 0

    def _above(self, width: int, a: IntRange) -> int:
        """Bits above the result, without the sign, that a code too large has set."""
        return a.width - int(a.signed) - width if a.hi > self.high else 0


@dataclass(frozen=True)
class Largest(Cell):
    """The larger of two."""

    def reach(self, *operands: IntRange) -> IntRange:
        a, b = operands
        return IntRange(max(a.lo, b.lo), max(a.hi, b.hi))

    def evaluate(self, *operands: Codes) -> Codes:
        return np.maximum(*operands)

    def text(self, result: Net, *operands: Net) -> str:
        width = result.width
        a, b = operands
        bits = max(a.width, b.width) + 1
        compared = f"$signed({a.bits(0, bits)}) > $signed({b.bits(0, bits)})"
        return f"{compared} ? {a.bits(0, width)} : {b.bits(0, width)}"

    def effort(self, width: int, *operands: IntRange) -> Effort:
        bits = max(r.width for r in operands)
        return Effort(bits + width, 2, 1, bits + 1)


@dataclass(frozen=True)
class AtLeast(Cell):
    """1 where ``a >= threshold``, else 0."""

    threshold: int

    def reach(self, *operands: IntRange) -> IntRange:
        (a,) = operands
        return IntRange(int(a.lo >= self.threshold), int(a.hi >= self.threshold))

    def evaluate(self, *operands: Codes) -> Codes:
        return (operands[0] >= self.threshold).astype(np.int64)

    def text(self, result: Net, *operands: Net) -> str:
        (a,) = operands
        bits = max(a.width, signed_bits(self.threshold)) + 1
        return f"$signed({a.bits(0, bits)}) >= $signed({literal(self.threshold, bits)})"

    def effort(self, width: int, *operands: IntRange) -> Effort:
        (a,) = operands
        if self.threshold == 0:
            return WIRES  # the sign
        return Effort(-(-a.width // 2), 1, 1, a.width)


@dataclass(frozen=True)
class Gated(Cell):
    """``a`` where bit `bit` of ``b`` is set, else 0."""

    bit: int

    def reach(self, *operands: IntRange) -> IntRange:
        a, _ = operands
        return IntRange(min(a.lo, 0), max(a.hi, 0))

    def evaluate(self, *operands: Codes) -> Codes:
        a, b = operands
        return a * (b >> self.bit & 1)

    def text(self, result: Net, *operands: Net) -> str:
        width = result.width
        a, b = operands
        return f"{b.bits(self.bit, 1)} ? {a.bits(0, width)} : {width}'d0"

    def effort(self, width: int, *operands: IntRange) -> Effort:
        return Effort(width, 1)


@dataclass(frozen=True)
class Table(Cell):
    """``entries[a - lowest]``."""

    lowest: int
    entries: tuple[int, ...]

    def reach(self, *operands: IntRange) -> IntRange:
        (a,) = operands
        reached = self.entries[a.lo - self.lowest : a.hi - self.lowest + 1]
        return IntRange(min(reached), max(reached))

    def evaluate(self, *operands: Codes) -> Codes:
        return np.array(self.entries, dtype=object)[(operands[0] - self.lowest).astype(np.int64)]

    def text(self, result: Net, *operands: Net) -> str:
        (a,) = operands
        return f"f_{result.name}({a.bits(0, a.width)})"

    def declared(self, result: Net, *operands: Net) -> str:
        (a,) = operands
        bits, width, function = a.width, result.width, f"f_{result.name}"
        cases = " ".join(
            f"{literal(code, bits)}: {function} = {literal(self.entries[code - self.lowest], width)};"
            for code in range(a.reach.lo, a.reach.hi + 1)
        )
        return (
            f"function [{width - 1}:0] {function}(input [{bits - 1}:0] code); "
            f"case (code) {cases} default: {function} = 0; endcase endfunction"
        )

    def effort(self, width: int, *operands: IntRange) -> Effort:
        beyond = max(operands[0].width - 6, 0)
        return Effort(width << beyond, 1 + -(-beyond // 2))
