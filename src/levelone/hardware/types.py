"""Fixed-point types of the hardware, chosen from exact ranges and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import UnsupportedError
from levelone.graph.ir import IntRange, Rounding, Value
from levelone.graph.ops._bounds import largest, product_dtype
from levelone.graph.rounding import round_divide

TRACE_BITS = 53
"""Widest code that a trace (IEEE double) carries exactly."""

MOST = 2**TRACE_BITS
"""Largest integer that a parameter may be: hls4ml is handed doubles."""

# What Rounding means to the vendor's types. CEIL and UP have no counterpart there.
AP_ROUNDING = {
    Rounding.ROUND: "RND_CONV",
    Rounding.FLOOR: "TRN",
    Rounding.DOWN: "TRN_ZERO",
    Rounding.HALF_UP: "RND_INF",
    Rounding.HALF_DOWN: "RND_ZERO",
}


@dataclass(frozen=True)
class FixedType:
    """An ``ap_[u]fixed``: `width` bits whose least significant one is worth ``2**exponent``.

    Attributes
    ----------
    rounding, saturation
        What an assignment to this type does, in the vendor's words without their ``AP_`` prefix.
    """

    width: int
    exponent: int
    signed: bool
    rounding: str = "TRN"
    saturation: str = "WRAP"

    @property
    def integer(self) -> int:
        """Bits left of the binary point, the sign included; may be negative or exceed `width`."""
        return self.width + self.exponent

    @property
    def range(self) -> IntRange:
        """Every code that the bits can hold."""
        if not self.signed:
            return IntRange(0, 2**self.width - 1)
        low = -(2 ** (self.width - 1))
        return IntRange(low + 1 if self.saturation == "SAT_SYM" else low, 2 ** (self.width - 1) - 1)

    def assigned(self, codes: NDArray[Any], exponent: int) -> NDArray[Any]:
        """What codes worth ``2**exponent`` become when they are assigned to this type, as its codes.

        Parameters
        ----------
        codes
            int64, or Python integers where they may be larger.
        """
        up, down = max(exponent - self.exponent, 0), max(self.exponent - exponent, 0)
        dtype = product_dtype(largest(codes), 1 << up, 4) if down < TRACE_BITS else object
        wide: NDArray[Any] = codes.astype(dtype) * np.array(1 << up, dtype=dtype)
        divisor: NDArray[Any] = np.array(1 << down, dtype=dtype)
        mode = next(mode for mode, name in AP_ROUNDING.items() if name == self.rounding)
        rounded = round_divide(wide, divisor, mode)
        if self.saturation == "WRAP":
            low = self.range.lo
            return (rounded - low) % (1 << self.width) + low
        return np.minimum(np.maximum(rounded, self.range.lo), self.range.hi)

    @property
    def ap(self) -> str:
        """The C++ type, modes spelt out only where they are not the default."""
        modes = "" if self.exact else f",AP_{self.rounding},AP_{self.saturation},0"
        return f"ap_{'' if self.signed else 'u'}fixed<{self.width},{self.integer}{modes}>"

    @property
    def exact(self) -> bool:
        """Whether assignments to it are meant to change nothing."""
        return self.rounding == "TRN" and self.saturation == "WRAP"


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
    """The type that carries exactly the integers of `value`.

    Raises
    ------
    UnsupportedError
        If the width is beyond what a trace shows exactly.
    """
    if value.width > TRACE_BITS:
        raise UnsupportedError(
            f"{value.name}: {value.width} bits; csim can be compared exactly up to {TRACE_BITS} bits",
            hint="use narrower weights or activations, or fewer terms per sum",
        )
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
    if rounding not in AP_ROUNDING:
        return None
    base = replace(value_type(value), rounding=AP_ROUNDING[rounding])
    reached = clip if unclipped is None else unclipped
    if reached.lo >= clip.lo and reached.hi <= clip.hi:
        return base
    wide = replace(exact_type(clip, base.exponent), rounding=base.rounding)
    for candidate in (base, wide):
        for saturation in ("SAT", "SAT_SYM"):
            fixed = replace(candidate, saturation=saturation)
            if saturation == "SAT_SYM" and not fixed.signed:
                continue
            low_fits = reached.lo >= clip.lo or fixed.range.lo == clip.lo
            high_fits = reached.hi <= clip.hi or fixed.range.hi == clip.hi
            if low_fits and high_fits:
                return fixed
    return None
