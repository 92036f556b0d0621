"""Conv, Gemm and MatMul: weights and biases on integer grids, flattening absorbed into the weights."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import prod

import numpy as np
import onnx

from levelone.errors import LeveloneError
from levelone.graph.ir import Layout
from levelone.graph.ops import Conv, Dense, MatMul
from levelone.graph.ops._bounds import spread
from levelone.graph.reader.axes import as_onnx, channels_last, flat
from levelone.graph.reader.context import Context
from levelone.graph.reader.contraction import read_matrices
from levelone.graph.reader.geometry import window_of
from levelone.graph.reader.nodes import CHANNELS_LAST, attributes, describe, unsupported
from levelone.graph.reader.tensors import (
    Activation,
    Constant,
    Fractions,
)
from levelone.graph.reader.waiting import activation, one_scale, raw, settle
from levelone.graph.reader.weights import bias_codes, weight_codes


def read_conv(ctx: Context, node: onnx.NodeProto) -> Activation:
    x = channels_last(ctx, activation(ctx, node, 0), node)
    weight = ctx.constant(node, 1, "weight")
    rank = weight.values.ndim - 2
    if rank < 1 or len(x.shape) != rank + 1:
        raise LeveloneError(
            f"{describe(node)}: weight {weight.values.shape} for an operand of shape {x.shape}"
        )
    codes, scale = weight_codes(node, weight, axis=0)
    given = attributes(node)
    groups = int(given.get("group", 1))
    kernel = weight.values.shape[2:]
    if tuple(given.get("kernel_shape", kernel)) != kernel:
        raise LeveloneError(f"{describe(node)}: kernel_shape {given['kernel_shape']} but weights {kernel}")
    window = window_of(node, kernel, x.shape[1:])
    codes = np.moveaxis(codes, (0, 1), (-1, -2))
    fan_in, channels = codes.shape[-2] * groups, codes.shape[-1]
    if groups < 1 or channels % groups or fan_in != x.shape[0]:
        raise LeveloneError(
            f"{describe(node)}: weight {weight.values.shape} in {groups} groups for {x.shape[0]} channels"
        )
    own = spread(ctx.value(x).scale, fan_in)
    if any(len(set(own[g : g + fan_in // groups])) > 1 for g in range(0, fan_in, fan_in // groups)):
        x = one_scale(ctx, x)
    scales = spread(ctx.value(x).scale, fan_in)[:: fan_in // groups]  # one per group
    products = tuple(scales[c // (channels // groups)] * s for c, s in enumerate(spread(scale, channels)))
    bias = ctx.constant(node, 2, "bias") if ctx.has(node, 2) else None
    name, bias, extra = _with_added_bias(ctx, node, bias, channels, rank)
    offsets, step, late = bias_codes(node, bias, products)
    op = Conv(codes, offsets, scale, window.stride, window.pads, window.dilation, groups, step)
    return _finished(ctx, extra, ctx.emit_last(name, op, x), late)


def read_gemm(ctx: Context, node: onnx.NodeProto) -> Activation:
    given = attributes(node)
    alpha, beta = (np.float64(np.float32(given.get(key, 1.0))) for key in ("alpha", "beta"))
    if given.get("transA", 0) or alpha == 0 or not np.isfinite([alpha, beta]).all():
        raise unsupported(node, "transA, or alpha 0", "transA=0 and another alpha")
    weight = ctx.constant(node, 1, "weight")
    if weight.values.ndim != 2:
        raise LeveloneError(f"{describe(node)}: weight of shape {weight.values.shape}")
    if given.get("transB", 0):
        weight = weight.moved(np.transpose)
    bias = ctx.constant(node, 2, "bias") if ctx.has(node, 2) and beta else None
    if bias is not None:
        outputs = weight.values.shape[1]
        if bias.values.size not in (1, outputs):
            raise LeveloneError(f"{describe(node)}: bias of shape {bias.values.shape} for {outputs} outputs")
        bias = _times(bias.moved(lambda a: np.broadcast_to(a.reshape(-1), outputs)), beta)
    return _dense(ctx, node, activation(ctx, node, 0), _times(weight, alpha), bias)


def _times(constant: Constant, factor: np.float64) -> Constant:
    """A constant times a float32, exactly: a product of two float32 is a float64."""
    if factor == 1:
        return constant
    values = constant.values.astype(np.float64) * factor
    if constant.codes is None or constant.scale is None:
        return Constant(values)
    sign = 1 if factor > 0 else -1
    return Constant(values, constant.codes * sign, constant.scale * abs(factor))


def read_matmul(ctx: Context, node: onnx.NodeProto) -> Activation:
    first, second = ctx.tensor(node, 0), ctx.tensor(node, 1)
    for weight, left in ((first, True), (second, False)):
        if not isinstance(weight, Constant):
            continue
        if prod(weight.values.shape[:-2]) > 1:
            return read_matrices(ctx, node, weight, left=left)
        matrix = _matrix(node, weight)
        return (
            _from_the_left(ctx, node, matrix) if left else _dense(ctx, node, activation(ctx, node, 0), matrix)
        )
    return _both_computed(ctx, node)


def _both_computed(ctx: Context, node: onnx.NodeProto) -> Activation:
    """Matrices of two activations; factors that wait on them wait on the product."""
    gain, operands = Fraction(1), []
    for position in (0, 1):
        x = raw(ctx, node, position)
        plain = replace(x, gain=(Fraction(1),))
        if len(x.gain) == 1 and x.gain[0] > 0 and not plain.pending:
            gain, x = gain * x.gain[0], plain
        operands.append(as_onnx(ctx, one_scale(ctx, settle(ctx, x)), node))
    a, b = operands
    if min(len(a.shape), len(b.shape)) < 2 or a.shape[:-2] != b.shape[:-2]:
        raise unsupported(
            node,
            f"multiplies activations of shapes {a.shape} and {b.shape}",
            "two activations of matrices whose other axes are equal (Expand repeats axes of length 1)",
        )
    if a.shape[-1] != b.shape[-2]:
        raise LeveloneError(f"{describe(node)}: matrices {a.shape[-2:]} and {b.shape[-2:]} do not match")
    shape = (*a.shape[:-1], b.shape[-1])
    order = np.arange(int(np.prod(shape)))
    result = ctx.emit(node.output[0], MatMul(a.shape[-1]), a, b, shape=shape, order=order)
    result = replace(result, gain=(gain,))
    if result.pending:
        ctx.not_the_tensor(result)
    return result


def _matrix(node: onnx.NodeProto, weight: Constant) -> Constant:
    """A weight as [in, out], without leading axes of length 1."""
    if weight.values.ndim < 2 or set(weight.values.shape[:-2]) - {1}:
        raise unsupported(node, f"a constant of shape {weight.values.shape}", "one matrix for every event")
    return weight.moved(lambda a: a.reshape(a.shape[-2:]))


def _from_the_left(ctx: Context, node: onnx.NodeProto, weight: Constant) -> Activation:
    """``W @ x``, by the transposed matrix and the transposed operand: what mixes rows mixes channels then."""
    x = activation(ctx, node, 1)
    if len(x.shape) < 2:
        raise unsupported(
            node, f"mixes events: an activation of shape {x.shape} to the right", "MatMul(x, W)"
        )
    result = _dense(ctx, node, _swapped(x), weight.moved(np.transpose), named=False)
    swapped = _swapped(result)
    if not swapped.pending:
        ctx.builder.layout(swapped.value, Layout(node.output[0], swapped.shape, swapped.order))
    return swapped


def _swapped(x: Activation) -> Activation:
    """`x` with its last two axes in the other order."""
    order = np.swapaxes(x.order.reshape(x.shape), -1, -2)
    return replace(x, shape=order.shape, order=order.reshape(-1))


def _dense(
    ctx: Context,
    node: onnx.NodeProto,
    x: Activation,
    weight: Constant,
    bias: Constant | None = None,
    *,
    named: bool = True,
) -> Activation:
    """``x @ W + b`` over the last axis; not `named`: its result is not laid out like that of the node."""
    codes, scale = weight_codes(node, weight, axis=1)
    fan_in, fan_out = codes.shape
    if x.shape[-1] != fan_in:
        raise LeveloneError(f"{describe(node)}: weight {codes.shape} for an operand of shape {x.shape}")
    if len(x.shape) == 1:
        # Flattening a channels-last tensor leaves another order than ONNX has: reorder the weights instead.
        x = flat(ctx, x)
        absorbed = np.empty_like(codes)
        absorbed[x.order] = codes
        codes = absorbed
    else:
        x = as_onnx(ctx, x, node)
    x = one_scale(ctx, x)
    products = tuple(ctx.value(x).scale[0] * s for s in spread(scale, fan_out))
    name, extra = node.output[0], None
    if named:
        name, bias, extra = _with_added_bias(ctx, node, bias, fan_out, 0)
    offsets, step, late = bias_codes(node, bias, products)
    shape = (*x.shape[:-1], fan_out)
    result = ctx.emit(
        name, Dense(codes, offsets, scale, step), x, shape=shape, order=np.arange(int(np.prod(shape)))
    )
    return _finished(ctx, extra, result, late)


def _finished(ctx: Context, extra: onnx.NodeProto | None, result: Activation, late: Fractions) -> Activation:
    finished = Activation(result.value, result.shape, result.order, bias=late)
    if finished.pending:
        ctx.not_the_tensor(finished)
    if extra is not None:
        ctx.absorbed.add(extra.output[0])
        ctx.tensors[extra.output[0]] = finished
    return finished


def _with_added_bias(
    ctx: Context, node: onnx.NodeProto, bias: Constant | None, channels: int, rank: int
) -> tuple[str, Constant | None, onnx.NodeProto | None]:
    """A following Add of a constant per channel becomes the bias, and gives the layer its name."""
    name = node.output[0]
    add = ctx.sole_consumer(name, "Add")
    if bias is not None or add is None or node.domain == CHANNELS_LAST:
        return name, bias, None
    other = ctx.tensors.get(add.input[1] if add.input[0] == name else add.input[0])
    if not isinstance(other, Constant):
        return name, bias, None
    shape = other.values.shape
    leading, trailing = shape[: len(shape) - rank], shape[len(shape) - rank :]
    if set(trailing) - {1} or set(leading[:-1]) - {1} or len(leading) > 2 or leading[-1:] != (channels,):
        return name, bias, None
    return add.output[0], other.moved(lambda a: a.reshape(-1)), add
