"""What the graph computes with: integer codes, their exact ranges, typed tensors of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]
"""Integer codes; a leading batch axis on activations, none on parameters."""


class Rounding(Enum):
    """Rounding modes of QONNX `Quant`, by their QONNX names."""

    ROUND = "ROUND"  # to nearest, ties to even
    CEIL = "CEIL"
    FLOOR = "FLOOR"
    UP = "UP"  # away from zero
    DOWN = "DOWN"  # towards zero
    HALF_UP = "HALF_UP"  # to nearest, ties away from zero
    HALF_DOWN = "HALF_DOWN"  # to nearest, ties towards zero


@dataclass(frozen=True)
class IntRange:
    """Every integer that can be reached: ``lo <= code <= hi``."""

    lo: int
    hi: int

    def __post_init__(self) -> None:
        if self.lo > self.hi:
            raise ValueError(f"empty range [{self.lo}, {self.hi}]")

    @classmethod
    def of_codes(cls, codes: NDArray[Any]) -> IntRange:
        """The smallest range that holds every code."""
        return cls(int(codes.min()), int(codes.max()))

    @property
    def signed(self) -> bool:
        """Whether the range holds negative codes."""
        return self.lo < 0

    @property
    def width(self) -> int:
        """Bits of the smallest two's-complement (signed) or plain binary (unsigned) type; at least 1."""
        if self.signed:
            return max((-self.lo - 1).bit_length(), self.hi.bit_length() if self.hi > 0 else 0) + 1
        return max(self.hi.bit_length(), 1)

    @property
    def in_int64(self) -> bool:
        """Whether int64 holds every code."""
        return self.lo >= -(2**63) and self.hi < 2**63

    def __contains__(self, code: int) -> bool:
        return self.lo <= code <= self.hi


@dataclass(frozen=True)
class Value:
    """One tensor of the graph.

    Attributes
    ----------
    name
        Unique, a C identifier; also the name of the hls4ml layer that computes it.
    shape
        Channels last, no batch axis.
    scale
        Real value = code * scale, exact; one entry (per tensor) or one per channel (last axis).
    range
        Exact bounds of the codes over every input that the graph's input types allow.
    channel_ranges
        The same per channel (last axis) where channels differ; empty where one range holds for all.
        `range` is always their hull.
    """

    name: str
    shape: tuple[int, ...]
    scale: tuple[Fraction, ...]
    range: IntRange
    channel_ranges: tuple[IntRange, ...] = ()

    def __post_init__(self) -> None:
        channels = self.shape[-1] if self.shape else 0
        if not self.shape or min(self.shape) < 1:
            raise ValueError(f"{self.name}: shape {self.shape} must have positive axes")
        if len(self.scale) not in (1, channels):
            raise ValueError(f"{self.name}: {len(self.scale)} scales for {channels} channels")
        if len(self.channel_ranges) not in (0, channels):
            raise ValueError(f"{self.name}: {len(self.channel_ranges)} ranges for {channels} channels")

    @property
    def size(self) -> int:
        """Number of codes per event."""
        return math.prod(self.shape)

    @property
    def width(self) -> int:
        """Bits that hold every code of the range, the sign included."""
        return self.range.width

    @property
    def signed(self) -> bool:
        """Whether any channel's codes can be negative."""
        return self.range.signed

    @property
    def exponent(self) -> int | None:
        """The power of two that is the scale of the whole tensor, else None: ``scale == 2**exponent``."""
        if len(set(self.scale)) != 1:
            return None
        num, den = self.scale[0].as_integer_ratio()
        if num > 0 and num & (num - 1) == 0 and den & (den - 1) == 0:
            return num.bit_length() - den.bit_length()
        return None
