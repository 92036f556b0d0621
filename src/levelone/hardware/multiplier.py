"""The smallest multiplier whose shifted products climb, or fall, by a given staircase.

``(code * factor + term) >> shift`` is at least ``level`` at a code, or below it, if and only if::

    factor * code + term >= level * 2**shift,    factor * code + term < level * 2**shift

So a staircase asks for a straight line on or above some points and below others, neither of which depend on
the shift. Only corners of their convex hulls matter, and they are few. For a given shift these inequalities
are linear in factor and term: the factors that have a term are *all* integers of one interval, whose ends
follow from pairs of corners.

Half of an even factor does with one shift less, ``floor(term / 2)`` being its term. So the smallest shift
that has a factor has exactly one, an odd one, unless it is 0. No larger shift has a shorter one: where ``m``
is the least of a shift, the next has none below ``2 * m - 1``, and its even ones are those of the shift
before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

import numpy as np

MAX_SHIFT = 48
"""Fractional bits that are searched; a parameter is handed to the firmware through an IEEE double."""

Point = tuple[int, int]
"""(code, level)"""
MANY = 64
"""Points of a hull that are worth looking at together first."""
SAFE = 1 << 30
"""Products of differences of smaller numbers are int64."""


@dataclass(frozen=True)
class Multiplier:
    """``(code * factor + term) >> shift``."""

    factor: int
    term: int
    shift: int


def smallest_multiplier(reached: Iterable[Point], missed: Iterable[Point]) -> Multiplier | None:
    """The one with the fewest fractional bits, and the shortest factor that has them; None if there is none.

    Parameters
    ----------
    reached
        (code, level): the result is `level` or more there; rising codes.
    missed
        (code, level): the result is less than `level` there; rising codes. Of the two kinds together,
        at least one pair has to stand at different codes.
    """
    upper = _hull(reached)
    lower = [(code, -level) for code, level in _hull((code, -level) for code, level in missed)]
    least, most = [], []  # (rise, run): the factor is more than rise * 2**shift / run, or less
    for code, level in upper:
        for other, limit in lower:
            if code > other:
                least.append((level - limit, code - other))
            elif code < other:
                most.append((limit - level, other - code))
            elif level >= limit:
                return None
    for shift in range(MAX_SHIFT + 1):
        low = max(((rise << shift) // run + 1 for rise, run in least), default=None)
        high = min((-(-(rise << shift) // run) - 1 for rise, run in most), default=None)
        if low is not None and high is not None and low > high:
            continue
        factor = _shortest(low, high)
        terms = (
            max((level << shift) - factor * code for code, level in upper),
            min((level << shift) - 1 - factor * code for code, level in lower),
        )
        return Multiplier(factor, roundest(*terms), shift)
    return None


def _hull(points: Iterable[Point]) -> list[Point]:
    """Corners of the upper convex hull of points of rising codes, the highest of each code."""
    hull: list[Point] = []
    for x, y in _thinned(list(points)):
        if hull and hull[-1][0] == x:
            if hull[-1][1] >= y:
                continue
            hull.pop()
        while len(hull) > 1 and _bends_up(hull[-2], hull[-1], (x, y)):
            hull.pop()
        hull.append((x, y))
    return hull


def _thinned(points: list[Point]) -> list[Point]:
    """Points of rising codes without most of those that are on or below the line between their neighbours.

    None of these is a corner of the upper hull, so they may go together.
    """
    if len(points) < MANY or max(map(abs, chain.from_iterable(points))) >= SAFE:
        return points
    x, y = np.array(points, dtype=np.int64).T
    starts = np.flatnonzero(np.diff(x, prepend=x[0] - 1))
    x, y = x[starts], np.maximum.reduceat(y, starts)
    before = 2 * len(x)
    while MANY < len(x) < before:
        before = len(x)
        run, rise = x[1:] - x[:-1], y[1:] - y[:-1]
        bends = rise[:-1] * run[1:] <= rise[1:] * run[:-1]
        kept = np.concatenate([[True], ~bends, [True]])
        x, y = x[kept], y[kept]
    return list(zip(x.tolist(), y.tolist(), strict=True))


def _bends_up(a: Point, b: Point, c: Point) -> bool:
    """Whether `b` is on or below the line from `a` to `c`."""
    return (b[1] - a[1]) * (c[0] - a[0]) <= (c[1] - a[1]) * (b[0] - a[0])


def _shortest(low: int | None, high: int | None) -> int:
    """The integer between both ends, None being no end, that is cheapest to multiply by."""
    if low is None or (high is not None and high < 0):
        assert high is not None  # noqa: S101  (codes differ in one pair at least)
        return -_shortest(-high, None if low is None else -low)
    if low <= 0:
        return 0
    power = 1 << (low - 1).bit_length()
    return power if high is None or power <= high else roundest(low, high)


def roundest(low: int, high: int) -> int:
    """The integer between both ends with the most trailing zeros: the cheapest to add."""
    zeros = 0
    while (low + (2 << zeros) - 1) >> (zeros + 1) << (zeros + 1) <= high and zeros < MAX_SHIFT:
        zeros += 1
    return (low + (1 << zeros) - 1) >> zeros << zeros
