"""Conv, Gemm and MatMul: weights and biases on integer grids, flattening absorbed into the weights."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import onnx
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.ops import Conv, Dense
from levelone.graph.ops._bounds import spread
from levelone.graph.reader.axes import as_onnx, channels_last, flat
from levelone.graph.reader.context import Context
from levelone.graph.reader.geometry import window_of
from levelone.graph.reader.nodes import CHANNELS_LAST, attributes, describe, unsupported
from levelone.graph.reader.tensors import (
    Activation,
    Constant,
    Fractions,
    binary_grid,
    fractions,
    is_power_of_two,
    rational_gcd,
)
from levelone.graph.reader.waiting import activation, one_scale

MAX_WEIGHT_BITS = 24
"""Per-channel scales further apart than this stay per channel."""
MAX_PLAIN_BITS = 16
"""Weights without a quantiser are taken for quantised ones up to this width."""


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
    return _dense(ctx, node, _times(weight, alpha), bias)


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
    if isinstance(ctx.tensor(node, 0), Constant):
        raise unsupported(
            node, "operand 0 is a constant, operand 1 an activation", "MatMul(x, W), or Gemm with transB"
        )
    weight = ctx.constant(node, 1, "second operand")
    if weight.values.ndim != 2:
        raise unsupported(node, f"a second operand of shape {weight.values.shape}", "a matrix [in, out]")
    return _dense(ctx, node, weight, None)


def _dense(ctx: Context, node: onnx.NodeProto, weight: Constant, bias: Constant | None) -> Activation:
    x = activation(ctx, node, 0)
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


def weight_codes(node: onnx.NodeProto, weight: Constant, axis: int) -> tuple[NDArray[np.int64], Fractions]:
    """Integer weights and their scale: one, or one per output channel (`axis`).

    Power-of-two scales per channel become one, the finest, with the other channels' codes shifted up to it.
    """
    if weight.codes is None or weight.scale is None:
        return _plain_weights(node, weight)
    columns = np.moveaxis(weight.scale, axis, 0).reshape(weight.scale.shape[axis], -1)
    if columns.size == 0:
        raise LeveloneError(f"{describe(node)}: weight of shape {weight.values.shape}")
    if (columns != columns[:, :1]).any():
        return weight_codes(node, _one_scale_per_channel(node, weight.codes, weight.scale, axis), axis)
    scale = _one_or_all(fractions(columns[:, 0]))
    if len(scale) == 1 or not all(is_power_of_two(s) for s in scale):
        return weight.codes, scale
    finest = min(scale)
    shape = [1] * weight.codes.ndim
    shape[axis] = -1
    ratio = [int(s / finest) for s in scale]
    if max(ratio) >= 2**MAX_WEIGHT_BITS:
        return weight.codes, scale
    return weight.codes * np.array(ratio, dtype=np.int64).reshape(shape), (finest,)


def _one_scale_per_channel(
    node: onnx.NodeProto, codes: NDArray[np.int64], scale: NDArray[np.float64], axis: int
) -> Constant:
    """Weights whose scales vary within an output channel, on that channel's coarsest common grid."""
    columns = np.moveaxis(scale, axis, 0).reshape(scale.shape[axis], -1)
    grids = [rational_gcd(list(fractions(np.unique(column)))) for column in columns]
    shape = [1] * codes.ndim
    shape[axis] = -1
    grid = np.array([float(g) for g in grids]).reshape(shape)
    finer = np.rint(scale / grid)
    if finer.max() >= 2**MAX_WEIGHT_BITS or (finer * grid != scale).any():
        raise unsupported(
            node,
            "weight scales that vary within an output channel and have no common grid",
            "one scale per output channel, or powers of two",
        )
    return Constant(
        codes * scale, codes * np.rint(finer).astype(np.int64), np.broadcast_to(grid, codes.shape)
    )


def _plain_weights(node: onnx.NodeProto, weight: Constant) -> tuple[NDArray[np.int64], Fractions]:
    """Weights without a quantiser, if they lie on a binary grid anyway."""
    codes, scale = binary_grid(weight.values)
    if max((abs(int(c)) for c in codes.reshape(-1)), default=0) >= 2**MAX_PLAIN_BITS:
        raise unsupported(
            node, f"weights {node.input[1]!r} are not quantised", "weights that pass through a Quant"
        )
    return codes.astype(np.int64), (scale,)


def bias_codes(
    node: onnx.NodeProto, bias: Constant | None, products: Fractions
) -> tuple[NDArray[np.int64], int, Fractions]:
    """(codes, step, late): bias on the accumulator's grid.

    The accumulator is `step` times finer than the products where the bias needs it. Where the two have no
    common grid of reasonable size (general scales) codes are 0 and the bias waits for the quantiser: `late`.
    """
    zeros = np.zeros(len(products), dtype=np.int64)
    if bias is None:
        return zeros, 1, (Fraction(0),)
    if bias.values.size != len(products) or bias.values.ndim != 1:
        raise LeveloneError(
            f"{describe(node)}: bias of shape {bias.values.shape} for {len(products)} outputs"
        )
    if not np.isfinite(bias.values).all():
        raise LeveloneError(f"{describe(node)}: bias holds NaN or infinity")
    numbers = _exact(bias)
    ratios = [b / p for b, p in zip(numbers, products, strict=True)]
    grid = rational_gcd([Fraction(1), *ratios])
    codes = [int(r / grid) for r in ratios]
    step = grid.denominator
    if step > 2**31 or max(map(abs, codes)) >= 2**61 or (step > 1 and not is_power_of_two(grid)):
        return zeros, 1, _one_or_all(tuple(numbers))
    return np.array(codes, dtype=np.int64), step, (Fraction(0),)


def _exact(constant: Constant) -> list[Fraction]:
    if constant.codes is None or constant.scale is None:
        return list(fractions(constant.values))
    scales = fractions(constant.scale)
    return [int(c) * s for c, s in zip(constant.codes.reshape(-1), scales, strict=True)]


def _one_or_all(values: Fractions) -> Fractions:
    return values[:1] if len(set(values)) == 1 else values
