"""Functions that wait for a quantiser to become a table with it, Clip, and what rounds to integers itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType

import numpy as np
import onnx

from levelone.errors import UnsupportedError
from levelone.graph.ops import Requantise
from levelone.graph.ops._bounds import spread
from levelone.graph.reader.axes import per_channel
from levelone.graph.reader.context import Context
from levelone.graph.reader.formulae import (
    FUNCTIONS,
    MOST_EXACT,
    TURNS,
    Made,
    Number,
    attribute,
    leaking,
    power,
    swish,
    turns_of,
)
from levelone.graph.reader.hosted import limits, number, only_hosted
from levelone.graph.reader.nodes import unsupported
from levelone.graph.reader.tables import too_large
from levelone.graph.reader.tensors import Activation, Constant, Fractions, Function, Raised, Tensor, finite
from levelone.graph.reader.waiting import can_be_multiplied, multiplied_out, raw, settle
from levelone.graph.values import IntRange, Rounding

MOST_FUNCTIONS = 32
"""Functions of one value in a row that become one table."""
Turns = tuple[Fraction, Fraction] | tuple[()] | None


def read_function(ctx: Context, node: onnx.NodeProto) -> Activation:
    """The function waits on its operand until a quantiser makes both one table."""
    of = FUNCTIONS[node.op_type](node)
    x = applied(raw(ctx, node, 0), node.op_type, (of,), turns_of(node))
    alone = x.function is not None and x.function.of == (of,)
    if node.op_type == "Abs" and alone and x.function is not None:
        return replace(x, function=replace(x.function, slopes=(Fraction(-1),)))
    return x


def read_leaky(ctx: Context, node: onnx.NodeProto) -> Activation:
    """LeakyRelu, or PRelu, whose slope is a constant: one or one per channel."""
    x = raw(ctx, node, 0)
    slopes: Fractions = (attribute(node, "alpha", 0.01),)
    if node.op_type == "PRelu":
        slopes = per_channel(ctx, node, x, finite(node, ctx.constant(node, 1, "slope")), "slope")
    turns = () if min(slopes) >= 0 else None
    of = tuple(leaking(slope) for slope in slopes)
    if x.function is not None:
        return applied(x, node.op_type, of, turns)
    return replace(x, function=Function(node.op_type, of, slopes, turns))


def read_hard_sigmoid(ctx: Context, node: onnx.NodeProto) -> Activation:
    """A factor, a term and a clamp, which wait for the quantiser: no table is needed."""
    x = raw(ctx, node, 0)
    slope, centre = attribute(node, "alpha", 0.2), attribute(node, "beta", 0.5)
    if x.function is not None:
        x = applied(x, node.op_type, (lambda v: slope * v + centre,))
        return clamped(x, Fraction(0), Fraction(1))
    if x.clamped:
        x = settle(ctx, x)
    x = replace(x, gain=tuple(g * slope for g in x.gain), bias=tuple(b * slope + centre for b in x.bias))
    return x.clamp(Fraction(0), Fraction(1))


def read_power(ctx: Context, node: onnx.NodeProto) -> Activation:
    """Pow with a constant number on one side."""
    first, second = ctx.tensor(node, 0), ctx.tensor(node, 1)
    if isinstance(second, Constant):
        exponent = _number(node, second)
        odd, even = exponent > 0 and exponent % 2 == 1, exponent > 0 and exponent % 2 == 0
        x = raw(ctx, node, 0)
        if x.function is None and 2 <= exponent <= MOST_EXACT and (odd or even):
            return powered(ctx, node, x, int(exponent))
        turns: Turns = () if odd else (Fraction(0), Fraction(0)) if even else None
        return applied(x, node.op_type, (lambda x: power(x, exponent),), turns)
    if isinstance(first, Constant):
        base = _number(node, first)
        of = (lambda x: power(float(base), x),)
        return applied(raw(ctx, node, 1), node.op_type, of, () if base >= 1 else None)
    raise unsupported(node, "raises a computed number to a computed power", "a constant base or exponent")


def powered(ctx: Context, node: onnx.NodeProto, x: Activation, exponent: int) -> Activation:
    """A whole power: a function with a quantiser after it, else an integer product."""
    turns: Turns = () if exponent % 2 else (Fraction(0), Fraction(0))
    of = (lambda v: power(v, Fraction(exponent)),)
    function = Function(node.op_type, of, turns=turns, raised=Raised(exponent), tensor=node.output[0])
    waiting = replace(x, function=function)
    # what a function behind it makes of it is no power: as a table it would be too large
    now = too_large(ctx, waiting) and can_be_multiplied(ctx, waiting) and not only_hosted(ctx, node)
    return multiplied_out(ctx, waiting) if now else waiting


def read_rounding(ctx: Context, node: onnx.NodeProto) -> Activation:
    """Floor, Ceil, Round and Sign make integers: they are quantisers with scale 1."""
    x = raw(ctx, node, 0)
    if x.function is not None:
        return applied(x, node.op_type, (ROUNDED[node.op_type],))
    x = settle(ctx, x) if x.clamped else x
    mode = ROUNDING[node.op_type]
    one = (Fraction(1),)
    op = Requantise.between(ctx.value(x), one, IntRange(-1, 1), mode, gain=x.gain, bias=x.bias)
    if node.op_type != "Sign":  # limits that no code reaches
        reach = ctx.value(x).range
        most = max(map(abs, op.multiplier)) * max(abs(reach.lo), abs(reach.hi)) + max(map(abs, op.offset))
        op = replace(op, range=IntRange(-int(most) - 1, int(most) + 1))
    return ctx.emit_like(node.output[0], op, x)


ROUNDING = MappingProxyType(
    {"Ceil": Rounding.CEIL, "Floor": Rounding.FLOOR, "Round": Rounding.ROUND, "Sign": Rounding.UP}
)
ROUNDED: MappingProxyType[str, Made] = MappingProxyType(
    {
        "Ceil": lambda x: Fraction(math.ceil(x)),
        "Floor": lambda x: Fraction(math.floor(x)),
        "Round": lambda x: Fraction(round(x)),
        "Sign": lambda x: Fraction((x > 0) - (x < 0)),
    }
)


def applied(
    x: Activation, name: str, of: tuple[Made, ...], turns: Turns = None, *, steady: bool = False
) -> Activation:
    """`x` after one more function, one or one per channel of the graph's value, whatever waits on it.

    Parameters
    ----------
    turns
        As in `Function`.
    steady
        Whether it never falls, and does not make a relative error of its operand larger.
    """
    if x.function is None:
        return replace(x, function=Function(name, of, turns=turns))
    before = x.function
    count = max(len(before.of), len(of))
    pairs = zip(*(f * count if len(f) == 1 else f for f in (of, before.of)), strict=True)
    both = tuple(_after(*pair) for pair in pairs)
    made = Function(name, both, turns=before.turns if steady else None, depth=_deeper(x, before.depth))
    return replace(x, function=made)


def _deeper(x: Activation, depth: int) -> int:
    if depth >= MOST_FUNCTIONS:
        raise UnsupportedError(
            f"more than {MOST_FUNCTIONS} functions follow {x.value} without a quantiser",
            hint="put a Quant between them",
        )
    return depth + 1


def _after(outer: Made, inner: Made) -> Made:
    def both(x: Fraction) -> Number:
        y = inner(x)
        return outer(Fraction(y) if math.isfinite(y) else y)

    return both


def _number(node: onnx.NodeProto, constant: Constant) -> Fraction:
    return Fraction(number(node, constant, "constant"))


def combined(
    ctx: Context, node: onnx.NodeProto, x: Tensor, y: Tensor, how: Callable[[Number, Number], Number]
) -> Activation | None:
    """Two functions of one value as one, if that is what the two operands are."""
    if not isinstance(x, Activation) or not isinstance(y, Activation) or x.plus or y.plus:
        return None
    if not _of_one_value(x, y) or (x.function is None and y.function is None):
        return None
    count = max(len(t) for z in (x, y) for t in (z.gain, z.bias, z.function.of if z.function else (0,)))
    pairs = zip(_of_the_value(x, count), _of_the_value(y, count), strict=True)
    of = tuple(_joined(how, f, g) for f, g in pairs)
    depth = _deeper(x, sum(z.function.depth for z in (x, y) if z.function is not None))
    return Activation(x.value, x.shape, x.order, function=Function(node.op_type, of, depth=depth))


def _of_one_value(x: Activation, y: Activation) -> bool:
    return x.value == y.value and x.shape == y.shape and np.array_equal(x.order, y.order)


def same(x: Tensor, y: Tensor) -> bool:
    """Whether two activations are one: the same codes, with the same constants and function after them."""
    if x is y:
        return True
    if not isinstance(x, Activation) or not isinstance(y, Activation) or not _of_one_value(x, y):
        return False
    waiting = [(z.gain, z.bias, z.lower, z.upper, z.function, z.plus) for z in (x, y)]
    return waiting[0] == waiting[1]


def _joined(how: Callable[[Number, Number], Number], f: Made, g: Made) -> Made:
    return lambda x: how(f(x), g(x))


def _of_the_value(x: Activation, count: int) -> list[Made]:
    """What waits on `x` as functions of its value's real numbers: one, or one per channel."""
    of = x.function.of if x.function else (lambda v: v,)
    rows = zip(spread(x.gain, count), spread(x.bias, count), of * count if len(of) == 1 else of, strict=True)
    return [_waiting(x, *row) for row in rows]


