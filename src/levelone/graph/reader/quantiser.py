"""Quantising an activation: what waits on it becomes part of one exact rounding."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import onnx

from levelone.graph.ops import AddRequantise, Affine, Requantise
from levelone.graph.ops._bounds import spread
from levelone.graph.reader.axes import along_channels
from levelone.graph.reader.context import Context
from levelone.graph.reader.input_port import make_port, without_zero
from levelone.graph.reader.ports import DECLARED
from levelone.graph.reader.quantiser_node import QuantiserNode, quantiser_of
from levelone.graph.reader.tables import read_table, too_large
from levelone.graph.reader.tensors import Activation, Fractions, Real
from levelone.graph.reader.waiting import can_be_multiplied, multiplied_out, raw, settle
from levelone.graph.values import IntRange, Rounding


def read_quantiser(ctx: Context, node: onnx.NodeProto) -> Activation:
    """A quantiser of an input becomes a port; one of an activation becomes a `Requantise`."""
    quantiser = quantiser_of(ctx, node)
    x = ctx.tensor(node, 0)
    if isinstance(x, Real):
        return make_port(ctx, node, quantiser, x, declared=node.doc_string == DECLARED)
    x = raw(ctx, node, 0, sums=True)
    if x.plus is not None and (quantiser.bipolar or quantiser.whole_zero is None):
        x = settle(ctx, x)
    x, scale = along_channels(ctx, node, x, quantiser.scale, "scale")
    x, zero = along_channels(ctx, node, x, quantiser.zero_point, "zero point")
    limits = quantiser.range
    value = ctx.value(x)
    if too_large(ctx, x) and can_be_multiplied(ctx, x):
        x = multiplied_out(ctx, x)
        value = ctx.value(x)
    if x.function is not None:
        return read_table(ctx, node, quantiser, x, scale)
    at_zero = {x.lower, x.upper} <= {Fraction(0), None}  # where scales make no difference
    if x.clamped and (quantiser.bipolar or (len(scale) != 1 and not at_zero) or len(zero) != 1):
        x = settle(ctx, x)
        value = ctx.value(x)
    if quantiser.bipolar:
        op = Requantise.between(
            value,
            scale,
            IntRange(0, 1),
            Rounding.FLOOR,
            gain=x.gain,
            bias=x.bias,
        )
        op = replace(op, offset=tuple(b + 1 for b in op.offset))  # floor(y) + 1 >= 1 exactly where y >= 0
        bit = ctx.emit_like(f"{node.output[0]}_bit", op, x)
        ctx.not_the_tensor(bit)
        return ctx.emit_like(node.output[0], Affine((2,), (-1,), scale), bit)
    if x.clamped:
        # rounding and saturation are monotone: clamping first only narrows the limits
        limits = IntRange(
            limits.lo if x.lower is None else quantiser.code(x.lower, scale[0], zero[0]),
            limits.hi if x.upper is None else quantiser.code(x.upper, scale[0], zero[0]),
        )
    if x.plus is not None:
        both = _rounded_sum(ctx, quantiser, x, scale, limits)
        return ctx.emit(node.output[0], both, x, x.plus, shape=x.shape, order=x.order)
    if quantiser.whole_zero is None:
        # such a zero point is on no code's grid: the codes stay as they are, and a finer grid takes it off
        op = Requantise.between(value, scale, limits, quantiser.rounding, gain=x.gain, bias=x.bias)
        op = replace(op, offset=_summed(op.offset, zero))
        codes = ctx.emit_like(f"{node.output[0]}_code", op, x)
        ctx.not_the_tensor(codes)
        return ctx.emit_like(node.output[0], without_zero(scale, zero), codes)
    op = Requantise.between(
        value,
        scale,
        limits,
        quantiser.rounding,
        gain=x.gain,
        bias=x.bias,
        zero_point=quantiser.whole_zero,
    )
    return ctx.emit_like(node.output[0], op, x)


def _rounded_sum(
    ctx: Context, quantiser: QuantiserNode, x: Activation, scale: Fractions, limits: IntRange
) -> AddRequantise:
    """The quantiser of an activation with a second operand."""
    assert x.plus is not None and quantiser.whole_zero is not None  # noqa: S101  (the caller's case)
    first, second = (
        Requantise.between(ctx.value(term), scale, limits, quantiser.rounding, gain=term.gain, bias=term.bias)
        for term in (x, x.plus)
    )
    offset = _summed(_summed(first.offset, second.offset), (Fraction(quantiser.whole_zero),))
    return AddRequantise(
        (first.multiplier, second.multiplier), offset, scale, limits, quantiser.rounding, quantiser.whole_zero
    )


def _summed(offset: Fractions, zero: Fractions) -> Fractions:
    count = max(len(offset), len(zero))
    return tuple(a + b for a, b in zip(spread(offset, count), spread(zero, count), strict=True))
