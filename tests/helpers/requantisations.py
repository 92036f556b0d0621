"""Requantisations drawn at random, and what each means, one number at a time."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import numpy as np

from levelone.graph import IntRange, Rounding
from levelone.graph.ops import Requantise
from levelone.graph.values import Value

MODES = list(Rounding)


def slow_round(x: Fraction, mode: Rounding) -> int:
    """The definition, one number at a time."""
    down, up = floor(x), ceil(x)
    away, towards = (up, down) if x > 0 else (down, up)
    nearest = down if x - down < up - x else up
    tie = x - down == Fraction(1, 2)
    return {
        Rounding.FLOOR: down,
        Rounding.CEIL: up,
        Rounding.UP: away,
        Rounding.DOWN: towards,
        Rounding.ROUND: (down if down % 2 == 0 else up) if tie else nearest,
        Rounding.HALF_UP: away if tie else nearest,
        Rounding.HALF_DOWN: towards if tie else nearest,
    }[mode]


def slow(op: Requantise, channel: int, code: int) -> int:
    """`op` on one code, in Python's fractions."""
    m, b = (v[channel] if len(v) > 1 else v[0] for v in (op.multiplier, op.offset))
    return min(max(slow_round(code * m + b, op.rounding), op.range.lo), op.range.hi) - op.zero_point


def random_scale(rng: np.random.Generator) -> Fraction:
    kind = rng.integers(5)
    if kind == 0:  # a quotient of single-precision scales, as exported by a training
        return Fraction(float(np.float32(rng.random()))) / Fraction(float(np.float32(rng.random() * 9 + 0.1)))
    if kind == 1:  # a binary fraction: ties
        return Fraction(int(rng.integers(-20, 21)), 2 ** int(rng.integers(0, 7)))
    if kind == 2:  # a mean over some elements
        return Fraction(1, int(rng.integers(1, 30)) * 2 ** int(rng.integers(0, 3)))
    if kind == 3:
        return -Fraction(float(np.float32(rng.random() * 0.3)))
    return Fraction(0)


def random_requantise(rng: np.random.Generator, channels: int) -> Requantise:
    multipliers = tuple(random_scale(rng) for _ in range(channels if rng.random() < 0.6 else 1))
    offsets = tuple(5 * random_scale(rng) for _ in range(channels)) if rng.random() < 0.5 else (Fraction(0),)
    low = -int(rng.integers(0, 9))
    clip = IntRange(low, low + int(rng.integers(1, 20))) if rng.random() < 0.3 else IntRange(-8, 7)
    if rng.random() < 0.3:
        clip = IntRange(0, 2 ** int(rng.integers(1, 8)) - 1)
    zero_point = int(rng.integers(-3, 4)) if rng.random() < 0.3 else 0
    mode = MODES[rng.integers(len(MODES))]
    return Requantise(multipliers, (Fraction(1, 3),), clip, mode, offsets, zero_point)


def random_value(rng: np.random.Generator, channels: int, reach: int) -> Value:
    low = int(rng.integers(-reach, reach // 4))
    high = low + int(rng.integers(1, reach))
    ranges = tuple(IntRange(low + int(rng.integers(3)), high + int(rng.integers(3))) for _ in range(channels))
    hull = IntRange(min(r.lo for r in ranges), max(r.hi for r in ranges))
    return Value("x", (channels,), (Fraction(1),), hull, ranges if len(set(ranges)) > 1 else ())
