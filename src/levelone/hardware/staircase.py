"""The exact ``clip(round(code * M + B))`` of one channel: constant but for steps at integer codes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from levelone.graph.ops import Requantise
from levelone.graph.ops._bounds import integers
from levelone.graph.ops._rounding import thresholds
from levelone.graph.values import IntRange
from levelone.hardware.forms import Integers


@dataclass(frozen=True)
class Steps:
    """The staircase of one channel: where it steps, and the level from there on.

    Attributes
    ----------
    at
        Rising codes.
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
        empty = integers(())
        return Steps(empty, empty, first)
    low, high = min(first, last) + 1, max(first, last) + 1
    rounded = range(low + op.zero_point, high + op.zero_point)
    at, levels = (
        thresholds(rounded, op.rounding, one.multiplier[0], one.offset[0]),
        integers(range(low, high)),
    )
    if one.multiplier[0] > 0:  # the first code that reaches the upper level
        return Steps(at, levels, first)
    return Steps(at[::-1] + 1, levels[::-1] - 1, first)  # the first code that has left it
