"""Requantisation: in exact or provably sufficient floats, else by table or by thresholds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from levelone.graph.kernels.carrier import Array, carrier, float_for, per_channel
from levelone.graph.kernels.elementwise import gather
from levelone.graph.kernels.kernel import Kernel
from levelone.graph.ops import Requantise
from levelone.graph.ops._bounds import bounds, largest, magnitude, spread
from levelone.graph.rounding import round_float
from levelone.graph.values import Rounding, Value

TABLE_ENTRIES = 2**20
"""Largest table: channels times reachable codes."""
THRESHOLD_ENTRIES = 2**19
"""Most thresholds: channels times output codes."""
IN_PLACE: dict[Rounding, Callable[..., Any]] = {
    Rounding.ROUND: np.rint,
    Rounding.CEIL: np.ceil,
    Rounding.FLOOR: np.floor,
    Rounding.DOWN: np.trunc,
}


def requantise_kernel(op: Requantise, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    """A binary shift in exact floats; any other multiplier by `_general_kernel`."""
    (x,) = inputs
    scaling = dyadic(op, x)
    return _general_kernel(op, x, output) if scaling is None else scaling.kernel(output)


def float_scaling(op: Requantise, x: Value) -> Scaling | None:
    """The requantisation in floats if they are exact or proven to be enough, else None."""
    scaling = dyadic(op, x)
    if scaling is not None:
        return scaling
    steps = _steps(op, x)
    return None if steps is None else fitted(op, x, steps)


def dyadic(op: Requantise, x: Value) -> Scaling | None:
    """A binary shift in floats that hold every intermediate exactly, or None."""
    factors, terms, divisors = (np.asarray(a, dtype=object) for a in op.integer_form())
    halves = largest(divisors) // 2 + 1  # room for adding one half before rounding
    bound = max(magnitude(x), 1) * max(largest(factors), 1) + largest(terms) + halves
    dtype = float_for(max(bound, abs(op.range.lo), abs(op.range.hi), abs(op.zero_point)))
    if dtype is None or any(d & (d - 1) for d in divisors):
        return None
    shrink = per_channel([1 / float(d) for d in divisors], dtype)
    gain = per_channel(factors, dtype) * shrink
    shift = per_channel(terms, dtype) * shrink
    return Scaling(dtype, gain, shift, op.rounding, op.range.lo, op.range.hi, op.zero_point)


@dataclass(frozen=True, eq=False)
class Scaling:
    """``clip(round(code * gain + shift), lo, hi) - zero_point`` in floats of one type.

    `gain` and `shift` have one entry or one per channel, [channels, 1].
    """

    dtype: type
    gain: Array
    shift: Array
    rounding: Rounding
    lo: int
    hi: int
    zero_point: int

    def __call__(self, y: Array) -> Array:
        """Overwrites `y`, [*, channel, event] of `dtype`."""
        if (self.gain != 1).any():
            y *= self.gain
        if self.shift.any():
            y += self.shift
        if self.rounding in IN_PLACE:
            IN_PLACE[self.rounding](y, out=y)
        else:
            y = round_float(y, self.rounding)
        np.clip(y, self.dtype(self.lo), self.dtype(self.hi), out=y)
        if self.zero_point:
            y -= self.dtype(self.zero_point)
        return y

    def kernel(self, output: Value) -> Kernel:
        result_type = carrier(output)

        def pointwise(a: Array) -> Array:
            return self(a.astype(self.dtype, copy=False)).astype(result_type, copy=False)

        def run(a: Array) -> Array:
            return self(a.astype(self.dtype)).astype(result_type, copy=False)

        return Kernel(run, scratch=16 * output.size, pointwise=pointwise, rising=bool((self.gain > 0).all()))


def _steps(op: Requantise, x: Value) -> Array | None:
    """The thresholds, int64 [channels, output codes]; None if there are too many, or codes too large."""
    channels = max(len(op.multiplier), len(op.offset), len(x.channel_ranges))
    codes = op.range.hi - op.range.lo
    if channels * codes > THRESHOLD_ENTRIES or not all(op.multiplier) or magnitude(x) >= 2**53:
        return None
    # Beyond the operand's range every threshold is as good as just outside it.
    outside = magnitude(x) + 1
    steps = np.clip(
        np.array(op.thresholds(channels), dtype=object).reshape(channels, codes), -outside, outside
    )
    return steps.astype(np.int64)


def _general_kernel(op: Requantise, x: Value, output: Value) -> Kernel | None:
    """Any rational multiplier, from its exact thresholds."""
    steps = _steps(op, x)
    if steps is None:
        return None
    scaling = fitted(op, x, steps)
    if scaling is not None:
        return scaling.kernel(output)
    channels, outside = len(steps), magnitude(x) + 1
    rising = np.array([m > 0 for m in spread(op.multiplier, channels)])
    steps[~rising] *= -1  # then the negated code rises through them
    lo, hi = (side[:channels] for side in bounds(x))
    length = int((hi - lo).max()) + 1
    if channels * length <= TABLE_ENTRIES and outside < 2**30:
        return _table(op, x, output, steps, rising, lo, length)
    terms = max(abs(m) for m in op.multiplier) * magnitude(x) + max(abs(b) for b in op.offset)
    if terms + abs(op.range.lo) >= 2**45:
        return None  # the estimate's rounding errors could reach one code
    return _search(op, x, output, steps, rising)


def fitted(op: Requantise, x: Value, steps: Array) -> Scaling | None:
    """A float scaling that is equal for every code of the operand, proven; or None.

    Floats round, but every one of their operations is monotone, and so is the exact requantisation. Two
    monotone functions that agree on both sides of every step of one of them agree everywhere: those are the
    codes that are compared.

    Parameters
    ----------
    steps
        int64 [channels, output codes]: the thresholds.
    """
    channels = len(steps)
    lo, hi = (side[:channels].astype(np.int64) for side in bounds(x))
    points = np.concatenate([lo[None], hi[None], *((steps + d).T for d in (-1, 0, 1))])
    points = np.clip(points, lo, hi)
    exact = op.evaluate(points).astype(np.int64)
    gain = np.array([float(m) for m in spread(op.multiplier, channels)])
    offset = np.array([float(b) for b in spread(op.offset, channels)])
    least, most = op.range.lo - op.zero_point, op.range.hi - op.zero_point
    for dtype in (np.float32, np.float64):
        if float_for(max(magnitude(x), abs(op.range.lo), abs(op.range.hi), abs(op.zero_point))) == np.float64:
            dtype = np.float64
        rounded = gain.astype(dtype).astype(np.float64)
        # where the shift must lie for flooring to give the exact code at every point
        low = np.where(exact > least, exact - points * rounded, -np.inf).max(axis=0)
        high = np.where(exact < most, exact + 1 - points * rounded, np.inf).min(axis=0)
        low, high = np.where(np.isinf(low), high - 1, low), np.where(np.isinf(high), low + 1, high)
        middle = np.where(np.isfinite(low + high), (low + high) / 2, 0)
        for shift, rounding, ends in (
            (middle, Rounding.FLOOR, (least, most, 0)),
            (offset, Rounding.ROUND, (op.range.lo, op.range.hi, op.zero_point)),
        ):
            made = Scaling(dtype, per_channel(gain, dtype), per_channel(shift, dtype), rounding, *ends)
            found = made(points.T.astype(dtype)).T
            if (found == exact).all():
                return made
    return None


def _table(
    op: Requantise, x: Value, output: Value, steps: Array, rising: Array, lo: Array, length: int
) -> Kernel:
    rows = []
    for entries, up, first in zip(steps, rising, lo, strict=True):
        codes = np.arange(int(first), int(first) + length)
        rows.append(np.searchsorted(entries, codes if up else -codes, side="right"))
    table: Array = (np.stack(rows) + (op.range.lo - op.zero_point)).astype(carrier(output))
    starts = np.arange(len(rows)) * length - lo
    return gather(table, per_channel(starts, np.int64), x)


def _search(op: Requantise, x: Value, output: Value, steps: Array, rising: Array) -> Kernel:
    """A float64 estimate, at most one off, corrected by comparing integers with the thresholds around it."""
    channels, codes = steps.shape
    last = np.iinfo(np.int64).max
    ends = np.full((channels, 1), last)
    edges = np.concatenate([-ends, steps, ends], axis=1).reshape(-1)  # edges[k] <= code < edges[k + 1]: k
    start = per_channel(np.arange(channels) * (codes + 2), np.int64)
    gain = per_channel([float(m) for m in spread(op.multiplier, channels)], np.float64)
    shift = per_channel([float(b) - op.range.lo for b in spread(op.offset, channels)], np.float64)
    sign = per_channel(np.where(rising, 1, -1), np.int64)
    result_type, base = carrier(output), op.range.lo - op.zero_point

    def run(a: Array) -> Array:
        estimate = np.rint(np.clip(a * gain + shift, 0, codes)).astype(np.int64)
        code = a.astype(np.int64) * sign
        at = estimate + start
        estimate += code >= edges[at + 1]
        estimate -= code < edges[at]
        estimate += base
        return estimate.astype(result_type)

    return Kernel(run, scratch=48 * x.size, pointwise=run)
