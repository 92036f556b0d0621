"""A requantisation as hardware: a short multiplier, an adder and a shift, or thresholds.

The exact function ``clip(round(code * M + B))`` of one channel is a staircase: constant but for steps at
integer thresholds, which absorb the rounding mode. `levelone.hardware.multiplier` finds the smallest
``(code * factor + term) >> shift`` that has the very same staircase, for every channel by itself. `choose`
takes what is cheapest; `levelone.hardware.proof` checks it, whatever found it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.ir import IntRange, Rounding, Value
from levelone.graph.ops import Requantise
from levelone.graph.ops._bounds import product_dtype, spread
from levelone.graph.rounding import round_divide
from levelone.graph.thresholds import boundary
from levelone.hardware.multiplier import MAX_SHIFT, Multiplier, Point, smallest_multiplier
from levelone.hardware.types import FixedType

MAX_STEPS = 2**21
"""Thresholds of all channels together that are listed one by one."""

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


@dataclass(frozen=True)
class Steps:
    """The staircase of one channel: where it steps, and the level from there on.

    Attributes
    ----------
    at
        Rising codes, Python integers.
    level
        Level from that code on.
    first
        Level of the lowest code.
    """

    at: Integers
    level: Integers
    first: int

    @property
    def last(self) -> int:
        """Level of the highest code."""
        return int(self.level[-1]) if len(self.level) else self.first


def choose(op: Requantise, x: Value) -> Scaling | Thresholds:
    """The cheapest exact hardware for `op` on the codes of `x`.

    Raises
    ------
    LeveloneError
        If there is none within the limits of this module.
    """
    reach = channel_ranges(x)
    found: list[Scaling | Thresholds] = []
    dyadic = _dyadic(op, reach)
    if dyadic is not None:
        found.append(dyadic)
    if max(levels_of(op, reach)) * len(reach) <= MAX_STEPS:
        stairs = [steps_of(op, channel, r) for channel, r in enumerate(reach)]
        scaling = smallest_scaling(stairs, reach)
        if scaling is not None:
            found.append(scaling)
        if any(len(steps.at) for steps in stairs):
            found.append(_thresholds(stairs, reach))
    if not found:
        raise LeveloneError(
            f"{x.name}: its requantisation has more than {MAX_STEPS} levels and no short multiplier",
            hint="requantise to fewer bits, or use power-of-two scales",
        )
    return min(found, key=lambda hardware: cost(hardware, reach))


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


def channel_ranges(x: Value) -> tuple[IntRange, ...]:
    """What each channel of a value reaches."""
    return x.channel_ranges or (x.range,) * x.shape[-1]


def one_channel(op: Requantise, channel: int) -> Requantise:
    """`op` as it is for one channel."""

    def pick(values: tuple[Any, ...]) -> tuple[Any, ...]:
        return values if len(values) == 1 else (values[channel],)

    return replace(op, multiplier=pick(op.multiplier), offset=pick(op.offset), scale=pick(op.scale))


def levels_of(op: Requantise, reach: tuple[IntRange, ...]) -> list[int]:
    """How many steps each channel has at most."""
    result = []
    for channel, r in enumerate(reach):
        low, high = sorted(int(v) for v in one_channel(op, channel).evaluate(_column(r.lo, r.hi))[:, 0])
        result.append(high - low)
    return result


def _column(*codes: int) -> Integers:
    return np.array(codes, dtype=np.int64)[:, None]


def steps_of(op: Requantise, channel: int, r: IntRange) -> Steps:
    """Steps of the exact staircase within the codes `r`, in closed form."""
    one = one_channel(op, channel)
    first, last = (int(v) for v in one.evaluate(_column(r.lo, r.hi))[:, 0])
    if first == last:
        empty = np.array([], dtype=object)
        return Steps(empty, empty, first)
    multiplier, offset = one.multiplier[0], one.offset[0]
    rising = multiplier > 0
    # boundaries between level v - 1 and level v, zero point put back
    levels = np.array(range(min(first, last) + 1, max(first, last) + 1), dtype=object)
    bounds = [boundary(int(v) + op.zero_point, op.rounding) for v in levels]
    codes = []
    for bound, attained in bounds:
        code = (bound - offset) / multiplier
        if rising:  # the first code that reaches the upper level
            codes.append(ceil(code) if attained else floor(code) + 1)
        else:  # the first code that has left it
            codes.append(floor(code) + 1 if attained else ceil(code))
    at = np.array(codes, dtype=object)
    return Steps(at, levels, first) if rising else Steps(at[::-1], levels[::-1] - 1, first)


def smallest_scaling(stairs: Sequence[Steps], reach: Sequence[IntRange]) -> Scaling | None:
    """For every channel the smallest multiplier that has its staircase; None if a channel has none.

    The result is clipped to the levels of all channels together: beyond them the line of a channel is free.
    """
    ends = [level for steps in stairs for level in (steps.first, steps.last)]
    clip = IntRange(min(ends), max(ends))
    known: dict[tuple[Any, ...], Multiplier | None] = {}
    found: list[Multiplier | None] = []
    for steps, r in zip(stairs, reach, strict=True):
        if len(steps.at) == 0:
            found.append(None)
            continue
        key = (r, steps.first, steps.last, *steps.at.tolist())
        if key not in known:
            known[key] = smallest_multiplier(*_corners(steps, r, clip))
        multiplier = known[key]
        if multiplier is None:
            return None
        found.append(multiplier)
    # a channel that is constant takes whatever shift the others have
    least = min((multiplier.shift for multiplier in found if multiplier), default=0)
    every = [
        multiplier or Multiplier(0, steps.first << least, least)
        for multiplier, steps in zip(found, stairs, strict=True)
    ]
    scaling = Scaling(
        tuple(m.factor for m in every),
        tuple(m.term for m in every),
        tuple(m.shift for m in every),
        Rounding.FLOOR,
        clip,
    )
    return scaling if _fits(scaling, reach) else None


def _corners(steps: Steps, r: IntRange, clip: IntRange) -> tuple[list[Point], list[Point]]:
    """(code, level) that a line reaches at least there, and those that it stays below."""
    at, level = steps.at.tolist(), steps.level.tolist()
    if level[0] > steps.first:  # `level` is reached at `at`, not yet at `at - 1`
        reached = list(zip(at, level, strict=True))
        missed = [(code - 1, n) for code, n in reached]
        # beyond its last step a staircase is flat: by the clip, or because no more codes come
        bottom = [(r.lo, steps.first)] if steps.first > clip.lo else []
        top = [(r.hi, steps.last + 1)] if steps.last < clip.hi else []
        return bottom + reached, missed + top
    missed = [(code, n + 1) for code, n in zip(at, level, strict=True)]  # down to `level` from `at` on
    reached = [(code - 1, n) for code, n in missed]
    bottom = [(r.hi, steps.last)] if steps.last > clip.lo else []
    top = [(r.lo, steps.first + 1)] if steps.first < clip.hi else []
    return reached + bottom, top + missed


def _dyadic(op: Requantise, reach: tuple[IntRange, ...]) -> Scaling | None:
    """The multiplier itself, if it is a short binary fraction, with the node's own rounding."""
    fractions = [*op.multiplier, *op.offset]
    shift = max(f.denominator.bit_length() - 1 for f in fractions)
    if any(f.denominator & (f.denominator - 1) for f in fractions) or shift > MAX_SHIFT:
        return None
    factor, term = (
        tuple(int(f * 2**shift) for f in spread(values, len(reach))) for values in (op.multiplier, op.offset)
    )
    scaling = Scaling(factor, term, (shift,) * len(reach), op.rounding, op.range)
    if op.zero_point:
        return None  # the clip is before the zero point; thresholds or a scaling with FLOOR carry it
    return scaling if _fits(scaling, reach) else None


def _fits(scaling: Scaling, reach: Sequence[IntRange]) -> bool:
    """Whether its parameters pass through a double."""
    largest = max(map(abs, (*scaling.factor, *scaling.term)))
    return largest < 2**53 and scaling.product(reach).width <= 64


def _thresholds(stairs: list[Steps], reach: tuple[IntRange, ...]) -> Thresholds:
    count = max(len(steps.at) for steps in stairs)
    table = np.empty((len(stairs), count), dtype=np.int64)
    falling = []
    for row, steps, r in zip(table, stairs, reach, strict=True):
        row[:] = r.hi + 1
        row[: len(steps.at)] = steps.at
        falling.append(len(steps.at) > 0 and bool(steps.level[0] < steps.first))
    return Thresholds(tuple(steps.first for steps in stairs), table, tuple(falling))
