"""The slow, obvious twin of every operation: plain loops over Python integers and fractions.

Arrays are object arrays of Python integers, [event, *shape], channels last.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import floor

import numpy as np

from levelone.graph import Rounding
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


def round_slow(x: Fraction, mode: Rounding) -> int:
    below = floor(x)
    rest = x - below
    if rest == 0:
        return below
    half = Fraction(1, 2)
    towards_zero = below if x > 0 else below + 1
    away = below + 1 if x > 0 else below
    even = below if below % 2 == 0 else below + 1
    nearest = below if rest < half else below + 1
    return {
        Rounding.FLOOR: below,
        Rounding.CEIL: below + 1,
        Rounding.DOWN: towards_zero,
        Rounding.UP: away,
        Rounding.ROUND: even if rest == half else nearest,
        Rounding.HALF_UP: away if rest == half else nearest,
        Rounding.HALF_DOWN: towards_zero if rest == half else nearest,
    }[mode]


def positions(op, spatial):
    """Every output position, with the (tap, source position or None) pairs its window covers."""
    sizes = []
    for n, k, s, (b, e), d in zip(spatial, op.window.kernel, op.stride, op.pads, op.dilation, strict=True):
        sizes.append((n + b + e - (d * (k - 1) + 1)) // s + 1)
    for out in product(*(range(n) for n in sizes)):
        pairs = []
        for tap in product(*(range(k) for k in op.window.kernel)):
            source = tuple(
                o * s + t * d - b
                for o, s, t, d, (b, _) in zip(out, op.stride, tap, op.dilation, op.pads, strict=True)
            )
            inside = all(0 <= p < n for p, n in zip(source, spatial, strict=True))
            pairs.append((tap, source if inside else None))
        yield out, pairs


def _empty(events, op, spatial, channels):
    sizes = [max(axis) + 1 for axis in zip(*(out for out, _ in positions(op, spatial)), strict=True)]
    return np.empty((events, *sizes, channels), dtype=object)


def conv(op: Conv, x):
    per_group, channels = op.weights.shape[-2:]
    result = _empty(len(x), op, x.shape[1:-1], channels)
    for event in range(len(x)):
        for out, pairs in positions(op, x.shape[1:-1]):
            for j in range(channels):
                group = j // (channels // op.groups)
                total = 0
                for tap, source in pairs:
                    for i in range(per_group):
                        if source is not None:
                            operand = x[(event, *source, group * per_group + i)]
                            total += int(operand) * int(op.weights[(*tap, i, j)])
                result[(event, *out, j)] = total * op.step + int(op.bias[j])
    return result


def locally_connected(op: LocallyConnected, x):
    per_group, channels = op.weights.shape[-2:]
    result = _empty(len(x), op, x.shape[1:-1], channels)
    for event in range(len(x)):
        for out, pairs in positions(op, x.shape[1:-1]):
            for j in range(channels):
                first = j // (channels // op.groups) * per_group
                total = 0
                for tap, source in pairs:
                    for i in range(per_group):
                        if source is not None:
                            operand = x[(event, *source, first + i)]
                            total += int(operand) * int(op.weights[(*out, *tap, i, j)])
                result[(event, *out, j)] = total * op.step + int(op.bias[(*out, j)])
    return result


def dense(op: Dense, x):
    result = np.empty((*x.shape[:-1], op.weights.shape[1]), dtype=object)
    for where in product(*(range(n) for n in x.shape[:-1])):
        for j in range(op.weights.shape[1]):
            total = sum(int(x[(*where, i)]) * int(op.weights[i, j]) for i in range(len(op.weights)))
            result[(*where, j)] = total * op.step + int(op.bias[j])
    return result


def requantise(op: Requantise, x):
    result = np.empty(x.shape, dtype=object)
    for where in np.ndindex(*x.shape):
        channel = where[-1]
        multiplier = op.multiplier[channel % len(op.multiplier)]
        offset = op.offset[channel % len(op.offset)]
        code = round_slow(int(x[where]) * multiplier + offset, op.rounding)
        result[where] = min(max(code, op.range.lo), op.range.hi) - op.zero_point
    return result


def add_requantise(op: AddRequantise, a, b):
    result = np.empty(a.shape, dtype=object)
    for where in np.ndindex(*a.shape):
        first, second, offset = (t[where[-1] % len(t)] for t in (*op.multipliers, op.offset))
        code = round_slow(int(a[where]) * first + int(b[where]) * second + offset, op.rounding)
        result[where] = min(max(code, op.range.lo), op.range.hi) - op.zero_point
    return result


def power(op: Power, x):
    result = np.empty(x.shape, dtype=object)
    for where in np.ndindex(*x.shape):
        product = 1
        for _ in range(op.exponent):
            product *= int(x[where])
        result[where] = product
    return result


def relu(op: Relu, x):
    result = np.empty(x.shape, dtype=object)
    for where in np.ndindex(*x.shape):
        result[where] = int(x[where]) if x[where] > 0 else 0
    return result


def max_pool(op: MaxPool, x):
    result = _empty(len(x), op, x.shape[1:-1], x.shape[-1])
    for event in range(len(x)):
        for out, pairs in positions(op, x.shape[1:-1]):
            for c in range(x.shape[-1]):
                present = [int(x[(event, *source, c)]) for _, source in pairs if source is not None]
                result[(event, *out, c)] = max(present)
    return result


def average_pool(op: AveragePool, x):
    """The mean as an exact fraction, then as a code on the grid that the operation promises."""
    result = _empty(len(x), op, x.shape[1:-1], x.shape[-1])
    divisor = op.divisor(x.shape[1:-1])
    for event in range(len(x)):
        for out, pairs in positions(op, x.shape[1:-1]):
            for c in range(x.shape[-1]):
                present = [int(x[(event, *source, c)]) for _, source in pairs if source is not None]
                count = len(pairs) if op.include_pad else len(present)
                code = Fraction(sum(present), count) * divisor
                assert code.denominator == 1
                result[(event, *out, c)] = int(code)
    return result


def add(op: Add, a, b):
    shape = tuple(max(m, n) for m, n in zip(a.shape, b.shape, strict=True))
    result = np.empty(shape, dtype=object)
    for where in np.ndindex(*shape):
        left = a[tuple(w if n > 1 else 0 for w, n in zip(where, a.shape, strict=True))]
        right = b[tuple(w if n > 1 else 0 for w, n in zip(where, b.shape, strict=True))]
        result[where] = int(left) + int(right)
    return result


def multiply(op: Multiply, a, b):
    shape = tuple(max(m, n) for m, n in zip(a.shape, b.shape, strict=True))
    result = np.empty(shape, dtype=object)
    for where in np.ndindex(*shape):
        left = a[tuple(w if n > 1 else 0 for w, n in zip(where, a.shape, strict=True))]
        right = b[tuple(w if n > 1 else 0 for w, n in zip(where, b.shape, strict=True))]
        result[where] = int(left) * int(right)
    return result


def matmul(op: MatMul, a, b):
    result = np.empty((*a.shape[:-1], b.shape[-1]), dtype=object)
    for where in np.ndindex(*result.shape):
        *before, row, column = where
        terms = (int(a[(*before, row, i)]) * int(b[(*before, i, column)]) for i in range(a.shape[-1]))
        result[where] = sum(terms)
    return result


def lookup(op: Lookup, x):
    result = np.empty(x.shape, dtype=object)
    for where in np.ndindex(*x.shape):
        row = op.table if op.table.ndim == 1 else op.table[where[-1]]
        result[where] = int(row[int(x[where]) - op.lowest])
    return result


def staircase(op: Staircase, x):
    result = np.empty(x.shape, dtype=object)
    for where in np.ndindex(*x.shape):
        row = where[-1] % len(op.steps)
        reached = sum(int(step) <= int(x[where]) for step in op.steps[row])
        result[where] = int(op.levels[row][reached])
    return result


def pad(op: Pad, x):
    shape = [n + b + e for n, (b, e) in zip(x.shape[1:], op.pads, strict=True)]
    result = np.empty((len(x), *shape), dtype=object)
    for where in np.ndindex(*result.shape):
        source, outside = [where[0]], False
        for at, n, (begin, _) in zip(where[1:], x.shape[1:], op.pads, strict=True):
            at -= begin
            outside |= not 0 <= at < n
            if op.mode == "reflect":
                at = -at if at < 0 else 2 * (n - 1) - at if at >= n else at
            source.append(min(max(at, 0), n - 1))
        result[where] = op.value if outside and op.mode == "constant" else int(x[tuple(source)])
    return result


def upsample(op: Upsample, x):
    spatial = [n * f for n, f in zip(x.shape[1:-1], op.factors, strict=True)]
    result = np.empty((len(x), *spatial, x.shape[-1]), dtype=object)
    for where in np.ndindex(*result.shape):
        source = tuple(w // f for w, f in zip(where[1:-1], op.factors, strict=True))
        result[where] = int(x[(where[0], *source, where[-1])])
    return result


def affine(op: Affine, x):
    result = np.empty(x.shape, dtype=object)
    for where in np.ndindex(*x.shape):
        factor, term = op.factor[where[-1] % len(op.factor)], op.term[where[-1] % len(op.term)]
        result[where] = int(x[where]) * factor + term
    return result


def element_affine(op: ElementAffine, x):
    result = np.empty(x.shape, dtype=object)
    for where in np.ndindex(*x.shape):
        factor, term = (
            int(part[tuple(i if n > 1 else 0 for i, n in zip(where[1:], part.shape, strict=True))])
            for part in (op.factor, op.term)
        )
        result[where] = int(x[where]) * factor + term
    return result


def concat(op: Concat, *parts):
    axis = op.axis + 1
    shape = list(parts[0].shape)
    shape[axis] = sum(p.shape[axis] for p in parts)
    result = np.empty(shape, dtype=object)
    for where in np.ndindex(*shape):
        at = where[axis]
        for part in parts:
            if at < part.shape[axis]:
                result[where] = int(part[(*where[:axis], at, *where[axis + 1 :])])
                break
            at -= part.shape[axis]
    return result


def reshape(op: Reshape, x):
    result = np.empty((len(x), *op.shape), dtype=object)
    for event in range(len(x)):
        codes = [int(x[(event, *where)]) for where in np.ndindex(*x.shape[1:])]
        for number, where in enumerate(np.ndindex(*op.shape)):
            result[(event, *where)] = codes[number]
    return result


def transpose(op: Transpose, x):
    shape = tuple(x.shape[a + 1] for a in op.axes)
    result = np.empty((len(x), *shape), dtype=object)
    for where in np.ndindex(*x.shape):
        to = tuple(where[a + 1] for a in op.axes)
        result[(where[0], *to)] = int(x[where])
    return result


def take(op: Take, x):
    axis = op.axis + 1
    result = np.empty((*x.shape[:axis], len(op.indices), *x.shape[axis + 1 :]), dtype=object)
    for where in np.ndindex(*result.shape):
        result[where] = int(x[(*where[:axis], op.indices[where[axis]], *where[axis + 1 :])])
    return result


TWINS = {
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
