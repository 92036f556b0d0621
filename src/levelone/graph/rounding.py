"""Every rounding mode of QONNX: of exact quotients, on integers only, and of floats."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.graph.values import Rounding

INT64_SAFE = 2**62
"""Magnitudes below this leave room for one more addition or doubling in int64."""


def round_divide(numerator: NDArray[Any], denominator: NDArray[Any], mode: Rounding) -> NDArray[Any]:
    """``round(numerator / denominator)`` without ever forming the quotient as a float.

    Parameters
    ----------
    numerator, denominator
        int64 with magnitudes below 2**62, or object arrays of Python integers; broadcast together.
        Denominators are positive.
    """
    quotient = numerator // denominator
    remainder = numerator - quotient * denominator  # in [0, denominator)
    positive, inexact = numerator > 0, remainder > 0
    above, tie = 2 * remainder > denominator, 2 * remainder == denominator
    match mode:
        case Rounding.FLOOR:
            bump = np.zeros_like(inexact)
        case Rounding.CEIL:
            bump = inexact
        case Rounding.UP:
            bump = inexact & positive
        case Rounding.DOWN:
            bump = inexact & ~positive
        case Rounding.ROUND:
            bump = above | (tie & (quotient % 2 == 1))
        case Rounding.HALF_UP:
            bump = above | (tie & positive)
        case Rounding.HALF_DOWN:
            bump = above | (tie & ~positive)
    return quotient + bump


def round_float(x: NDArray[Any], mode: Rounding) -> NDArray[Any]:
    """Round floats to integral floats; exact wherever ``abs(x) + 0.5`` is representable."""
    match mode:
        case Rounding.ROUND:
            return np.rint(x)
        case Rounding.CEIL:
            return np.ceil(x)
        case Rounding.FLOOR:
            return np.floor(x)
        case Rounding.UP:
            return np.copysign(np.ceil(np.abs(x)), x)
        case Rounding.DOWN:
            return np.trunc(x)
        case Rounding.HALF_UP:
            return np.copysign(np.floor(np.abs(x) + 0.5), x)
        case Rounding.HALF_DOWN:
            return np.copysign(np.ceil(np.abs(x) - 0.5), x)


def round_fraction(x: Fraction, mode: Rounding) -> int:
    """One exact rational number rounded to an integer."""
    pair = np.array([x.numerator, x.denominator], dtype=object)
    return int(round_divide(pair[:1], pair[1:], mode)[0])


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


def boundaries(codes: NDArray[Any], mode: Rounding) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """`boundary` of many codes: twice the infima, which are integers, and whether each is attained.

    Parameters
    ----------
    codes
        int64 with magnitudes below 2**61, or an object array of Python integers.
    """
    positive = np.asarray(codes > 0, dtype=bool)
    match mode:
        case Rounding.FLOOR:
            attained, doubled = np.ones_like(positive), 2 * codes
        case Rounding.CEIL:
            attained, doubled = np.zeros_like(positive), 2 * codes - 2
        case Rounding.DOWN:
            attained, doubled = positive, 2 * codes - 2 * ~positive
        case Rounding.UP:
            attained, doubled = ~positive, 2 * codes - 2 * positive
        case Rounding.ROUND:
            attained, doubled = np.asarray(codes % 2 == 0, dtype=bool), 2 * codes - 1
        case Rounding.HALF_UP:
            attained, doubled = positive, 2 * codes - 1
        case Rounding.HALF_DOWN:
            attained, doubled = ~positive, 2 * codes - 1
    return doubled, attained
