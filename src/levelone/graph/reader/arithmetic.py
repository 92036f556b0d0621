"""Elementwise operators: sums of activations, and constants that wait for the next quantiser."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import onnx

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph.ops import Add, Multiply, Power, Relu
from levelone.graph.ops._bounds import spread
from levelone.graph.reader.axes import alike, along_channels, per_channel
from levelone.graph.reader.context import MAX_OUTPUT_WIDTH, Context
from levelone.graph.reader.contraction import summed_product, with_own_bias
from levelone.graph.reader.elements import with_factors, with_terms
from levelone.graph.reader.formulae import divided
from levelone.graph.reader.functions import applied, clamped, combined, powered, same, swish_of
from levelone.graph.reader.nodes import attributes, describe, unsupported
from levelone.graph.reader.tensors import (
    Activation,
    Constant,
    Fractions,
    Raised,
    finite,
    fractions,
    rational_gcd,
)
from levelone.graph.reader.waiting import (
    activation,
    align,
    one_scale,
    power_width,
    raw,
    settle,
    waiting_affine,
)

MOST_DIGITS = 4096
"""Bits of the numerators and denominators that constants in a row multiply up to."""


def read_relu(ctx: Context, node: onnx.NodeProto) -> Activation:
    x = raw(ctx, node, 0, sums=True)
    if x.function is not None:
        return clamped(x, Fraction(0), None)
    if x.plus is not None or x.clamped or set(x.bias) != {Fraction(0)} or min(x.gain) <= 0:
        return x.clamp(Fraction(0), None)  # after the constants: the quantiser does it exactly
    plain = ctx.emit_like(node.output[0], Relu(), replace(x, gain=(Fraction(1),)))
    result = replace(plain, gain=x.gain)
    if result.pending:
        ctx.not_the_tensor(result)
    return result


def read_add(ctx: Context, node: onnx.NodeProto) -> Activation:
    first, second = ctx.tensor(node, 0), ctx.tensor(node, 1)
    if isinstance(second, Constant):
        return _shifted(ctx, node, 0, second, 1)
    if isinstance(first, Constant):
        return _shifted(ctx, node, 1, first, 1)
    both = combined(ctx, node, first, second, operator.add)
    return both if both is not None else _sum(ctx, node, raw(ctx, node, 0), raw(ctx, node, 1))


def read_several(ctx: Context, node: onnx.NodeProto) -> Activation:
    """Sum and Mean of any number of tensors, one after the other."""
    total = node.input[0]
    names = [f"{node.output[0]}_{i}" for i in range(2, len(node.input))] + [node.output[0]]
    for name, other in zip(names, node.input[1:], strict=False):
        pair = onnx.helper.make_node("Add", [total, other], [name], name=node.name)
        ctx.tensors[name], total = read_add(ctx, pair), name
    x = raw(ctx, onnx.helper.make_node(node.op_type, [total], node.output, name=node.name), 0, sums=True)
    if node.op_type == "Sum":
        return x
    mean = _affine(ctx, x, (Fraction(1, len(node.input)),), (Fraction(0),))
    ctx.not_the_tensor(mean)
    return mean


def read_where(ctx: Context, node: onnx.NodeProto) -> Activation:
    """A constant mask that chooses between an activation and constants: factors 0 and 1, and terms."""
    mask = ctx.constant(node, 0, "condition").values != 0
    position = 2 if isinstance(ctx.tensor(node, 1), Constant) else 1
    other = finite(node, ctx.constant(node, 3 - position, "other choice"))
    mask = mask if position == 1 else ~mask
    x, instead = raw(ctx, node, position), np.where(mask, 0.0, other)
    kept = with_factors(ctx, node, x, mask.astype(np.float64))
    if kept is not None and not instead.any():
        return kept
    if kept is None:
        x, gain = along_channels(ctx, node, x, mask.astype(np.float64), "condition")
        kept = _affine(ctx, x, gain, (Fraction(0),))
    else:
        ctx.not_the_tensor(kept)
    placed = with_terms(ctx, node, kept, instead)
    if placed is not None:
        return placed
    kept, term = along_channels(ctx, node, kept, instead, "other choice")
    return _affine(ctx, kept, (Fraction(1),), term)


def _sum(ctx: Context, node: onnx.NodeProto, a: Activation, b: Activation) -> Activation:
    a, b = (settle(ctx, x) if x.clamped or x.function is not None else x for x in (a, b))
    if a.shape == b.shape and _sum_width(ctx, a, b) > MAX_OUTPUT_WIDTH:
        _, (a, b) = alike(ctx, node, a, b)
        return replace(a, plus=b)
    a, b = settle(ctx, a), settle(ctx, b)
    if a.shape != b.shape:
        return _broadcast_sum(ctx, node, a, b)
    if ctx.value(a).shape != ctx.value(b).shape or not np.array_equal(a.order, b.order):
        _, (a, b) = alike(ctx, node, a, b)
    if ctx.value(a).scale != ctx.value(b).scale:
        grid = rational_gcd([*ctx.value(a).scale, *ctx.value(b).scale])
        a, b = (align(ctx, node.output[0], x, grid) for x in (a, b))
    return ctx.emit(node.output[0], Add(), a, b, shape=a.shape, order=a.order)


def _sum_width(ctx: Context, a: Activation, b: Activation) -> int:
    """Bits of the sum on the coarsest grid that holds both operands and the constants that wait on them."""
    settled = [
        waiting_affine(ctx, x).infer("settled", ctx.value(x)) if x.pending else ctx.value(x) for x in (a, b)
    ]
    grid = rational_gcd([s for value in settled for s in value.scale])
    most = sum(max(value.scale) / grid * max(abs(value.range.lo), abs(value.range.hi)) for value in settled)
    return int(most).bit_length() + 1


def _broadcast_sum(ctx: Context, node: onnx.NodeProto, a: Activation, b: Activation) -> Activation:
    """Operands of equal rank whose axes of length 1 broadcast, as the bias of a whole channel or row."""
    if len(a.shape) != len(b.shape) or len(a.shape) < 2:
        raise unsupported(
            node,
            f"adds activations of shapes {a.shape} and {b.shape}",
            "activations of equal rank, where axes of length 1 broadcast",
        )
    axes, both = alike(ctx, node, a, b)
    a, b = (one_scale(ctx, x) for x in both)
    grid = rational_gcd([*ctx.value(a).scale, *ctx.value(b).scale])
    a, b = (align(ctx, node.output[0], x, grid) for x in (a, b))
    return ctx.emit_axes(node.output[0], Add(), axes, a, b)


def read_sub(ctx: Context, node: onnx.NodeProto) -> Activation:
    first, second = ctx.tensor(node, 0), ctx.tensor(node, 1)
    if isinstance(second, Constant):
        return _shifted(ctx, node, 0, second, -1)
    both = combined(ctx, node, first, second, operator.sub)
    if both is not None:
        return both
    minus = _affine(ctx, raw(ctx, node, 1), (Fraction(-1),), (Fraction(0),))
    if isinstance(first, Constant):
        placed = with_terms(ctx, node, minus, finite(node, first))
        if placed is not None:
            return placed
        minus, term = along_channels(ctx, node, minus, finite(node, first), "constant")
        return _affine(ctx, minus, (Fraction(1),), term)
    return _sum(ctx, node, raw(ctx, node, 0), minus)


def read_mul(ctx: Context, node: onnx.NodeProto) -> Activation:
    first, second = ctx.tensor(node, 0), ctx.tensor(node, 1)
    for position, by in ((0, second), (1, first)):
        if isinstance(by, Constant):
            summed = summed_product(ctx, node, position, by)
            return summed if summed is not None else _scaled(ctx, node, position, by, lambda c: c)
    swish = swish_of(node, first, second) or swish_of(node, second, first)
    both = swish or combined(ctx, node, first, second, operator.mul)
    return both if both is not None else _product(ctx, node)


def _product(ctx: Context, node: onnx.NodeProto) -> Activation:
    """Two activations of equal rank; axes of length 1 broadcast."""
    if same(ctx.tensor(node, 0), ctx.tensor(node, 1)):
        return _square(ctx, node)
    a, b = activation(ctx, node, 0), activation(ctx, node, 1)
    if len(a.shape) != len(b.shape):
        raise unsupported(node, f"multiplies shapes {a.shape} and {b.shape}", "activations of equal rank")
    axes, (a, b) = alike(ctx, node, a, b)
    return ctx.emit_axes(node.output[0], Multiply(), axes, a, b)


def _square(ctx: Context, node: onnx.NodeProto) -> Activation:
    """An activation times itself; where its integers would be too wide, a quantiser may make it a table."""
    x = raw(ctx, node, 0)
    if power_width(ctx, x, 2) > MAX_OUTPUT_WIDTH:
        return powered(ctx, node, x, 2)
    return ctx.emit_like(node.output[0], Power(2), settle(ctx, x))


def read_div(ctx: Context, node: onnx.NodeProto) -> Activation:
    first, second = ctx.tensor(node, 0), ctx.tensor(node, 1)
    if isinstance(first, Constant):
        top = fractions(finite(node, first))
        if len(top) == 1:
            return applied(raw(ctx, node, 1), node.op_type, (lambda x: divided(top[0], x),))
    both = combined(ctx, node, first, second, divided)
    if both is not None:
        return both
    if not isinstance(second, Constant):
        raise unsupported(
            node, "divides by something computed", "Div by a constant, or of one by its function"
        )
    if not second.values.all():
        raise LeveloneError(f"{describe(node)}: divides by zero", hint="a constant without zeros")
    return _scaled(ctx, node, 0, second, lambda c: 1 / c)


def read_neg(ctx: Context, node: onnx.NodeProto) -> Activation:
    return _affine(ctx, raw(ctx, node, 0), (Fraction(-1),), (Fraction(0),))


def read_batch_normalization(ctx: Context, node: onnx.NodeProto) -> Activation:
    """``(x - mean) * scale / sqrt(variance + epsilon) + bias``.

    The factor is the float64 value of ``scale / sqrt(variance + epsilon)`` rounded to float32, which is exact
    where the root is; everything after that is rational arithmetic.
    """
    x = raw(ctx, node, 0, sums=True)
    gamma, beta, mean, variance = (
        ctx.constant(node, i, what).values.astype(np.float64).reshape(-1)
        for i, what in enumerate(("scale", "bias", "mean", "variance"), start=1)
    )
    total = variance + np.float64(np.float32(attributes(node).get("epsilon", 1e-5)))
    if not (total > 0).all():
        raise LeveloneError(f"{describe(node)}: variance + epsilon must be positive")
    shape = (-1, *[1] * (len(x.shape) - 1))
    factor = (gamma / np.sqrt(total)).astype(np.float32)
    x, gain = along_channels(ctx, node, x, factor.reshape(shape), "factor")
    centre = per_channel(ctx, node, x, mean.reshape(shape), "mean")
    shift = per_channel(ctx, node, x, beta.reshape(shape), "bias")
    centred = _affine(ctx, x, (Fraction(1),), tuple(-m for m in centre))
    return _affine(ctx, _affine(ctx, centred, gain, (Fraction(0),)), (Fraction(1),), shift)


def _shifted(ctx: Context, node: onnx.NodeProto, position: int, by: Constant, sign: int) -> Activation:
    x = raw(ctx, node, position, sums=True)
    placed = with_own_bias(ctx, node, x, by, sign) or with_terms(ctx, node, x, sign * finite(node, by))
    if placed is not None:
        return placed
    x, term = along_channels(ctx, node, x, finite(node, by), "constant")
    return _affine(ctx, x, (Fraction(1),), tuple(sign * t for t in term))


def _scaled(
    ctx: Context,
    node: onnx.NodeProto,
    position: int,
    by: Constant,
    how: Callable[[Fraction], Fraction],
) -> Activation:
    x = raw(ctx, node, position, sums=True)
    placed = with_factors(ctx, node, x, finite(node, by), how)
    if placed is not None:
        return placed
    x, factor = along_channels(ctx, node, x, finite(node, by), "constant")
    return _affine(ctx, x, tuple(how(f) for f in factor), (Fraction(0),))


def _affine(ctx: Context, x: Activation, gain: Fractions, bias: Fractions) -> Activation:
    """``gain * x + bias``, waiting; clamped at limits that would differ by channel, it becomes integers."""
    lower, upper = x.lower, x.upper
    if x.function is not None:
        count = max(len(gain), len(bias))
        of = tuple(_line(*row) for row in zip(spread(gain, count), spread(bias, count), strict=True))
        made = applied(x, x.function.name, of, steady=set(bias) == {Fraction(0)} and min(gain) > 0)
        return _raised_then(made, x.function.raised, gain, bias)
    if x.clamped:
        factor, term = set(gain), set(bias)
        if len(factor) == len(term) == 1 and gain[0] != 0:
            ends = [None if e is None else e * gain[0] + bias[0] for e in (lower, upper)]
            lower, upper = ends if gain[0] > 0 else reversed(ends)
        elif term != {Fraction(0)} or min(factor) <= 0 or not {lower, upper} <= {Fraction(0), None}:
            x = settle(ctx, x)
            lower = upper = None
    for number in (*x.gain[:1], *x.bias[:1]):
        if max(number.numerator.bit_length(), number.denominator.bit_length()) > MOST_DIGITS:
            raise UnsupportedError(
                f"{x.value}: the constants after it need more than {MOST_DIGITS} bits to be exact",
                hint="put a Quant between them",
            )
    count = max(len(x.gain), len(x.bias), len(gain), len(bias))
    old_gain, old_bias, g, b = (spread(t, count) for t in (x.gain, x.bias, gain, bias))
    return replace(
        x,
        gain=_fold([p * q for p, q in zip(g, old_gain, strict=True)]),
        bias=_fold([p * q + r for p, q, r in zip(g, old_bias, b, strict=True)]),
        lower=lower if x.clamped else None,
        upper=upper if x.clamped else None,
        plus=None if x.plus is None else _affine(ctx, x.plus, gain, (Fraction(0),)),
    )


def _raised_then(made: Activation, power: Raised | None, gain: Fractions, bias: Fractions) -> Activation:
    """`made`, a function after a factor and a term, which remains a whole power with constants behind it."""
    if power is None or made.function is None:
        return made
    count = max(map(len, (power.gain, power.bias, gain, bias)))
    rows = zip(*(spread(t, count) for t in (gain, power.gain, power.bias, bias)), strict=True)
    pairs = [(g * p, g * q + b) for g, p, q, b in rows]
    power = Raised(power.exponent, *(_fold([*side]) for side in zip(*pairs, strict=True)))
    return replace(made, function=replace(made.function, raised=power))


def _line(gain: Fraction, bias: Fraction) -> Callable[[Fraction], Fraction]:
    return lambda x: gain * x + bias


def _fold(values: list[Fraction]) -> Fractions:
    return tuple(values[:1]) if len(set(values)) == 1 else tuple(values)
