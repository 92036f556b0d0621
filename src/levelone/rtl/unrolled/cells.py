"""What an unrolled network is made of: functions of integers, each with its meaning, text and effort."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from levelone.graph.values import Codes, IntRange
from levelone.rtl.delays import WIRES, Effort, reduction_levels, reduction_luts
from levelone.rtl.netlist import literal


@dataclass(frozen=True)
class Net:
    """A named number on wires: the fewest bits that hold its range, two's complement if that is signed."""

    name: str
    reach: IntRange

    @property
    def width(self) -> int:
        """Bits."""
        return self.reach.width

    def bits(self, low: int, count: int) -> str:
        """`count` bits from bit `low` on, extended by the sign."""
        width = self.width
        top = f"{self.name}[{width - 1}]" if self.reach.signed else "1'b0"
        if low >= width:
            return f"{{{count}{{{top}}}}}"
        own = min(count, width - low)
        part = f"{self.name}[{low}+:{own}]"
        return part if own == count else f"{{{{{count - own}{{{top}}}}}, {part}}}"


class Cell(ABC):
    """A function of integers."""

    @abstractmethod
    def reach(self, *operands: IntRange) -> IntRange:
        """Everything that results from operands in these ranges."""

    @abstractmethod
    def evaluate(self, *operands: Codes) -> Codes:
        """Its meaning, element by element."""

    @abstractmethod
    def text(self, result: Net, *operands: Net) -> str:
        """An expression of as many bits as `result` has, of operands and of what is `declared`."""

    def declared(self, result: Net, *operands: Net) -> str:
        """What stands in front of the wire `result`; empty: nothing."""
        return ""

    @abstractmethod
    def effort(self, width: int, *operands: IntRange) -> Effort:
        """What it takes."""


@dataclass(frozen=True)
class Input(Cell):
    """Element `index` of a port."""

    port: str
    index: int
    range: IntRange

    def reach(self, *operands: IntRange) -> IntRange:
        return self.range

    def evaluate(self, *operands: Codes) -> Codes:
        raise TypeError("the codes of a port are given")

    def text(self, result: Net, *operands: Net) -> str:
        raise TypeError("the codes of a port are wired by the design")

    def effort(self, width: int, *operands: IntRange) -> Effort:
        return WIRES


@dataclass(frozen=True)
class Constant(Cell):
    """A number."""

    value: int

    def reach(self, *operands: IntRange) -> IntRange:
        return IntRange(self.value, self.value)

    def evaluate(self, *operands: Codes) -> Codes:
        return np.asarray(self.value)

    def text(self, result: Net, *operands: Net) -> str:
        width = result.width
        return literal(self.value, width)

    def effort(self, width: int, *operands: IntRange) -> Effort:
        return WIRES


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
class Shift(Cell):
    """``a * 2**by``, rounded down where `by` is negative: wires."""

    by: int

    def reach(self, *operands: IntRange) -> IntRange:
        (a,) = operands
        return IntRange(*(end << self.by if self.by >= 0 else end >> -self.by for end in (a.lo, a.hi)))

    def evaluate(self, *operands: Codes) -> Codes:
        return operands[0] << self.by if self.by >= 0 else operands[0] >> -self.by

    def text(self, result: Net, *operands: Net) -> str:
        width = result.width
        (a,) = operands
        if self.by <= 0:
            return a.bits(-self.by, width)
        return f"{{{a.bits(0, width - self.by)}, {self.by}'d0}}" if width > self.by else literal(0, width)

    def effort(self, width: int, *operands: IntRange) -> Effort:
        return WIRES


@dataclass(frozen=True)
class Within(Cell):
    """The same number, known to be in a narrower range: fewer wires."""

    range: IntRange

    def reach(self, *operands: IntRange) -> IntRange:
        return self.range

    def evaluate(self, *operands: Codes) -> Codes:
        return operands[0]

    def text(self, result: Net, *operands: Net) -> str:
        width = result.width
        return operands[0].bits(0, width)

    def effort(self, width: int, *operands: IntRange) -> Effort:
        return WIRES


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
        bits = max(whole, IntRange(min(self.low, -1), max(self.high, 0)).width) + 1
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
        bits = max(a.width, IntRange(min(self.threshold, -1), max(self.threshold, 0)).width) + 1
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
