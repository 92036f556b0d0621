"""What an unrolled network is made of: functions of integers, each with its meaning, text and effort."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from levelone.graph.values import Codes, IntRange
from levelone.rtl.delays import WIRES, Effort
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
