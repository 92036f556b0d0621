"""A requantisation as hardware: a short multiplier, an adder and a shift, or thresholds.

The exact function ``clip(round(code * M + B))`` of one channel is a staircase: constant but for steps at
integer thresholds, which absorb the rounding mode. ``(code * factor + term) >> shift`` has the very same
staircase if for every threshold ``t`` at which level ``v`` is reached::

    factor * t + term >= v * 2**shift  and  factor * (t - 1) + term < v * 2**shift

For given `shift` and `factor` this is an interval of terms, empty or not. The factors that have one are
convex and lie around ``M * 2**shift``, so only its two neighbouring integers need to be tried. The smallest
shift that serves every channel is taken. `prove` checks the result by itself, whatever found it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
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

MAX_SHIFT = 48
"""Fractional bits that are searched; a parameter is handed to the firmware through an IEEE double."""

MAX_STEPS = 2**21
"""Thresholds of all channels together that are listed one by one."""

EXHAUSTIVE = 2**21
"""Up to so many codes, of all channels together, are simply all tried by `prove`."""

Integers = NDArray[Any]
"""int64, or Python integers where they may be larger."""


@dataclass(frozen=True)
class Scaling:
    """``clip(round((code * factor + term) / 2**shift))``, one factor and term for each channel.

    Attributes
    ----------
    factor, term
        Integers, one per channel.
    shift
        Fractional bits of the product.
    rounding
        FLOOR where the terms absorb the rounding, else the node's own mode on an exact product.
    clip
        Range of the result.
    """

    factor: tuple[int, ...]
    term: tuple[int, ...]
    shift: int
    rounding: Rounding
    clip: IntRange

    def apply(self, codes: Integers) -> Integers:
        """Result for integer codes [channels, codes]."""
        largest = max(abs(int(codes.max())), abs(int(codes.min())))
        reach = largest * max(map(abs, self.factor)) + max(map(abs, self.term))
        dtype = product_dtype(reach, 4)
        factor: Integers = np.array(self.factor, dtype=dtype)[:, None]
        term: Integers = np.array(self.term, dtype=dtype)[:, None]
        divisor: Integers = np.array(1 << self.shift, dtype=dtype)
        rounded = round_divide(codes.astype(dtype) * factor + term, divisor, self.rounding)
        return np.minimum(np.maximum(rounded, self.clip.lo), self.clip.hi)

    def product(self, reach: tuple[IntRange, ...]) -> IntRange:
        """Everything that the product and its sum with the term reach, on codes of these channel ranges."""
        ends = [
            end * m + b for r, m, b in zip(reach, self.factor, self.term, strict=True) for end in (r.lo, r.hi)
        ]
        return IntRange(min(ends), max(ends))

    @property
    def bits(self) -> int:
        """Width of the factors."""
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
        """Result for integer codes [channels, codes]."""
        rows = [
            base + (-1 if falls else 1) * np.searchsorted(steps, row, side="right")
            for base, falls, steps, row in zip(self.first, self.falling, self.steps, codes, strict=True)
        ]
        return np.stack(rows)


Hardware = Scaling | Thresholds


@dataclass(frozen=True)
class Proof:
    """That a body equals its meaning for every code that the range analysis allows.

    Attributes
    ----------
    method
        "scaling" or "thresholds".
    checked
        Codes tried, over all channels.
    reachable
        Codes that can be reached, over all channels.
    exhaustive
        Whether all of them were tried; otherwise both sides of every step were, and both functions are
        monotone.
    """

    method: str
    checked: int
    reachable: int
    exhaustive: bool


@dataclass(frozen=True)
class _Steps:
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


def choose(op: Requantise, x: Value) -> Hardware:
    """The cheapest exact hardware for `op` on the codes of `x`.

    Raises
    ------
    LeveloneError
        If there is none within the limits of this module.
    """
    reach = channel_ranges(x)
    found: list[Hardware] = []
    dyadic = _dyadic(op, reach)
    if dyadic is not None:
        found.append(dyadic)
    if max(_levels(op, reach)) * len(reach) <= MAX_STEPS:
        stairs = [_steps(op, channel, r) for channel, r in enumerate(reach)]
        scaling = _scaling(op, stairs, reach)
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


def cost(hardware: Hardware, reach: tuple[IntRange, ...]) -> int:
    """A rough count of look-up tables for one element: what `choose` compares.

    A multiplier of m by n bits takes about ``m * n / 2`` (none for a power of two, which is wires) and its
    adder another ``m + n``; comparing n bits with a constant and counting the result, ``n / 2 + 1``.
    """
    width = max(r.width for r in reach)
    if isinstance(hardware, Thresholds):
        return hardware.steps.shape[1] * (width // 2 + 1)
    one = len(set(hardware.factor)) == 1
    wires = one and abs(hardware.factor[0]) & (abs(hardware.factor[0]) - 1) == 0
    product = 0 if wires else hardware.bits * width // 2
    rounding = 0 if hardware.rounding is Rounding.FLOOR else hardware.shift // 2 + width
    return product + hardware.bits + width + rounding


def channel_ranges(x: Value) -> tuple[IntRange, ...]:
    """What each channel of a value reaches."""
    return x.channel_ranges or (x.range,) * x.shape[-1]


def prove(op: Requantise, x: Value, hardware: Hardware) -> Proof:
    """Check that `hardware` computes `op` for every code that `x` can reach.

    All codes are tried where there are few. Otherwise: both functions are monotone, so if they agree on two
    codes on which the exact one is equal, they agree on all codes between. So it is enough to agree on
    both sides of every step of the exact function, and at both ends.

    Raises
    ------
    LeveloneError
        If they differ, naming channel and code.
    """
    reach = channel_ranges(x)
    reachable = sum(r.hi - r.lo + 1 for r in reach)
    exhaustive = reachable <= EXHAUSTIVE
    checked = 0
    for channel, r in enumerate(reach):
        one = _channel(op, channel)
        points = np.array(range(r.lo, r.hi + 1), dtype=object) if exhaustive else _corners_of(op, channel, r)
        exact = one.evaluate(points[:, None])[:, 0]
        if not exhaustive:
            gaps = np.flatnonzero(exact[1:] != exact[:-1])
            if np.any(points[gaps + 1] - points[gaps] != 1):
                raise LeveloneError(f"{x.name}: a step of channel {channel} was not found: no proof")
        found = _one(hardware, channel).apply(points[None])[0]
        wrong = np.flatnonzero(found != exact)
        if len(wrong):
            at = wrong[0]
            raise LeveloneError(
                f"{x.name}: requantisation of channel {channel} gives {found[at]} for code {points[at]}, "
                f"exact is {exact[at]}"
            )
        checked += len(points)
    method = "scaling" if isinstance(hardware, Scaling) else "thresholds"
    return Proof(method, checked, reachable, exhaustive)


def _one(hardware: Hardware, channel: int) -> Hardware:
    if isinstance(hardware, Scaling):
        return Scaling(
            (hardware.factor[channel],),
            (hardware.term[channel],),
            hardware.shift,
            hardware.rounding,
            hardware.clip,
        )
    return Thresholds(
        (hardware.first[channel],), hardware.steps[channel : channel + 1], (hardware.falling[channel],)
    )


def _channel(op: Requantise, channel: int) -> Requantise:
    """`op` as it is for one channel."""

    def pick(values: tuple[Any, ...]) -> tuple[Any, ...]:
        return values if len(values) == 1 else (values[channel],)

    return replace(op, multiplier=pick(op.multiplier), offset=pick(op.offset), scale=pick(op.scale))


def _corners_of(op: Requantise, channel: int, r: IntRange) -> Integers:
    """Both ends and both sides of every step, rising, each once."""
    at = _steps(op, channel, r).at
    return np.array(sorted({r.lo, r.hi, *at.tolist(), *(at - 1).tolist()}), dtype=np.int64)


def _levels(op: Requantise, reach: tuple[IntRange, ...]) -> list[int]:
    """How many steps each channel has at most."""
    result = []
    for channel, r in enumerate(reach):
        low, high = sorted(int(v) for v in _channel(op, channel).evaluate(_column(r.lo, r.hi))[:, 0])
        result.append(high - low)
    return result


def _column(*codes: int) -> Integers:
    return np.array(codes, dtype=np.int64)[:, None]


def _steps(op: Requantise, channel: int, r: IntRange) -> _Steps:
    """Steps of the exact staircase within the codes `r`, in closed form."""
    one = _channel(op, channel)
    first, last = (int(v) for v in one.evaluate(_column(r.lo, r.hi))[:, 0])
    if first == last:
        empty = np.array([], dtype=object)
        return _Steps(empty, empty, first)
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
    return _Steps(at, levels, first) if rising else _Steps(at[::-1], levels[::-1] - 1, first)


def _scaling(op: Requantise, stairs: list[_Steps], reach: tuple[IntRange, ...]) -> Scaling | None:
    """The scaling with the fewest fractional bits that has these staircases; None if none has."""
    clip = IntRange(op.range.lo - op.zero_point, op.range.hi - op.zero_point)
    multipliers = spread(op.multiplier, len(reach))
    for shift in range(MAX_SHIFT + 1):
        pairs = []
        for multiplier, steps, r in zip(multipliers, stairs, reach, strict=True):
            pair = _pair(multiplier, steps, shift, r, clip)
            if pair is None:
                break
            pairs.append(pair)
        else:
            factor, term = zip(*pairs, strict=True)
            scaling = Scaling(factor, term, shift, Rounding.FLOOR, clip)
            return scaling if _fits(scaling, reach) else None
    return None


def _pair(
    multiplier: Fraction, steps: _Steps, shift: int, r: IntRange, clip: IntRange
) -> tuple[int, int] | None:
    """(factor, term) with the staircase `steps`; None if there is none with so few fractional bits."""
    one = 1 << shift
    if len(steps.at) == 0:
        return 0, steps.first << shift
    last = int(steps.level[-1])
    wanted = multiplier * one
    for factor in sorted({floor(wanted), ceil(wanted)}, key=abs):
        if factor == 0:
            continue
        if factor > 0:  # `level` is reached at `at`, not yet at `at - 1`
            edge = steps.level * one - factor * steps.at
            low, high = [edge.max()], [edge.min() + factor - 1]
            bottom, top = (r.lo, steps.first), (r.hi, last)
        else:  # down to `level` from `at` on, still above it at `at - 1`
            edge = (steps.level + 1) * one - factor * steps.at
            low, high = [edge.max() + factor], [edge.min() - 1]
            bottom, top = (r.hi, last), (r.lo, steps.first)
        # beyond its last step a staircase is flat: by the clip, or because no more codes come
        if bottom[1] > clip.lo:
            low.append(bottom[1] * one - factor * bottom[0])
        if top[1] < clip.hi:
            high.append((top[1] + 1) * one - 1 - factor * top[0])
        if max(low) <= min(high):
            return factor, _roundest(int(max(low)), int(min(high)))
    return None


def _roundest(low: int, high: int) -> int:
    """The integer between both ends with the most trailing zeros: the cheapest to add."""
    zeros = 0
    while (low + (2 << zeros) - 1) >> (zeros + 1) << (zeros + 1) <= high and zeros < MAX_SHIFT:
        zeros += 1
    return (low + (1 << zeros) - 1) >> zeros << zeros


def _dyadic(op: Requantise, reach: tuple[IntRange, ...]) -> Scaling | None:
    """The multiplier itself, if it is a short binary fraction, with the node's own rounding."""
    fractions = [*op.multiplier, *op.offset]
    shift = max(f.denominator.bit_length() - 1 for f in fractions)
    if any(f.denominator & (f.denominator - 1) for f in fractions) or shift > MAX_SHIFT:
        return None
    factor, term = (
        tuple(int(f * 2**shift) for f in spread(values, len(reach))) for values in (op.multiplier, op.offset)
    )
    scaling = Scaling(factor, term, shift, op.rounding, op.range)
    if op.zero_point:
        return None  # the clip is before the zero point; thresholds or a scaling with FLOOR carry it
    return scaling if _fits(scaling, reach) else None


def _fits(scaling: Scaling, reach: tuple[IntRange, ...]) -> bool:
    """Whether its parameters pass through a double."""
    largest = max(map(abs, (*scaling.factor, *scaling.term)))
    return largest < 2**53 and scaling.product(reach).width <= 64


def _thresholds(stairs: list[_Steps], reach: tuple[IntRange, ...]) -> Thresholds:
    count = max(len(steps.at) for steps in stairs)
    table = np.empty((len(stairs), count), dtype=np.int64)
    falling = []
    for row, steps, r in zip(table, stairs, reach, strict=True):
        row[:] = r.hi + 1
        row[: len(steps.at)] = steps.at
        falling.append(len(steps.at) > 0 and bool(steps.level[0] < steps.first))
    return Thresholds(tuple(steps.first for steps in stairs), table, tuple(falling))
