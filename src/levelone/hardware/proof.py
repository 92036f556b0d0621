"""What was proven of a layer: the exact bounds of what it computes, and how exactness was shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from levelone.errors import LeveloneError
from levelone.graph.values import IntRange
from levelone.hardware.types import FixedType


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Exact bounds of what a layer computes.

    Attributes
    ----------
    method
        How it was proven.
    of
        What is bounded: "accumulator", "sum", "product", "count" or "rounded".
    lo, hi
        Smallest and largest integer that is reached.
    bits
        Width of the smallest type that holds both.
    """

    method: str
    of: str
    lo: int
    hi: int
    bits: int


@dataclass(frozen=True, kw_only=True)
class RangeProof(Bounds):
    """The type that holds what is computed holds every integer within the bounds.

    Attributes
    ----------
    width_only_bits
        What the widths of the operands alone would ask for; None where there are no weights.
    """

    method: Literal["range"] = "range"
    width_only_bits: int | None = None


@dataclass(frozen=True, kw_only=True)
class Tried(Bounds):
    """The hardware of a requantisation equals its meaning for every code that the range analysis allows.

    Attributes
    ----------
    checked
        Codes tried, over all channels.
    reachable
        Codes that can be reached, over all channels.
    exhaustive
        Whether all of them were tried; otherwise both sides of every step were, and both functions are
        monotone.
    identical
        Whether, instead, hardware and meaning were found to have the very same numbers and rounding, and to
        clip both ends alike.
    """

    checked: int
    reachable: int
    exhaustive: bool
    identical: bool


@dataclass(frozen=True, kw_only=True)
class ScalingProof(Tried):
    """By a multiplier of so many bits, with these shifts."""

    method: Literal["scaling"] = "scaling"
    multiplier_bits: int
    shifts: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class ThresholdsProof(Tried):
    """By so many comparators per element."""

    method: Literal["thresholds"] = "thresholds"
    thresholds: int


@dataclass(frozen=True, kw_only=True)
class AssignmentProof(Tried):
    """By the rounding and saturation of a type."""

    method: Literal["assignment"] = "assignment"


Proof = RangeProof | ScalingProof | ThresholdsProof | AssignmentProof


def range_proof(layer: str, of: str, reach: IntRange, held_by: FixedType | None = None) -> RangeProof:
    """The proof that a type holds everything that a layer computes.

    Parameters
    ----------
    held_by
        The type in question; None where the hardware makes one of `reach` by itself.

    Raises
    ------
    LeveloneError
        If it does not.
    """
    if held_by is not None and not (reach.lo in held_by.range and reach.hi in held_by.range):
        raise LeveloneError(
            f"{layer}: {held_by.width} {'signed' if held_by.signed else 'unsigned'} bits do not hold "
            f"{reach.lo} ... {reach.hi}"
        )
    return RangeProof(**bounds_of(of, reach))


def bounds_of(what: str, reach: IntRange) -> dict[str, Any]:
    """The entries that say what is computed, its exact bounds and the bits that hold them."""
    return {"of": what, "lo": reach.lo, "hi": reach.hi, "bits": reach.width}
