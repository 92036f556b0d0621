"""MaxPool, AveragePool, their global forms, and means over all spatial axes."""

from __future__ import annotations

import numpy as np
import onnx

from levelone.errors import LeveloneError
from levelone.graph.ops import AveragePool, MaxPool, Window
from levelone.graph.reader.context import Context, attributes, describe, unsupported
from levelone.graph.reader.geometry import window_of, with_ceiling
from levelone.graph.reader.tensors import Activation


def _operand(ctx: Context, node: onnx.NodeProto) -> Activation:
    x = ctx.channels_last(ctx.activation(node, 0), node)
    if len(x.shape) < 2:
        raise LeveloneError(f"{describe(node)}: pools a tensor without spatial axes")
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
    x = _operand(ctx, node)
    w = _window(ctx, node, x)
    if with_ceiling(node, w, x.shape[1:]) != w:
        raise unsupported(node, "ceil_mode makes windows that reach beyond the padding", "ceil_mode=0")
    include = bool(attributes(node).get("count_include_pad", 0)) or not any(map(any, w.pads))
    op = AveragePool(w.kernel, w.stride, w.pads, w.dilation, include)
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


def read_reduce_mean(ctx: Context, node: onnx.NodeProto) -> Activation:
    x = _operand(ctx, node)
    given = attributes(node)
    axes = given.get("axes")
    if axes is None and ctx.has(node, 1):
        axes = ctx.constant(node, 1, "axes").values.reshape(-1).tolist()
    rank = len(x.shape) + 1
    if sorted(int(a) % rank for a in axes or ()) != list(range(2, rank)):
        raise unsupported(node, "a mean over other axes than all spatial ones", "GlobalAveragePool")
    if not given.get("keepdims", 1):
        pooled = read_global_average_pool(ctx, node)
        return Activation(pooled.value, (x.shape[0],), np.arange(x.shape[0]))
    return read_global_average_pool(ctx, node)
