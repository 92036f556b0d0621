"""Requantisation: binary shifts in exact floats, other multipliers by table or by thresholds."""

from __future__ import annotations

import numpy as np

from levelone.graph.inputs import round_float
from levelone.graph.ir import Value
from levelone.graph.kernels.carrier import Array, carrier, float_for, per_channel
from levelone.graph.kernels.elementwise import gather
from levelone.graph.kernels.kernel import Kernel
from levelone.graph.ops import Requantise
from levelone.graph.ops._bounds import bounds, largest, magnitude, spread
from levelone.graph.thresholds import thresholds

TABLE_ENTRIES = 2**20
"""Largest table: channels times reachable codes."""
THRESHOLD_ENTRIES = 2**16
"""Most thresholds: channels times output codes."""


def requantise_kernel(op: Requantise, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    """A binary shift in exact floats; any other multiplier by table or by thresholds."""
    (x,) = inputs
    factors, terms, divisors = (np.asarray(a, dtype=object) for a in op.integer_form())
    halves = largest(divisors) // 2 + 1  # room for adding one half before rounding
    bound = max(magnitude(x), 1) * max(largest(factors), 1) + largest(terms) + halves
    dtype = float_for(max(bound, abs(op.range.lo), abs(op.range.hi), abs(op.zero_point)))
    if dtype is None or any(d & (d - 1) for d in divisors):
        return _general_kernel(op, x, output)
    rank = len(x.shape)
    shrink = per_channel([1 / float(d) for d in divisors], dtype, rank)
    gain = per_channel(factors, dtype, rank) * shrink
    shift = per_channel(terms, dtype, rank) * shrink if any(terms) else None
    lo, hi = dtype(op.range.lo), dtype(op.range.hi)
    result_type = carrier(output)

    def run(a: Array) -> Array:
        y = np.multiply(a, gain, dtype=dtype)
        if shift is not None:
            y += shift
        y = round_float(y, op.rounding)
        np.clip(y, lo, hi, out=y)
        if op.zero_point:
            y -= op.zero_point
        return y.astype(result_type, copy=False)

    return Kernel(run, scratch=16 * output.size)


def _general_kernel(op: Requantise, x: Value, output: Value) -> Kernel | None:
    """Any rational multiplier, from its exact thresholds."""
    channels = max(len(op.multiplier), len(op.offset), len(x.channel_ranges))
    codes = op.range.hi - op.range.lo
    if channels * codes > THRESHOLD_ENTRIES or not all(op.multiplier) or magnitude(x) >= 2**53:
        return None
    # Beyond the operand's range every threshold is as good as just outside it.
    outside = magnitude(x) + 1
    steps = np.clip(
        np.array(thresholds(op, channels), dtype=object).reshape(channels, codes), -outside, outside
    )
    steps = steps.astype(np.int64)
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


def _table(
    op: Requantise, x: Value, output: Value, steps: Array, rising: Array, lo: Array, length: int
) -> Kernel:
    rows = []
    for entries, up, first in zip(steps, rising, lo, strict=True):
        codes = np.arange(int(first), int(first) + length)
        rows.append(np.searchsorted(entries, codes if up else -codes, side="right"))
    table: Array = (np.stack(rows) + (op.range.lo - op.zero_point)).astype(carrier(output))
    starts = np.arange(len(rows)) * length - lo
    return gather(table, per_channel(starts, np.int32, len(x.shape)), x)


def _search(op: Requantise, x: Value, output: Value, steps: Array, rising: Array) -> Kernel:
    """A float64 estimate, at most one off, corrected by comparing integers with the thresholds around it."""
    channels, codes = steps.shape
    rank, last = len(x.shape), np.iinfo(np.int64).max
    ends = np.full((channels, 1), last)
    edges = np.concatenate([-ends, steps, ends], axis=1).reshape(-1)  # edges[k] <= code < edges[k + 1]: k
    start = per_channel(np.arange(channels) * (codes + 2), np.int64, rank)
    gain = per_channel([float(m) for m in spread(op.multiplier, channels)], np.float64, rank)
    shift = per_channel([float(b) - op.range.lo for b in spread(op.offset, channels)], np.float64, rank)
    sign = per_channel(np.where(rising, 1, -1), np.int64, rank)
    result_type, base = carrier(output), op.range.lo - op.zero_point

    def run(a: Array) -> Array:
        estimate = np.rint(np.clip(a * gain + shift, 0, codes)).astype(np.int64)
        code = a.astype(np.int64) * sign
        at = estimate + start
        estimate += code >= edges[at + 1]
        estimate -= code < edges[at]
        estimate += base
        return estimate.astype(result_type)

    return Kernel(run, scratch=48 * x.size)
