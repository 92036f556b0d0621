"""The cheapest exact hardware of a requantisation, the same for every body.

The exact function of one channel is a staircase, whose thresholds absorb the rounding mode.
`levelone.hardware.multiplier` finds the smallest ``(code * factor + term) >> shift`` that has the very same
staircase, for every channel by itself. `choose` takes what is cheapest; `levelone.hardware.prove` checks it,
whatever found it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from levelone.errors import LeveloneError
from levelone.graph.ops import Requantise
from levelone.graph.ops._bounds import spread
from levelone.graph.ops._rounding import ranges_of
from levelone.graph.rounding import round_fraction
from levelone.graph.values import IntRange, Rounding, Value
from levelone.hardware.forms import Scaling, Thresholds, cost
from levelone.hardware.multiplier import MAX_SHIFT, Multiplier, Point, smallest_multiplier
from levelone.hardware.staircase import Steps, levels_of, steps_of
from levelone.hardware.types import FixedType, clipping_type

MAX_STEPS = 2**21
"""Thresholds of all channels together that are listed one by one."""
LARGEST_CONSTANT = 2**63
"""Constants are smaller: bodies hold them as int64."""
PRODUCT_BITS = 128
"""Widest product."""


def choose(op: Requantise, x: Value) -> Scaling | Thresholds:
    """The cheapest exact hardware for `op` on the codes of `x`.

    Raises
    ------
    LeveloneError
        If there is none within the limits of this module.
    """
    reach = ranges_of(x, x.shape[-1])
    found: list[Scaling | Thresholds] = []
    dyadic = _dyadic(op, reach)
    if dyadic is not None:
        found.append(dyadic)
    if max(levels_of(op, reach)) * len(reach) <= MAX_STEPS:
        stairs = [steps_of(op, channel, r) for channel, r in enumerate(reach)]
        scaling = smallest_scaling(stairs, reach)
        if scaling is not None:
            found.append(scaling)
        # a channel with fewer steps is filled with a code above all of its own, which must be an int64
        fillable = max(r.hi for r in reach) < LARGEST_CONSTANT - 1
        if fillable and any(len(steps.at) for steps in stairs):
            found.append(_thresholds(stairs, reach))
    if not found:
        raise LeveloneError(
            f"{x.name}: its requantisation has more than {MAX_STEPS} levels and no short multiplier",
            hint="requantise to fewer bits, or use power-of-two scales",
        )
    return min(found, key=lambda hardware: cost(hardware, reach))


def cast_type(op: Requantise, source: Value, output: Value) -> FixedType | None:
    """The type whose own rounding and clipping are the requantisation; None if there is none."""
    if not op.is_cast(source) or source.exponent is None or output.exponent is None:
        return None
    rounding = Rounding.FLOOR if op.multiplier[0].denominator == 1 else op.rounding
    return clipping_type(output, op.range, rounding, unclipped(op, source))


def unclipped(op: Requantise, source: Value) -> IntRange:
    """What is reached after rounding, before clipping, by a shift."""
    ends = (round_fraction(end * op.multiplier[0], op.rounding) for end in (source.range.lo, source.range.hi))
    return IntRange(*ends)


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
    """Whether every body can carry its constants and its product."""
    largest = max(map(abs, (*scaling.factor, *scaling.term)))
    return largest < LARGEST_CONSTANT and scaling.product(reach).width <= PRODUCT_BITS


def _thresholds(stairs: list[Steps], reach: tuple[IntRange, ...]) -> Thresholds:
    count = max(len(steps.at) for steps in stairs)
    table = np.empty((len(stairs), count), dtype=np.int64)
    falling = []
    for row, steps, r in zip(table, stairs, reach, strict=True):
        row[:] = r.hi + 1
        row[: len(steps.at)] = steps.at
        falling.append(len(steps.at) > 0 and bool(steps.level[0] < steps.first))
    return Thresholds(tuple(steps.first for steps in stairs), table, tuple(falling))
