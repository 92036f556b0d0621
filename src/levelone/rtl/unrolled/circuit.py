"""A network as cells in an order in which they can be computed; equal cells are one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from levelone.graph.values import Codes, IntRange
from levelone.rtl.delays import Effort
from levelone.rtl.unrolled.adders import Offset, Sum
from levelone.rtl.unrolled.cells import Cell, Constant, Input, Shift, Within
from levelone.rtl.unrolled.selectors import AtLeast, Clip

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """A cell in its circuit.

    Attributes
    ----------
    cell
        What it computes.
    operands
        Numbers of the places that it reads.
    reach
        Everything that results.
    layer
        Value of the graph for which it was made.
    """

    cell: Cell
    operands: tuple[int, ...]
    reach: IntRange
    layer: str


@dataclass
class Circuit:
    """Cells under construction. Methods return numbers of places, which cells read each other by.

    Attributes
    ----------
    places
        In an order in which they can be computed.
    layer
        Value of the graph that cells are made for at present.
    """

    places: list[Place] = field(default_factory=list)
    layer: str = ""
    _known: dict[tuple[Cell, tuple[int, ...]], int] = field(default_factory=dict)

    def add(self, cell: Cell, *operands: int) -> int:
        """A cell, or the equal one that is there already."""
        key = (cell, operands)
        if key not in self._known:
            reach = cell.reach(*(self.places[n].reach for n in operands))
            if reach.lo == reach.hi and not isinstance(cell, Constant | Input):
                return self.add(Constant(reach.lo))
            self._known[key] = len(self.places)
            self.places.append(Place(cell, operands, reach, self.layer))
        return self._known[key]

    def reach(self, number: int) -> IntRange:
        """Everything that a place can be."""
        return self.places[number].reach

    def constant(self, number: int) -> int | None:
        """The value of a place that has only one."""
        reach = self.reach(number)
        return reach.lo if reach.lo == reach.hi else None

    def sum(self, a: int, b: int, left: int = 0, right: int = 0, minus: bool = False) -> int:
        """``(a << left) + (b << right)``, or the difference."""
        common = min(left, right)
        if common:
            return self.shift(self.sum(a, b, left - common, right - common, minus), common)
        known_a, known_b = self.constant(a), self.constant(b)
        if known_b is not None:
            term = known_b << right
            return self.offset(self.shift(a, left), -term if minus else term)
        if known_a is not None and not minus:
            return self.offset(self.shift(b, right), known_a << left)
        return self.add(Sum(left, right, minus), a, b)

    def negative(self, a: int) -> int:
        """``-a``."""
        return self.sum(self.add(Constant(0)), a, minus=True)

    def offset(self, a: int, term: int) -> int:
        """``a + term``; terms of terms become one."""
        place = self.places[a]
        if isinstance(place.cell, Within) and isinstance(self.places[place.operands[0]].cell, Offset):
            # what was known before stays known
            inner = self.offset(place.operands[0], term)
            return self.within(inner, IntRange(place.reach.lo + term, place.reach.hi + term))
        if isinstance(place.cell, Offset):
            (a,), term = place.operands, term + place.cell.term
        return self.add(Offset(term), a) if term else a

    def shift(self, a: int, by: int) -> int:
        """``a * 2**by``, rounded down."""
        return self.add(Shift(by), a) if by else a

    def within(self, a: int, known: IntRange) -> int:
        """`a`, which cannot leave `known`."""
        reach = self.reach(a)
        low, high = max(reach.lo, known.lo), min(reach.hi, known.hi)
        return a if (low, high) == (reach.lo, reach.hi) else self.add(Within(IntRange(low, high)), a)

    def clip(self, a: int, low: int, high: int) -> int:
        """`a`, limited."""
        reach = self.reach(a)
        return a if low <= reach.lo and reach.hi <= high else self.add(Clip(low, high), a)

    def at_least(self, a: int, threshold: int) -> int:
        """1 where `a` reaches `threshold`, else 0."""
        return self.add(AtLeast(threshold), a)

    def total(self, terms: list[int]) -> int:
        """The sum of any number of places, as a tree."""
        return joined(terms or [self.add(Constant(0))], self.sum)

    def effort(self, number: int) -> Effort:
        """What a place takes."""
        place = self.places[number]
        return place.cell.effort(place.reach.width, *(self.reach(n) for n in place.operands))

    def evaluate(self, inputs: Mapping[str, Codes]) -> list[Codes]:
        """The meaning of every place.

        Parameters
        ----------
        inputs
            Codes by port, int [event, elements].
        """
        found: list[Codes] = []
        for place in self.places:
            if isinstance(place.cell, Input):
                found.append(inputs[place.cell.port][:, place.cell.index])
            else:
                found.append(place.cell.evaluate(*(found[n] for n in place.operands)))
        return found


def joined(terms: list[T], join: Callable[[T, T], T]) -> T:
    """One of all `terms`, joined in pairs, and pairs of pairs: a tree."""
    while len(terms) > 1:
        pairs = [join(a, b) for a, b in zip(terms[::2], terms[1::2], strict=False)]
        terms = pairs + terms[2 * len(pairs) :]
    return terms[0]
