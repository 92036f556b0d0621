"""A function and its quantiser as one operation: a table, the larger of two quantisers, or a staircase."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import onnx

from levelone.graph.ops import Add, Affine, Lookup, Relu, Requantise
from levelone.graph.ops._bounds import spread
from levelone.graph.reader.context import MAX_OUTPUT_WIDTH, Context
from levelone.graph.reader.curve import MAX_STEPS, Curve, staircase, tabulated
from levelone.graph.reader.nodes import unsupported
from levelone.graph.reader.quantiser_node import QuantiserNode
from levelone.graph.reader.tensors import Activation, Fractions
from levelone.graph.reader.waiting import settle, waiting_affine
from levelone.graph.values import IntRange

MAX_TABLE = 2**17
"""Entries of the largest table that a function becomes."""
TABLE_COST = 128
"""What one table entry counts for in the budget of `Context.spend`: it is computed in rationals."""


def read_table(
    ctx: Context, node: onnx.NodeProto, quantiser: QuantiserNode, x: Activation, scale: Fractions
) -> Activation:
    """A function and its quantiser over every code that can reach them, waiting constants included."""
    assert x.function is not None  # noqa: S101  (the caller's case)
    if quantiser.whole_zero is None:
        raise unsupported(
            node,
            f"follows {x.function.name}",
            "a Quant with an integer zero point",
        )
    function, plain = x.function, replace(x, function=None)
    entries, fewer = _entries(ctx, x), _entries_settled(ctx, x)
    if fewer <= MAX_TABLE and fewer < entries:
        return _table(ctx, node, quantiser, replace(settle(ctx, plain), function=function), scale)
    if entries <= MAX_TABLE:
        return _table(ctx, node, quantiser, x, scale)
    leaky = function.slopes and all(0 <= s <= 1 for s in function.slopes)
    if leaky and not quantiser.bipolar and not x.clamped:
        return _leaky(ctx, node, quantiser, plain, function.slopes, scale)
    if function.turns is not None:
        return _staircase(ctx, node, quantiser, x, scale)
    r = ctx.value(x).range
    rows = len(_curves(ctx, quantiser, x, scale))
    raise unsupported(
        node,
        f"the function before it would need a table of {r.hi - r.lo + 1} entries (codes {r.lo} to {r.hi})"
        + (f" for each of {rows} channels" if rows > 1 else ""),
        f"a Quant before the function as well, so that a table of {MAX_TABLE} entries is enough",
    )


def too_large(ctx: Context, x: Activation) -> bool:
    """Whether the function of `x`, if there is one, has too many codes for a table."""
    return x.function is not None and min(_entries(ctx, x), _entries_settled(ctx, x)) > MAX_TABLE


def _entries(ctx: Context, x: Activation) -> int:
    """Entries of a table of the codes as they are, the waiting constants inside the function."""
    assert x.function is not None  # noqa: S101  (the caller's case)
    value = ctx.value(x)
    rows = max(len(t) for t in (value.scale, x.gain, x.bias, x.function.of))
    return (value.range.hi - value.range.lo + 1) * rows


def _entries_settled(ctx: Context, x: Activation) -> float:
    """Entries after the waiting constants have become integer operations; infinite if those are too wide."""
    assert x.function is not None  # noqa: S101  (the caller's case)
    constants = replace(x, function=None)
    value = waiting_affine(ctx, x).infer("settled", ctx.value(x))
    if not constants.pending or value.width > MAX_OUTPUT_WIDTH:
        return math.inf
    lo, hi = value.range.lo, value.range.hi
    if len(value.scale) == 1:  # clamped on a grid that holds both ends
        lo = lo if x.lower is None else max(lo, int(x.lower / value.scale[0]))
        hi = hi if x.upper is None else min(hi, int(x.upper / value.scale[0]))
    return max(hi - lo + 1, 1) * max(len(value.scale), len(x.function.of))


def _curves(ctx: Context, quantiser: QuantiserNode, x: Activation, scale: Fractions) -> list[Curve]:
    """What becomes of the codes: one curve, or one per channel."""
    assert x.function is not None  # noqa: S101  (the caller's case)
    value, of = ctx.value(x), x.function.of
    count = max(len(t) for t in (value.scale, x.gain, x.bias, scale, of))
    parts = zip(
        spread(value.scale, count), spread(x.gain, count), spread(x.bias, count),
        spread(scale, count), of * count if len(of) == 1 else of, strict=True,
    )  # fmt: skip
    zero = quantiser.whole_zero or 0
    return [Curve(s * g, b, x.lower, x.upper, f, quantiser, t, zero) for s, g, b, t, f in parts]


def _table(
    ctx: Context, node: onnx.NodeProto, quantiser: QuantiserNode, x: Activation, scale: Fractions
) -> Activation:
    assert x.function is not None  # noqa: S101  (the caller's case)
    r = ctx.value(x).range
    curves = _curves(ctx, quantiser, x, scale)
    ctx.spend((r.hi - r.lo + 1) * len(curves) * TABLE_COST * x.function.depth, node)
    table = [tabulated(curve, x.function.turns, r) for curve in curves]
    op = Lookup(r.lo, np.array(table if len(table) > 1 else table[0]), scale, tuple(curves))
    return ctx.emit_like(node.output[0], op, x)


def _staircase(
    ctx: Context, node: onnx.NodeProto, quantiser: QuantiserNode, x: Activation, scale: Fractions
) -> Activation:
    """By the codes at which the result changes, where a table would be too large."""
    assert x.function is not None and x.function.turns is not None  # noqa: S101  (the caller's case)
    r = ctx.value(x).range
    curves, cost = _curves(ctx, quantiser, x, scale), TABLE_COST * x.function.depth
    op = staircase(curves, x.function.turns, r, lambda: ctx.spend(cost, node))
    if op is None:
        raise unsupported(
            node,
            f"the function before it would need a table of {r.hi - r.lo + 1} entries (codes {r.lo} to "
            f"{r.hi}), and its result changes more than {MAX_STEPS} times",
            f"a Quant before the function as well, so that a table of {MAX_TABLE} entries is enough",
        )
    return ctx.emit_like(node.output[0], op, x)


def _leaky(
    ctx: Context,
    node: onnx.NodeProto,
    quantiser: QuantiserNode,
    x: Activation,
    slopes: Fractions,
    scale: Fractions,
) -> Activation:
    """A leaky Relu with slopes from 0 to 1 and its quantiser, where a table would be too large.

    Such a function is ``max(x, slope * x)``, and a quantiser is monotone: ``max(q(x), q(slope * x))``:
    ``q(slope * x) + relu(q(x) - q(slope * x))`` over integers.
    """
    name = node.output[0]
    count = max(len(x.gain), len(x.bias), len(slopes))
    gain, bias, slope = (spread(t, count) for t in (x.gain, x.bias, slopes))
    halves = []
    for side, by in (("steep", (Fraction(1),) * count), ("flat", slope)):
        op = Requantise.between(
            ctx.value(x),
            scale,
            quantiser.range,
            quantiser.rounding,
            gain=[g * s for g, s in zip(gain, by, strict=True)],
            bias=[b * s for b, s in zip(bias, by, strict=True)],
            zero_point=quantiser.whole_zero or 0,
        )
        halves.append(ctx.emit_like(f"{name}_{side}", op, x))
        ctx.not_the_tensor(halves[-1])
    steep, flat = halves
    minus = ctx.emit_like(f"{name}_minus", Affine((-1,), (0,), scale), flat)
    above = ctx.emit(f"{name}_above", Add(), steep, minus, shape=x.shape, order=x.order)
    above = ctx.emit_like(f"{name}_relu", Relu(), above)
    total = ctx.emit(f"{name}_sum", Add(), flat, above, shape=x.shape, order=x.order)
    for part in (minus, above, total):
        ctx.not_the_tensor(part)
    reach = ctx.value(steep).range, ctx.value(flat).range
    # the sum never leaves the codes of its parts, which interval arithmetic cannot know
    limits = IntRange(max(r.lo for r in reach), max(r.hi for r in reach))
    return ctx.emit_like(name, Requantise((Fraction(1),), scale, limits), total)
