"""The fixed-point types of the vendor's C++, as they are spelt there."""

from __future__ import annotations

from dataclasses import dataclass

from levelone.graph.values import IntRange, Rounding
from levelone.hardware.types import FixedType, Overflow, bits_range

ROUNDINGS = {
    Rounding.ROUND: "RND_CONV",
    Rounding.FLOOR: "TRN",
    Rounding.DOWN: "TRN_ZERO",
    Rounding.HALF_UP: "RND_INF",
    Rounding.HALF_DOWN: "RND_ZERO",
}
"""What rounding modes are called there. CEIL and UP have no counterpart."""

SATURATIONS = {Overflow.WRAP: "WRAP", Overflow.SATURATE: "SAT", Overflow.SYMMETRIC: "SAT_SYM"}


@dataclass(frozen=True)
class ApFixed:
    """An ``ap_[u]fixed``: `width` bits whose least significant one is worth ``2**exponent``.

    Attributes
    ----------
    rounding, saturation
        What an assignment to this type does, in the vendor's words without their ``AP_`` prefix: more of them
        than `FixedType` has, since firmware may have been edited.
    """

    width: int
    exponent: int
    signed: bool
    rounding: str = "TRN"
    saturation: str = "WRAP"

    @classmethod
    def of(cls, fixed: FixedType) -> ApFixed:
        """The same type in the vendor's words; `KeyError` for a rounding that they lack."""
        modes = ROUNDINGS[fixed.rounding], SATURATIONS[fixed.overflow]
        return cls(fixed.width, fixed.exponent, fixed.signed, *modes)

    @property
    def integer(self) -> int:
        """Bits left of the binary point, the sign included; may be negative or exceed `width`."""
        return self.width + self.exponent

    @property
    def range(self) -> IntRange:
        """Every code that an assignment can give."""
        reach = bits_range(self.width, self.signed)
        symmetric = self.signed and self.saturation == "SAT_SYM"
        return IntRange(reach.lo + 1, reach.hi) if symmetric else reach

    @property
    def ap(self) -> str:
        """The C++ type, modes spelt out only where they are not the default."""
        modes = "" if self.exact else f",AP_{self.rounding},AP_{self.saturation},0"
        return f"ap_{'' if self.signed else 'u'}fixed<{self.width},{self.integer}{modes}>"

    @property
    def exact(self) -> bool:
        """Whether assignments to it are meant to change nothing."""
        return self.rounding == "TRN" and self.saturation == "WRAP"


def ap(fixed: FixedType) -> str:
    """The C++ type."""
    return ApFixed.of(fixed).ap
