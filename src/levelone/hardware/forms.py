"""A requantisation as hardware: a short multiplier, an adder and a shift, thresholds, or an assignment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ops._bounds import product_dtype
from levelone.graph.rounding import round_divide
from levelone.graph.values import IntRange, Rounding
from levelone.hardware.types import FixedType

Integers = NDArray[Any]
"""int64, or Python integers where they may be larger."""


@dataclass(frozen=True)
class Scaling:
    """``clip(round((code * factor + term) / 2**shift))``, with a factor, term and shift for each channel.

    Attributes
    ----------
    factor, term
        Integers, one per channel.
    shift
        Fractional bits of the product, one number per channel; all are equal unless `rounding` is FLOOR.
    rounding
        FLOOR where the terms absorb the rounding, else the node's own mode on an exact product.
    clip
        Range of the result.
    """

    factor: tuple[int, ...]
    term: tuple[int, ...]
    shift: tuple[int, ...]
    rounding: Rounding
    clip: IntRange

    def apply(self, codes: Integers) -> Integers:
        """Result for integer codes [channels, codes]."""
        largest = max(abs(int(codes.max())), abs(int(codes.min())))
        reach = largest * max(map(abs, self.factor)) + max(map(abs, self.term))
        dtype = product_dtype(reach, 4)
        factor: Integers = np.array(self.factor, dtype=dtype)[:, None]
        term: Integers = np.array(self.term, dtype=dtype)[:, None]
        divisor: Integers = np.array([1 << shift for shift in self.shift], dtype=dtype)[:, None]
        rounded = round_divide(codes.astype(dtype) * factor + term, divisor, self.rounding)
        return np.minimum(np.maximum(rounded, self.clip.lo), self.clip.hi)

    def product(self, reach: Sequence[IntRange]) -> IntRange:
        """Everything that the product and its sum with the term reach, on codes of these channel ranges."""
        ends = [
            end * m + b for r, m, b in zip(reach, self.factor, self.term, strict=True) for end in (r.lo, r.hi)
        ]
        return IntRange(min(ends), max(ends))

    @property
    def bits(self) -> int:
        """Width of the type that holds every factor."""
        return IntRange(min(self.factor), max(self.factor)).width


@dataclass(frozen=True)
class Thresholds:
    """``first + (number of steps <= code)``, or ``first - ...`` for a falling channel.

    Attributes
    ----------
    first
        Level of the lowest code, one per channel.
    steps
        int64 [channels, steps], rising; where a channel has fewer, filled with a code that is never reached.
    falling
        Whether the levels fall with the code, one per channel.
    """

    first: tuple[int, ...]
    steps: NDArray[np.int64]
    falling: tuple[bool, ...]

    def apply(self, codes: Integers) -> Integers:
        """Result for integer codes [channels, codes]; like the hardware it counts steps in any order."""
        rows = [
            base + (-1 if falls else 1) * np.searchsorted(np.sort(steps), row, side="right")
            for base, falls, steps, row in zip(self.first, self.falling, self.steps, codes, strict=True)
        ]
        return np.stack(rows)


@dataclass(frozen=True)
class Assignment:
    """Codes of one binary grid assigned to a type that rounds and saturates by itself.

    Attributes
    ----------
    exponent
        One code of the source is worth ``2**exponent``.
    type
        What they are assigned to.
    """

    exponent: int
    type: FixedType

    def apply(self, codes: Integers) -> Integers:
        """Result for integer codes [channels, codes]."""
        return self.type.assigned(codes, self.exponent)


Hardware = Scaling | Thresholds | Assignment


def cost(hardware: Scaling | Thresholds, reach: tuple[IntRange, ...]) -> int:
    """A rough count of look-up tables for one element of every channel: what `choose` compares.

    A multiplier of m by n bits takes about ``m * n / 2`` (none for a power of two, which is wires) and its
    adder another ``m + n``; comparing n bits with a constant and counting the result, ``n / 2 + 1``. Trailing
    zeros of a factor are wires.
    """
    if isinstance(hardware, Thresholds):
        return sum(
            int(np.count_nonzero(steps <= r.hi)) * (r.width // 2 + 1)
            for steps, r in zip(hardware.steps, reach, strict=True)
        )
    total = 0
    for factor, shift, r in zip(hardware.factor, hardware.shift, reach, strict=True):
        odd = abs(factor) // (factor & -factor) if factor else 0
        product = 0 if odd <= 1 else odd.bit_length() * r.width // 2
        rounding = 0 if hardware.rounding is Rounding.FLOOR else shift // 2 + r.width
        total += product + odd.bit_length() + r.width + rounding
    return total
