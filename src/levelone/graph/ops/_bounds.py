"""Exact interval arithmetic per channel: what `infer` of the operations shares."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.graph.rounding import INT64_SAFE
from levelone.graph.values import IntRange, Value

MOST_RANGES = 2**16
"""Channels beyond which one range stands for all: more are positions of a flattened image, not channels."""

Bounds = tuple[NDArray[Any], NDArray[Any]]
"""(lo, hi) with one entry per channel, int64 or, for huge numbers, Python integers."""


def integers(values: Iterable[int]) -> NDArray[Any]:
    """An int64 array if every value is small enough to compute with, else one of Python integers."""
    if isinstance(values, range) and max(abs(values.start), abs(values.stop)) < INT64_SAFE:
        return np.arange(values.start, values.stop, values.step, dtype=np.int64)
    listed = [int(v) for v in values]
    safe = all(abs(v) < INT64_SAFE for v in listed)
    return np.array(listed, dtype=np.int64 if safe else object)


def bounds(value: Value) -> Bounds:
    """Lowest and highest code of every channel (last axis)."""
    if not value.channel_ranges:
        ends = integers([value.range.lo, value.range.hi])
        return np.repeat(ends[:1], value.shape[-1]), np.repeat(ends[1:], value.shape[-1])
    ranges = value.channel_ranges
    return integers(r.lo for r in ranges), integers(r.hi for r in ranges)


def magnitude(value: Value) -> int:
    """Largest absolute code."""
    return max(abs(value.range.lo), abs(value.range.hi))


def make_value(name: str, shape: tuple[int, ...], scale: Iterable[Fraction], reach: Bounds) -> Value:
    """A value from its bounds per channel; equal scales and equal ranges collapse to one."""
    lo, hi = reach
    hull = IntRange(int(lo.min()), int(hi.max()))
    same = bool((lo == hull.lo).all() and (hi == hull.hi).all())
    ranges: tuple[IntRange, ...] = ()
    if not same and len(lo) <= MOST_RANGES:
        ranges = tuple(IntRange(int(a), int(b)) for a, b in zip(lo, hi, strict=True))
    return Value(name, shape, collapse(scale), hull, ranges)


def collapse(scale: Iterable[Fraction]) -> tuple[Fraction, ...]:
    """One scale for the tensor if all channels share it."""
    listed = tuple(scale)
    return listed[:1] if len(set(listed)) == 1 else listed


def spread(scale: tuple[Fraction, ...], channels: int) -> tuple[Fraction, ...]:
    """One scale per channel."""
    return scale * channels if len(scale) == 1 else scale


def scaled(reach: Bounds, factor: NDArray[Any] | int, offset: NDArray[Any] | int = 0) -> Bounds:
    """Bounds of ``factor * code + offset``, exactly, whatever the sign of the factor."""
    ends = [np.asarray(side, dtype=object) * np.asarray(factor, dtype=object) for side in reach]
    shift = np.asarray(offset, dtype=object)
    return np.minimum(*ends) + shift, np.maximum(*ends) + shift


def product_dtype(*terms: int) -> type:
    """The dtype in which a sum bounded by the product of `terms` cannot overflow."""
    total = 1
    for term in terms:
        total *= max(int(term), 1)
    return np.int64 if total < INT64_SAFE else object


def dot_dtype(weights: NDArray[Any], x: NDArray[Any], step: int, bias: NDArray[Any]) -> type:
    """The dtype in which ``step * (x @ weights) + bias`` and each of its partial sums cannot overflow.

    Weights end with the output axis. The bound is that of the output that needs most:
    ``step * max|x| * sum|w| + max|bias|``.
    """
    total = largest(weights) * max(weights.size, 1)
    magnitudes = np.abs(weights.astype(np.int64 if total < INT64_SAFE else object))
    fan = int(magnitudes.reshape(-1, weights.shape[-1]).sum(axis=0).max()) if weights.size else 0
    bound = max(fan, 1) * max(largest(x), 1) * step + largest(bias)
    return np.int64 if max(bound, largest(weights)) < INT64_SAFE else object


def largest(codes: NDArray[Any]) -> int:
    """Largest absolute value in an array (0 if empty), as a Python integer."""
    return max(abs(int(codes.max())), abs(int(codes.min()))) if codes.size else 0


def dot_bounds(weights: NDArray[Any], reach: Bounds) -> Bounds:
    """Reachable sums of independent operands: ``sum_k w[k, j] * x[k]`` for each ``j``.

    Attained exactly: each operand sits at the end of its interval that its weight's sign favours.
    """
    lo, hi = reach
    dtype = product_dtype(max(len(lo), 1), largest(weights), max(largest(lo), largest(hi)))
    w: NDArray[Any] = weights.astype(dtype)
    up, down = np.maximum(w, 0), np.minimum(w, 0)
    low: NDArray[Any] = lo.astype(dtype)
    high: NDArray[Any] = hi.astype(dtype)
    return low @ up + high @ down, high @ up + low @ down


def read_only(array: Any, dtype: type = np.int64) -> NDArray[Any]:
    """A private, immutable copy, so that a frozen dataclass really is."""
    copy: NDArray[Any] = np.array(array, dtype=dtype)
    copy.flags.writeable = False
    return copy
