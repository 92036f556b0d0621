"""Random instances of every operation, from a source of integers: hypothesis, or a seeded generator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import prod

import numpy as np

from levelone.graph import IntRange, Rounding, Value
from levelone.graph.ops import (
    Add,
    AddRequantise,
    Affine,
    AveragePool,
    Concat,
    Conv,
    Dense,
    ElementAffine,
    LocallyConnected,
    Lookup,
    MatMul,
    MaxPool,
    Multiply,
    Pad,
    Power,
    Relu,
    Requantise,
    Reshape,
    Staircase,
    Take,
    Transpose,
    Upsample,
)

Pick = Callable[[int, int], int]
"""An integer between two bounds, both included."""


@dataclass(frozen=True, eq=False)
class Case:
    """An operation, the types of its operands and codes for them: object arrays [event, *shape]."""

    op: object
    inputs: tuple[Value, ...]
    codes: tuple[np.ndarray, ...]


def seeded(seed: int) -> Pick:
    rng = np.random.default_rng(seed)
    return lambda lo, hi: int(rng.integers(lo, hi + 1))


def _integers(pick: Pick, shape, lo: int, hi: int) -> np.ndarray:
    """Object array of codes: mixtures of random ones and both ends."""
    rng = np.random.default_rng(pick(0, 2**32 - 1))
    spread = hi - lo
    codes = [lo + int(rng.random() * (spread + 1)) for _ in range(prod(shape))]
    corner = rng.random(prod(shape)) < (0, 0.3, 1)[pick(0, 2)]
    ends = rng.random(prod(shape)) < 0.5
    mixed = [
        (lo if e else hi) if c else min(max(v, lo), hi) for v, c, e in zip(codes, corner, ends, strict=True)
    ]
    return np.array(mixed, dtype=object).reshape(shape)


def _range(pick: Pick, widest: int = 12) -> IntRange:
    width = pick(1, widest) if pick(0, 9) else pick(1, 34)
    if pick(0, 1):
        return IntRange(-(2 ** (width - 1)), 2 ** (width - 1) - 1)
    return IntRange(0, 2**width - 1) if pick(0, 4) else IntRange(2**width - 1, 2**width)


def _value(pick: Pick, name: str, shape, *, scale: Fraction | None = None, per_channel: bool = True) -> Value:
    ranges = tuple(_range(pick) for _ in range(shape[-1] if per_channel and pick(0, 1) else 1))
    hull = IntRange(min(r.lo for r in ranges), max(r.hi for r in ranges))
    if scale is None:
        scale = Fraction(pick(1, 5), 2 ** pick(0, 6))
    return Value(name, tuple(shape), (scale,), hull, ranges if len(ranges) > 1 else ())


def codes_of(pick: Pick, value: Value, events: int) -> np.ndarray:
    ranges = value.channel_ranges or (value.range,) * value.shape[-1]
    columns = [_integers(pick, (events, *value.shape[:-1]), r.lo, r.hi) for r in ranges]
    return np.stack(columns, axis=-1)


def _finish(pick: Pick, op, *values: Value) -> Case:
    events = pick(1, 3)
    return Case(op, values, tuple(codes_of(pick, v, events) for v in values))


def _window(pick: Pick, rank: int, pooling: bool = False):
    kernel = tuple(pick(1, 3) for _ in range(rank))
    stride = tuple(pick(1, 3) for _ in range(rank))
    dilation = tuple(pick(1, 2) for _ in range(rank))
    # a window of a pooling always meets data if no padding is as large as its extent
    pads = tuple(
        (pick(0, d * (k - 1) if pooling else 2), pick(0, d * (k - 1) if pooling else 2))
        for k, d in zip(kernel, dilation, strict=True)
    )
    spatial = tuple(
        max(d * (k - 1) + 1 - (0 if pooling else b + e), 1) + pick(0, 3)
        for k, d, (b, e) in zip(kernel, dilation, pads, strict=True)
    )
    return kernel, stride, pads, dilation, spatial


def conv(pick: Pick) -> Case:
    kernel, stride, pads, dilation, spatial = _window(pick, pick(1, 3))
    groups = pick(1, 3) if pick(0, 2) == 0 else 1
    per_group, channels = pick(1, 3), groups * pick(1, 2)
    x = _value(pick, "x", (*spatial, per_group * groups))
    width = pick(1, 8) if pick(0, 9) else 24
    weights = _integers(pick, (*kernel, per_group, channels), -(2**width), 2**width)
    bias = _integers(pick, (channels,), -(2**9), 2**9)
    scale = tuple(Fraction(pick(1, 4), 8) for _ in range(channels if pick(0, 3) == 0 else 1))
    return _finish(pick, Conv(weights, bias, scale, stride, pads, dilation, groups, 2 ** pick(0, 2)), x)


def locally_connected(pick: Pick) -> Case:
    kernel, stride, pads, dilation, spatial = _window(pick, pick(1, 3))
    groups = pick(1, 3) if pick(0, 2) == 0 else 1
    per_group, channels = pick(1, 2), groups * pick(1, 2)
    x = _value(pick, "x", (*spatial, per_group * groups))
    own = tuple(
        (n + b + e - (d * (k - 1) + 1)) // s + 1
        for n, k, s, (b, e), d in zip(spatial, kernel, stride, pads, dilation, strict=True)
    )
    width = pick(1, 8) if pick(0, 9) else 24
    weights = _integers(pick, (*own, *kernel, per_group, channels), -(2**width), 2**width)
    bias = _integers(pick, (*own, channels), -(2**9), 2**9)
    scale = tuple(Fraction(pick(1, 4), 8) for _ in range(channels if pick(0, 3) == 0 else 1))
    op = LocallyConnected(weights, bias, scale, stride, pads, dilation, groups, 2 ** pick(0, 2))
    return _finish(pick, op, x)


def dense(pick: Pick) -> Case:
    fan_in, fan_out = pick(1, 8), pick(1, 4)
    x = _value(pick, "x", (*(pick(1, 3) for _ in range(pick(0, 2))), fan_in))
    width = pick(1, 8) if pick(0, 9) else 24
    weights = _integers(pick, (fan_in, fan_out), -(2**width), 2**width)
    bias = _integers(pick, (fan_out,), -(2**9), 2**9)
    return _finish(pick, Dense(weights, bias, (Fraction(1, 8),), 2 ** pick(0, 2)), x)


def requantise(pick: Pick) -> Case:
    x = _value(pick, "x", (*(pick(1, 3) for _ in range(pick(0, 2))), pick(1, 3)))
    channels = x.shape[-1] if pick(0, 1) else 1
    if pick(0, 1):
        multiplier = tuple(Fraction(2) ** pick(-6, 3) for _ in range(channels))
        offset = tuple(Fraction(pick(-9, 9), 2 ** pick(0, 3)) for _ in range(channels if pick(0, 1) else 1))
    else:
        multiplier = tuple(Fraction(pick(-9, 30) or 1, pick(1, 40)) for _ in range(channels))
        offset = tuple(Fraction(pick(-20, 20), pick(1, 7)) for _ in range(channels if pick(0, 1) else 1))
    if pick(0, 1):
        offset = (Fraction(0),)
    mode = list(Rounding)[pick(0, 6)]
    limits = _range(pick, 8)
    return _finish(pick, Requantise(multiplier, (Fraction(1, 4),), limits, mode, offset, pick(-3, 3)), x)


def add_requantise(pick: Pick) -> Case:
    one = requantise(pick)
    x, op = one.inputs[0], one.op
    channels = x.shape[-1]
    if pick(0, 1):
        second = tuple(Fraction(2) ** pick(-6, 3) for _ in range(channels if pick(0, 1) else 1))
    else:
        second = tuple(Fraction(pick(-9, 30), pick(1, 40)) for _ in range(channels if pick(0, 1) else 1))
    both = AddRequantise((op.multiplier, second), op.offset, op.scale, op.range, op.rounding, op.zero_point)
    return _finish(pick, both, x, _value(pick, "b", x.shape))


def power(pick: Pick) -> Case:
    return _finish(pick, Power(pick(2, 4)), _value(pick, "x", (pick(1, 3), pick(1, 4))))


def relu(pick: Pick) -> Case:
    return _finish(pick, Relu(), _value(pick, "x", (pick(1, 3), pick(1, 4))))


def max_pool(pick: Pick) -> Case:
    kernel, stride, pads, dilation, spatial = _window(pick, pick(1, 3), pooling=True)
    if max(dilation) > 1:  # gaps could fall on data alone: keep padding below one step
        pads = tuple(
            (min(b, 1), min(e, 1)) if k > 1 else (0, 0) for (b, e), k in zip(pads, kernel, strict=True)
        )
    x = _value(pick, "x", (*spatial, pick(1, 3)))
    return _finish(pick, MaxPool(kernel, stride, pads, dilation), x)


def average_pool(pick: Pick) -> Case:
    case = max_pool(pick)
    op = case.op
    return Case(
        AveragePool(op.kernel, op.stride, op.pads, op.dilation, bool(pick(0, 1))), case.inputs, case.codes
    )


def add(pick: Pick) -> Case:
    shape = tuple(pick(1, 4) for _ in range(pick(1, 3)))
    thin = tuple(1 if pick(0, 4) == 0 else n for n in shape)
    scale = Fraction(1, 8)
    return _finish(pick, Add(), _value(pick, "a", shape, scale=scale), _value(pick, "b", thin, scale=scale))


def multiply(pick: Pick) -> Case:
    case = add(pick)
    return Case(Multiply(), case.inputs, case.codes)


def matmul(pick: Pick) -> Case:
    batch = tuple(pick(1, 2) for _ in range(pick(0, 2)))
    rows, inner, columns = pick(1, 3), pick(1, 3), pick(1, 2)
    a, b = _value(pick, "a", (*batch, rows, inner)), _value(pick, "b", (*batch, inner, columns))
    return _finish(pick, MatMul(inner), a, b)


def lookup(pick: Pick) -> Case:
    shape = (*(pick(1, 3) for _ in range(pick(0, 2))), pick(1, 3))
    lo = pick(-40, 10)
    x = Value("x", shape, (Fraction(1, 4),), IntRange(lo, lo + pick(0, 30)))
    below, above = pick(0, 3), pick(0, 3)
    length = x.range.hi + above - (x.range.lo - below) + 1
    table = _integers(pick, (shape[-1], length) if pick(0, 1) else (length,), -99, 99)
    return _finish(pick, Lookup(lo - below, table, (Fraction(1, 8),)), x)


def staircase(pick: Pick) -> Case:
    x = _value(pick, "x", (*(pick(1, 3) for _ in range(pick(0, 2))), pick(1, 3)))
    rows, count = x.shape[-1] if pick(0, 1) else 1, pick(1, 9)
    reach = max(abs(x.range.lo), abs(x.range.hi)) + 1
    steps = np.sort(_integers(pick, (rows, count), -reach, reach).astype(np.int64), axis=1)
    levels = _integers(pick, (rows, count + 1), -99, 99)
    return _finish(pick, Staircase(steps, levels, (Fraction(1, 8),)), x)


def pad(pick: Pick) -> Case:
    shape = tuple(pick(2, 4) for _ in range(pick(1, 3)))
    mode = ("constant", "reflect", "edge")[pick(0, 2)]
    most = min(shape) - 1 if mode == "reflect" else 3
    pads = [(pick(0, most), pick(0, most)) for _ in shape]
    if pick(0, 1):
        pads[-1] = (0, 0)
    return _finish(pick, Pad(tuple(pads), mode, pick(-9, 9)), _value(pick, "x", shape))


def upsample(pick: Pick) -> Case:
    rank = pick(1, 3)
    x = _value(pick, "x", tuple(pick(1, 3) for _ in range(rank + 1)))
    return _finish(pick, Upsample(tuple(pick(1, 3) for _ in range(rank))), x)


def affine(pick: Pick) -> Case:
    x = _value(pick, "x", (pick(1, 3), pick(1, 4)))
    many = x.shape[-1] if pick(0, 1) else 1
    factor, term = tuple(pick(-9, 9) for _ in range(many)), tuple(pick(-99, 99) for _ in range(many))
    return _finish(pick, Affine(factor, term, (Fraction(1, 4),)), x)


def element_affine(pick: Pick) -> Case:
    shape = tuple(pick(1, 3) for _ in range(pick(1, 3)))
    thin = tuple(1 if pick(0, 4) == 0 else n for n in shape)
    factor, term = _integers(pick, shape, -9, 9), _integers(pick, thin, -99, 99)
    return _finish(pick, ElementAffine(factor, term, Fraction(1, 4)), _value(pick, "x", shape))


def concat(pick: Pick) -> Case:
    rank = pick(1, 3)
    shape, axis = [pick(1, 3) for _ in range(rank)], pick(0, rank - 1)
    scale = None if axis == rank - 1 else Fraction(1, 2)
    values = []
    for i in range(pick(1, 3)):
        shape[axis] = pick(1, 3)
        values.append(_value(pick, f"x{i}", tuple(shape), scale=scale))
    return _finish(pick, Concat(axis), *values)


def reshape(pick: Pick) -> Case:
    sizes = [pick(1, 3) for _ in range(pick(1, 4))]
    cut = pick(0, len(sizes) - 1)
    shape = (*sizes[:cut], prod(sizes[cut:]))
    before, after = (sizes, shape) if pick(0, 1) else (shape, sizes)
    return _finish(pick, Reshape(tuple(after)), _value(pick, "x", tuple(before)))


def transpose(pick: Pick) -> Case:
    shape = tuple(pick(1, 4) for _ in range(pick(1, 4)))
    axes = list(range(len(shape)))
    for i in range(len(axes)):
        j = pick(i, len(axes) - 1)
        axes[i], axes[j] = axes[j], axes[i]
    return _finish(pick, Transpose(tuple(axes)), _value(pick, "x", shape))


def take(pick: Pick) -> Case:
    shape = tuple(pick(1, 4) for _ in range(pick(1, 4)))
    axis = pick(0, len(shape) - 1)
    indices = tuple(pick(0, shape[axis] - 1) for _ in range(pick(1, 5)))
    return _finish(pick, Take(axis, indices), _value(pick, "x", shape))


CASES = {
    Add: add,
    AddRequantise: add_requantise,
    Affine: affine,
    AveragePool: average_pool,
    Concat: concat,
    Conv: conv,
    Dense: dense,
    ElementAffine: element_affine,
    LocallyConnected: locally_connected,
    Lookup: lookup,
    MatMul: matmul,
    MaxPool: max_pool,
    Multiply: multiply,
    Pad: pad,
    Power: power,
    Relu: relu,
    Requantise: requantise,
    Reshape: reshape,
    Staircase: staircase,
    Take: take,
    Transpose: transpose,
    Upsample: upsample,
}
