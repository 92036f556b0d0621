"""Elementwise operators: sums of activations, and constants that wait for the next quantiser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import onnx

from levelone.errors import LeveloneError
from levelone.graph.ops import Add, Multiply, Relu
from levelone.graph.ops._bounds import spread
from levelone.graph.reader.context import Context, align, attributes, describe, unsupported
from levelone.graph.reader.functions import swish_of
from levelone.graph.reader.tensors import Activation, Constant, Fractions, rational_gcd


def read_relu(ctx: Context, node: onnx.NodeProto) -> Activation:
    x = ctx.raw(node, 0)
    if x.function is not None:
        x = ctx.settle(x)  # raises, saying what is missing
    if x.clamped or set(x.bias) != {Fraction(0)} or min(x.gain) <= 0:
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
    a, b = ctx.activation(node, 0), ctx.activation(node, 1)
    if a.shape != b.shape:
        raise unsupported(
            node, f"adds activations of shapes {a.shape} and {b.shape}", "activations of equal shape"
        )
    if ctx.value(a).shape != ctx.value(b).shape or not np.array_equal(a.order, b.order):
        arrange = ctx.channels_last if len(a.shape) > 1 else ctx.as_onnx
        a, b = arrange(a, node), arrange(b, node)
    if ctx.value(a).scale != ctx.value(b).scale:
        grid = rational_gcd([*ctx.value(a).scale, *ctx.value(b).scale])
        a, b = (align(ctx, node.output[0], x, grid) for x in (a, b))
    return ctx.emit(node.output[0], Add(), a, b, shape=a.shape, order=a.order)


def read_sub(ctx: Context, node: onnx.NodeProto) -> Activation:
    second = ctx.tensor(node, 1)
    if not isinstance(second, Constant):
        raise unsupported(node, "subtracts something computed", "Add, or Sub of a constant")
    return _shifted(ctx, node, 0, second, -1)


def read_mul(ctx: Context, node: onnx.NodeProto) -> Activation:
    first, second = ctx.tensor(node, 0), ctx.tensor(node, 1)
    if isinstance(second, Constant):
        return _scaled(ctx, node, 0, second, lambda c: c)
    if isinstance(first, Constant):
        return _scaled(ctx, node, 1, first, lambda c: c)
    swish = swish_of(node, first, second) or swish_of(node, second, first)
    return swish if swish is not None else _product(ctx, node)


def _product(ctx: Context, node: onnx.NodeProto) -> Activation:
    """Two activations of equal rank; axes of length 1 broadcast."""
    a, b = ctx.activation(node, 0), ctx.activation(node, 1)
    if len(a.shape) != len(b.shape):
        raise unsupported(node, f"multiplies shapes {a.shape} and {b.shape}", "activations of equal rank")
    if len(a.shape) > 1:
        return ctx.emit_last(
            node.output[0], Multiply(), ctx.channels_last(a, node), ctx.channels_last(b, node)
        )
    a, b = ctx.as_onnx(a, node), ctx.as_onnx(b, node)
    shape = (max(a.shape[0], b.shape[0]),)
    return ctx.emit(node.output[0], Multiply(), a, b, shape=shape, order=np.arange(shape[0]))


def read_div(ctx: Context, node: onnx.NodeProto) -> Activation:
    second = ctx.tensor(node, 1)
    if not isinstance(second, Constant):
        raise unsupported(node, "divides by something computed", "Div by a constant")
    return _scaled(ctx, node, 0, second, lambda c: 1 / c)


def read_neg(ctx: Context, node: onnx.NodeProto) -> Activation:
    return _affine(ctx, ctx.raw(node, 0), (Fraction(-1),), (Fraction(0),))


def read_batch_normalization(ctx: Context, node: onnx.NodeProto) -> Activation:
    """``(x - mean) * scale / sqrt(variance + epsilon) + bias``.

    The factor is the float64 value of ``scale / sqrt(variance + epsilon)`` rounded to float32, which is exact
    where the root is; everything after that is rational arithmetic.
    """
    x = ctx.raw(node, 0)
    if any(node.output[1:]) or attributes(node).get("training_mode", 0):
        raise unsupported(node, "training mode", "inference mode")
    gamma, beta, mean, variance = (
        ctx.constant(node, i, what).values.astype(np.float64).reshape(-1)
        for i, what in enumerate(("scale", "bias", "mean", "variance"), start=1)
    )
    total = variance + np.float64(np.float32(attributes(node).get("epsilon", 1e-5)))
    if not (total > 0).all():
        raise LeveloneError(f"{describe(node)}: variance + epsilon must be positive")
    shape = (-1, *[1] * (len(x.shape) - 1))
    factor = (gamma / np.sqrt(total)).astype(np.float32)
    gain = ctx.per_channel(node, x, factor.reshape(shape), "factor")
    centre = ctx.per_channel(node, x, mean.reshape(shape), "mean")
    shift = ctx.per_channel(node, x, beta.reshape(shape), "bias")
    centred = _affine(ctx, x, (Fraction(1),), tuple(-m for m in centre))
    return _affine(ctx, _affine(ctx, centred, gain, (Fraction(0),)), (Fraction(1),), shift)


def _shifted(ctx: Context, node: onnx.NodeProto, position: int, by: Constant, sign: int) -> Activation:
    x = ctx.raw(node, position)
    term = ctx.per_channel(node, x, _finite(node, by), "constant")
    return _affine(ctx, x, (Fraction(1),), tuple(sign * t for t in term))


def _scaled(
    ctx: Context,
    node: onnx.NodeProto,
    position: int,
    by: Constant,
    how: Callable[[Fraction], Fraction],
) -> Activation:
    x = ctx.raw(node, position)
    factor = ctx.per_channel(node, x, _finite(node, by), "constant")
    return _affine(ctx, x, tuple(how(f) for f in factor), (Fraction(0),))


def _finite(node: onnx.NodeProto, constant: Constant) -> np.ndarray:
    if not np.isfinite(constant.values).all():
        raise LeveloneError(f"{describe(node)}: its constant holds NaN or infinity")
    if constant.codes is not None and constant.scale is not None:
        product = constant.codes * constant.scale
        if (np.abs(constant.codes) < 2**24).all():
            return product  # exact in float64: at most 24 bits times 24 bits
    return constant.values


def _affine(ctx: Context, x: Activation, gain: Fractions, bias: Fractions) -> Activation:
    """``gain * x + bias``, waiting; anything already clamped becomes integers first."""
    if x.clamped or x.function is not None:
        x = ctx.settle(x)
    count = max(len(x.gain), len(x.bias), len(gain), len(bias))
    old_gain, old_bias, g, b = (spread(t, count) for t in (x.gain, x.bias, gain, bias))
    return replace(
        x,
        gain=_fold([p * q for p, q in zip(g, old_gain, strict=True)]),
        bias=_fold([p * q + r for p, q, r in zip(g, old_bias, b, strict=True)]),
    )


def _fold(values: list[Fraction]) -> Fractions:
    return tuple(values[:1]) if len(set(values)) == 1 else tuple(values)
