"""A value on wires, and what stands between two blocks that group its codes otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import gcd

from levelone.graph.values import Value


@dataclass(frozen=True)
class Stream:
    """The codes of a value in row-major order (channels last), some of them per beat.

    Attributes
    ----------
    beats
        Beats per event.
    lanes
        Codes per beat; the first one in the lowest bits.
    width
        Bits of a code: two's complement if `signed`, else plain binary.
    signed
        Whether codes can be negative.
    """

    beats: int
    lanes: int
    width: int
    signed: bool

    @classmethod
    def of(cls, value: Value, lanes: int) -> Stream:
        """The stream of `value` with so many codes per beat."""
        if value.size % lanes:
            raise ValueError(f"{value.name}: {value.size} codes in beats of {lanes}")
        return cls(value.size // lanes, lanes, value.width, value.signed)

    @property
    def bits(self) -> int:
        """Bits of a beat."""
        return self.lanes * self.width

    def regrouped(self, lanes: int) -> Stream:
        """The same codes, `lanes` of them per beat."""
        return replace(self, beats=self.beats * self.lanes // lanes, lanes=lanes)

    def clocks_to(self, lanes: int) -> int:
        """Clocks per event on the way to a reader of `lanes` codes: beats where they are the narrowest."""
        return self.beats * self.lanes // gcd(self.lanes, lanes)


def regrouping(source: int, target: int) -> tuple[int, ...]:
    """Lanes on the way from `source` to `target` lanes: each step divides or multiplies by an integer."""
    common = gcd(source, target)
    way = [source, common, target]
    return tuple(lanes for i, lanes in enumerate(way) if i == 0 or lanes != way[i - 1])
