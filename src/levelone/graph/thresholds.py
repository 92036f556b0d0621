"""A requantisation as thresholds: between which input codes the output code changes."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from levelone.graph.ir import Rounding
from levelone.graph.ops import Requantise
from levelone.graph.ops._bounds import spread
from levelone.graph.rounding import INT64_SAFE


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
    codes = range(op.range.lo + 1, op.range.hi + 1)
    bounds = [boundary(code, op.rounding) for code in codes]
    doubled = [int(2 * bound) for bound, _ in bounds]
    attained = np.array([at for _, at in bounds], dtype=bool)
    result = []
    for multiplier, offset in zip(spread(op.multiplier, channels), spread(op.offset, channels), strict=True):
        if multiplier == 0:
            raise ValueError("a multiplier of 0 has no thresholds")
        # (bound - offset) / multiplier as one fraction of integers, its denominator positive
        (n, d), (p, q) = multiplier.as_integer_ratio(), offset.as_integer_ratio()
        sign = 1 if n > 0 else -1
        largest = max(map(abs, doubled), default=0) * q + 2 * abs(p)
        small = largest * d < INT64_SAFE and 2 * q * abs(n) < INT64_SAFE
        numerator = (np.array(doubled, dtype=np.int64 if small else object) * q - 2 * p) * (sign * d)
        denominator = 2 * q * abs(n)
        whole = numerator // denominator
        exact = whole * denominator == numerator
        if sign > 0:  # ceil(x) if the bound is attained, else floor(x) + 1
            entries = np.where(attained & exact, whole, whole + 1)
        else:  # floor(x) if it is attained, else ceil(x) - 1
            entries = np.where(exact & ~attained, whole - 1, whole)
        result.append(entries.tolist())
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
