"""A requantisation as thresholds: between which input codes the output code changes."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

from levelone.graph.ir import Rounding
from levelone.graph.ops import Requantise
from levelone.graph.ops._bounds import spread


def thresholds(op: Requantise, channels: int) -> list[list[int]]:
    """Per channel, where each output code is first reached.

    For a positive multiplier entry ``i`` is the smallest input code whose output (before the zero point is
    taken off) is at least ``op.range.lo + 1 + i``; for a negative one the largest such code, so the list
    descends. The output is ``op.range.lo`` plus the number of entries that the code has reached. Closed form,
    exact.

    Raises
    ------
    ValueError
        If a multiplier is 0: the output is then constant and nothing is ever reached.
    """
    result = []
    for multiplier, offset in zip(spread(op.multiplier, channels), spread(op.offset, channels), strict=True):
        if multiplier == 0:
            raise ValueError("a multiplier of 0 has no thresholds")
        entries = []
        for code in range(op.range.lo + 1, op.range.hi + 1):
            bound, attained = boundary(code, op.rounding)
            x = (bound - offset) / multiplier
            if multiplier > 0:
                entries.append(ceil(x) if attained else floor(x) + 1)
            else:
                entries.append(floor(x) if attained else ceil(x) - 1)
        result.append(entries)
    return result


def boundary(code: int, mode: Rounding) -> tuple[Fraction, bool]:
    """The infimum of the reals that round to `code` or more, and whether it is one of them."""
    half = Fraction(2 * code - 1, 2)
    match mode:
        case Rounding.FLOOR:
            return Fraction(code), True
        case Rounding.CEIL:
            return Fraction(code - 1), False
        case Rounding.DOWN:
            return (Fraction(code), True) if code > 0 else (Fraction(code - 1), False)
        case Rounding.UP:
            return (Fraction(code - 1), False) if code > 0 else (Fraction(code), True)
        case Rounding.ROUND:
            return half, code % 2 == 0
        case Rounding.HALF_UP:
            return half, code > 0
        case Rounding.HALF_DOWN:
            return half, code <= 0
