"""Proof that the hardware of a requantisation computes its meaning for every code that can arrive."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from levelone.errors import LeveloneError
from levelone.graph.ops import Requantise
from levelone.graph.ops._bounds import integers, spread
from levelone.graph.ops._rounding import ranges_of
from levelone.graph.rounding import round_fraction
from levelone.graph.values import IntRange, Value
from levelone.hardware.choose import MAX_STEPS, unclipped
from levelone.hardware.forms import Assignment, Hardware, Integers, Scaling, Thresholds
from levelone.hardware.proof import AssignmentProof, ScalingProof, ThresholdsProof, bounds_of
from levelone.hardware.staircase import levels_of, one_channel, steps_of
from levelone.hardware.types import Overflow

EXHAUSTIVE = 2**21
"""Up to so many codes, of all channels together, are simply all tried by `prove`."""


def prove(op: Requantise, x: Value, hardware: Hardware) -> ScalingProof | ThresholdsProof | AssignmentProof:
    """Check that `hardware` computes `op` for every code that `x` can reach.

    All codes are tried where there are few. Otherwise: both functions are monotone, so if they agree on two
    codes on which the exact one is equal, they agree on all codes between. So it is enough to agree on
    both sides of every step of the exact function, and at both ends. Where there are too many steps, body and
    meaning must be the same formula.

    Raises
    ------
    LeveloneError
        If they differ, naming channel and code.
    """
    reach = ranges_of(x, x.shape[-1])
    reachable = sum(r.hi - r.lo + 1 for r in reach)
    exhaustive = reachable <= EXHAUSTIVE
    identical = not exhaustive and max(levels_of(op, reach)) * len(reach) > MAX_STEPS
    if identical and not _same_formula(op, hardware, reach):
        raise LeveloneError(f"{x.name}: its requantisation has more than {MAX_STEPS} levels: no proof")
    checked = 0
    for channel, r in enumerate(reach):
        one = one_channel(op, channel)
        if exhaustive:
            points = integers(range(r.lo, r.hi + 1))
        else:
            points = integers((r.lo, r.hi)) if identical else _corners_of(op, channel, r)
        exact = one.evaluate(points[:, None])[:, 0]
        if not exhaustive and not identical:
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
    tried: dict[str, Any] = {
        "checked": checked,
        "reachable": reachable,
        "exhaustive": exhaustive,
        "identical": identical,
    }
    match hardware:
        case Scaling():
            bounds, shifts = bounds_of("product", hardware.product(reach)), tuple(sorted(set(hardware.shift)))
            return ScalingProof(**tried, **bounds, multiplier_bits=hardware.bits, shifts=shifts)
        case Thresholds():
            steps = hardware.steps.shape[1]
            return ThresholdsProof(**tried, **bounds_of("count", IntRange(0, steps)), thresholds=steps)
        case Assignment():
            return AssignmentProof(**tried, **bounds_of("rounded", unclipped(op, x)))


def _same_formula(op: Requantise, hardware: Hardware, reach: Sequence[IntRange]) -> bool:
    """Whether `hardware` multiplies, adds and rounds by the numbers of `op`.

    Then both clip the same integers, and if that gives equal codes at both ends it does between them.
    """
    if isinstance(hardware, Thresholds):
        return False
    if isinstance(hardware, Assignment):
        unit = Fraction(2) ** (hardware.exponent - hardware.type.exponent)
        if not op.is_shift or op.multiplier != (unit,):
            return False
        ends = [round_fraction(end * unit, op.rounding) for r in reach for end in (r.lo, r.hi)]
        rounds_alike = unit.denominator == 1 or op.rounding is hardware.type.rounding
        wraps = hardware.type.overflow is Overflow.WRAP and any(
            end not in hardware.type.range for end in ends
        )
        return rounds_alike and not wraps
    units = [1 << shift for shift in hardware.shift]
    return (
        spread(op.multiplier, len(reach)) == tuple(map(Fraction, hardware.factor, units))
        and spread(op.offset, len(reach)) == tuple(map(Fraction, hardware.term, units))
        and op.rounding is hardware.rounding
        and op.zero_point == 0
    )


def _one(hardware: Hardware, channel: int) -> Hardware:
    if isinstance(hardware, Assignment):
        return hardware
    if isinstance(hardware, Scaling):
        return Scaling(
            (hardware.factor[channel],),
            (hardware.term[channel],),
            (hardware.shift[channel],),
            hardware.rounding,
            hardware.clip,
        )
    return Thresholds(
        (hardware.first[channel],), hardware.steps[channel : channel + 1], (hardware.falling[channel],)
    )


def _corners_of(op: Requantise, channel: int, r: IntRange) -> Integers:
    """Both ends and both sides of every step, rising, each once."""
    at = steps_of(op, channel, r).at
    return np.array(sorted({r.lo, r.hi, *at.tolist(), *(at - 1).tolist()}), dtype=np.int64)