def _waiting(x: Activation, gain: Fraction, bias: Fraction, f: Made) -> Made:
    def of(v: Fraction) -> Number:
        y = gain * v + bias
        y = y if x.lower is None else max(y, x.lower)
        return f(y if x.upper is None else min(y, x.upper))

    return of


def swish_of(node: onnx.NodeProto, x: Tensor, gate: Tensor) -> Activation | None:
    """``x * sigmoid(x)`` as one function, if that is what the two operands are."""
    if not isinstance(x, Activation) or not isinstance(gate, Activation) or gate.function is None:
        return None
    if gate.function.name != "Sigmoid" or x.function is not None:
        return None
    same = replace(gate, function=None)
    if (x.value, x.shape, x.gain, x.bias, x.lower, x.upper) != (
        same.value, same.shape, same.gain, same.bias, same.lower, same.upper,
    ) or not np.array_equal(x.order, same.order):  # fmt: skip
        return None
    return replace(x, function=Function("Swish", (swish,), turns=TURNS["Swish"]))


def read_clamp(ctx: Context, node: onnx.NodeProto) -> Activation:
    """Clip, or Min or Max with constants. It waits, too: before a quantiser it is narrower limits."""
    position = next((i for i, n in enumerate(node.input) if not isinstance(ctx.tensors.get(n), Constant)), 0)
    others = [n for i, n in enumerate(node.input) if i != position and n]
    if node.op_type != "Clip" and any(not isinstance(ctx.tensors.get(n), Constant) for n in others):
        raise unsupported(node, "compares two activations", f"{node.op_type} of an activation and constants")
    x = raw(ctx, node, position)
    lower, upper = (None if end is None else Fraction(end) for end in limits(ctx, node))
    if lower is not None and upper is not None and lower > upper:
        raise unsupported(node, f"min {float(lower)} above max {float(upper)}", "min below max")
    return clamped(x, lower, upper)


def clamped(x: Activation, lower: Fraction | None, upper: Fraction | None) -> Activation:
    """`x` between limits; they are part of a function where one waits."""
    if x.function is None:
        return x.clamp(lower, upper)

    def inside(v: Number) -> Number:
        v = v if lower is None else max(v, lower)
        return v if upper is None else min(v, upper)

    return applied(x, x.function.name, (inside,), steady=True)
