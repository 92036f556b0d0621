"""MaxPool, AveragePool, their global forms, and reductions over spatial axes."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np
import onnx

from levelone.errors import LeveloneError
from levelone.graph.ops import Affine, AveragePool, MaxPool, Pad, Reshape, Window
from levelone.graph.reader import moves
from levelone.graph.reader.axes import channels_last, ending_with
from levelone.graph.reader.context import Context
from levelone.graph.reader.geometry import window_of, with_ceiling
from levelone.graph.reader.nodes import attributes, describe, unsupported
from levelone.graph.reader.tensors import Activation
from levelone.graph.reader.waiting import activation, one_scale


def _operand(ctx: Context, node: onnx.NodeProto) -> Activation:
    x = channels_last(ctx, activation(ctx, node, 0), node)
    if len(x.shape) < 2:
        raise unsupported(
            node,
            f"pools a tensor without spatial axes, of shape {x.shape}",
            "MatMul with a column of ones, which sums features",
        )
    return x


def _window(ctx: Context, node: onnx.NodeProto, x: Activation) -> Window:
    kernel = attributes(node).get("kernel_shape")
    if not kernel:
        raise LeveloneError(f"{describe(node)}: no kernel_shape")
    return window_of(node, kernel, x.shape[1:])


def read_max_pool(ctx: Context, node: onnx.NodeProto) -> Activation:
    if len(node.output) > 1 and node.output[1]:
        raise unsupported(node, "the indices of maxima are used", "MaxPool with one output")
    x = _operand(ctx, node)
    w = with_ceiling(node, _window(ctx, node, x), x.shape[1:])
    return ctx.emit_last(node.output[0], MaxPool(w.kernel, w.stride, w.pads, w.dilation), x)


def read_average_pool(ctx: Context, node: onnx.NodeProto) -> Activation:
    """Windows that `ceil_mode` lets reach beyond the padding count only what lies inside it."""
    x = _operand(ctx, node)
    w = _window(ctx, node, x)
    grown = with_ceiling(node, w, x.shape[1:])
    include = bool(attributes(node).get("count_include_pad", 0)) and any(map(any, w.pads))
    if grown != w and include:
        # the padding counts, what is beyond it does not: padding becomes data
        x = ctx.emit_last(f"{node.output[0]}_padded", Pad((*w.pads, (0, 0))), x)
        beyond = tuple((0, g_end - w_end) for (_, w_end), (_, g_end) in zip(w.pads, grown.pads, strict=True))
        op = AveragePool(w.kernel, w.stride, beyond, w.dilation, include_pad=False)
    else:
        nothing = not any(map(any, grown.pads))
        op = AveragePool(w.kernel, w.stride, grown.pads, w.dilation, include or nothing)
    return ctx.emit_last(node.output[0], op, x)


def _everything(x: Activation) -> tuple[tuple[int, ...], tuple[int, ...], tuple[tuple[int, int], ...]]:
    spatial = x.shape[1:]
    return spatial, (1,) * len(spatial), ((0, 0),) * len(spatial)


def read_global_average_pool(ctx: Context, node: onnx.NodeProto) -> Activation:
    x = _operand(ctx, node)
    kernel, ones, pads = _everything(x)
    return ctx.emit_last(node.output[0], AveragePool(kernel, ones, pads, ones), x)


def read_global_max_pool(ctx: Context, node: onnx.NodeProto) -> Activation:
    x = _operand(ctx, node)
    kernel, ones, pads = _everything(x)
    return ctx.emit_last(node.output[0], MaxPool(kernel, ones, pads, ones), x)


def read_reduction(ctx: Context, node: onnx.NodeProto) -> Activation:
    """ReduceMean, ReduceSum, ReduceMax or ReduceMin over any axes but that of the events."""
    x = activation(ctx, node, 0)
    rank = len(x.shape) + 1
    axes = moves.integers(ctx, node, 1, "axes")
    if not axes:
        if axes is not None and attributes(node).get("noop_with_empty_axes", 0):
            return x
        raise unsupported(node, "reduces every axis, the batch axis too", "the axes of one event")
    inner = moves.inner_axes(node, axes, rank)
    name = node.output[0]
    if node.op_type == "ReduceMin":  # minus the largest of the negated numbers
        most = _reduced(ctx, node, _negated(ctx, f"{name}_minus", x), f"{name}_most", inner)
        result = _negated(ctx, name, most)
    else:
        result = _reduced(ctx, node, x, name, inner)
    if node.op_type == "ReduceSum":
        # the codes of an average are the sums: only their scale is divided
        value = ctx.value(result)
        count = prod(x.shape[i] for i in inner)
        ctx.not_the_tensor(result)
        op = Affine((1,), (0,), tuple(s * count for s in value.scale))
        result = ctx.emit_like(node.output[0], op, result)
    if attributes(node).get("keepdims", 1):
        return result
    shape = tuple(n for i, n in enumerate(result.shape) if i not in inner)
    return replace(result, shape=shape)


def _reduced(ctx: Context, node: onnx.NodeProto, x: Activation, name: str, inner: list[int]) -> Activation:
    """The pool over the axes `inner`, each of which keeps length 1; one that stays is the graph's last."""
    pool = MaxPool if node.op_type in ("ReduceMax", "ReduceMin") else AveragePool
    kept = [a for a in range(len(x.shape)) if a not in inner]
    if not kept:
        size = len(x.order)
        op = Reshape((size, 1))
        column = ctx.emit(f"{x.value}_column", op, one_scale(ctx, x), shape=x.shape, order=x.order)
        order, ones = np.zeros(1, dtype=np.int64), (1,) * len(x.shape)
        return ctx.emit(name, pool((size,), (1,), ((0, 0),), (1,)), column, shape=ones, order=order)
    arranged, x = ending_with(ctx, x, node, 0 if 0 in kept else kept[-1])
    kernel = [1] * len(x.shape)
    for axis in inner:
        kernel[arranged[axis]] = x.shape[axis]
    still = (1,) * (len(kernel) - 1)
    return ctx.emit_axes(name, pool(tuple(kernel[:-1]), still, ((0, 0),) * len(still), still), arranged, x)


def _negated(ctx: Context, name: str, x: Activation) -> Activation:
    """`x` times -1."""
    return ctx.emit_like(name, Affine((-1,), (0,), ctx.value(x).scale), x)
