"""Fixed-point types of the hardware, chosen from exact ranges and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ops._bounds import largest, product_dtype
from levelone.graph.rounding import round_divide
from levelone.graph.values import IntRange, Rounding, Value

LONGEST_SHIFT = 53
"""More bits than these are dropped from Python integers only."""


class Overflow(Enum):
    """What becomes of a number that a type cannot hold."""

    WRAP = "wrap"
    SATURATE = "saturate"
    SYMMETRIC = "saturate symmetrically"


@dataclass(frozen=True)
class FixedType:
    """`width` bits whose least significant one is worth ``2**exponent``.

    Attributes
    ----------
    rounding, overflow
        What an assignment to this type does to bits that it lacks.
    """

    width: int
    exponent: int
    signed: bool
    rounding: Rounding = Rounding.FLOOR
    overflow: Overflow = Overflow.WRAP

    @property
    def range(self) -> IntRange:
        """Every code that an assignment can give."""
        reach = bits_range(self.width, self.signed)
        if self.signed and self.overflow is Overflow.SYMMETRIC:
            return IntRange(reach.lo + 1, reach.hi)
        return reach

    @property
    def exact(self) -> bool:
        """Whether assignments to it are meant to change nothing."""
        return self.rounding is Rounding.FLOOR and self.overflow is Overflow.WRAP

    def assigned(self, codes: NDArray[Any], exponent: int) -> NDArray[Any]:
        """What codes worth ``2**exponent`` become when they are assigned to this type, as its codes.

        Parameters
        ----------
        codes
            int64, or Python integers where they may be larger.
        """
        up, down = max(exponent - self.exponent, 0), max(self.exponent - exponent, 0)
        dtype = product_dtype(largest(codes), 1 << up, 4) if down < LONGEST_SHIFT else object
        wide: NDArray[Any] = codes.astype(dtype) * np.array(1 << up, dtype=dtype)
        divisor: NDArray[Any] = np.array(1 << down, dtype=dtype)
        rounded = round_divide(wide, divisor, self.rounding)
        if self.overflow is Overflow.WRAP:
            low = self.range.lo
            return (rounded - low) % (1 << self.width) + low
        return np.minimum(np.maximum(rounded, self.range.lo), self.range.hi)


@dataclass(frozen=True)
class Parameter:
    """Weights or other constants: integer codes and the type that carries them.

    Attributes
    ----------
    codes
        int64, in the layout of the hardware.
    type
        Exact for every code.
    """

    codes: NDArray[np.int64]
    type: FixedType

    @classmethod
    def of_integers(cls, codes: NDArray[np.int64]) -> Parameter:
        """Plain integers and the smallest type that holds every one of them."""
        return cls(codes, exact_type(IntRange.of_codes(codes), 0))


def bits_range(width: int, signed: bool) -> IntRange:
    """Every integer that so many bits can hold."""
    half = 2 ** (width - 1)
    return IntRange(-half, half - 1) if signed else IntRange(0, 2 * half - 1)


def exact_type(range_: IntRange, exponent: int) -> FixedType:
    """The smallest type that holds every code of `range_`; nothing is ever rounded or clipped by it."""
    return FixedType(range_.width, exponent, range_.signed)


def exponent_of(value: Value) -> int:
    """The binary exponent of the type that carries a value's codes.

    That of its scale, if the scale is one power of two for the whole tensor. Otherwise no fixed-point type
    has the real numbers of the tensor, and the hardware carries the plain integers: 0.
    """
    return 0 if value.exponent is None else value.exponent


def value_type(value: Value) -> FixedType:
    """The type that carries exactly the integers of `value`."""
    return exact_type(value.range, exponent_of(value))


def clipping_type(
    value: Value, clip: IntRange, rounding: Rounding, unclipped: IntRange | None = None
) -> FixedType | None:
    """The type whose own rounding and saturation are the requantisation to `value`; None if there is none.

    Parameters
    ----------
    clip
        The range that codes are clipped to.
    unclipped
        What can be reached before clipping, after rounding; a side that is never reached need not be a
        bound of the type.
    """
    base = replace(value_type(value), rounding=rounding)
    reached = clip if unclipped is None else unclipped
    if reached.lo >= clip.lo and reached.hi <= clip.hi:
        return base
    wide = replace(exact_type(clip, base.exponent), rounding=rounding)
    for candidate in (base, wide):
        for overflow in (Overflow.SATURATE, Overflow.SYMMETRIC):
            fixed = replace(candidate, overflow=overflow)
            if overflow is Overflow.SYMMETRIC and not fixed.signed:
                continue
            low_fits = reached.lo >= clip.lo or fixed.range.lo == clip.lo
            high_fits = reached.hi <= clip.hi or fixed.range.hi == clip.hi
            if low_fits and high_fits:
                return fixed
    return None
