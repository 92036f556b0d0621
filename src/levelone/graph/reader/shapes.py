"""Concat, Reshape, Transpose, Slice, Split, Identity and their like: mostly bookkeeping of the layout."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx

from levelone.errors import LeveloneError
from levelone.graph.ops import Concat, Reshape, Take
from levelone.graph.ops._bounds import spread
from levelone.graph.reader import moves
from levelone.graph.reader.axes import alike, flat
from levelone.graph.reader.context import Context
from levelone.graph.reader.inference import check_cast
from levelone.graph.reader.nodes import attributes, describe, unsupported
from levelone.graph.reader.tensors import Activation, Constant, Tensor, is_power_of_two, rational_gcd
from levelone.graph.reader.waiting import activation, align, raw, settle


def read_identity(ctx: Context, node: onnx.NodeProto) -> Activation:
    return raw(ctx, node, 0, sums=True)


def read_cast(ctx: Context, node: onnx.NodeProto) -> Activation:
    """A cast between floats changes no code."""
    check_cast(node, "an activation")
    return raw(ctx, node, 0, sums=True)


def read_reshape(ctx: Context, node: onnx.NodeProto) -> Activation:
    """Row-major order in ONNX stays what it is, so only the graph's shape may have to follow."""
    x = raw(ctx, node, 0)
    shape = moves.new_shape(ctx, node, x.shape)
    value = ctx.value(x)
    if len(shape) > 1 or len(value.shape) == 1:
        return replace(x, shape=shape)  # settled lazily, by the first reader that needs the axes
    if x.pending:
        x = settle(ctx, x)
    return ctx.emit(node.output[0], Reshape((value.size,)), x, shape=shape, order=x.order)


def read_permutation(ctx: Context, node: onnx.NodeProto) -> Activation:
    x = raw(ctx, node, 0)
    order = moves.permutation(node, x.shape)(x.order.reshape(x.shape))
    return replace(x, shape=order.shape, order=order.reshape(-1))


def read_selection(ctx: Context, node: onnx.NodeProto) -> tuple[Tensor, ...]:
    """Slice, Gather or Split: elements of an axis."""
    x = activation(ctx, node, 0)
    results: list[Tensor] = []
    for name, selection in zip(node.output, moves.selections(ctx, node, x.shape), strict=True):
        part = taken(ctx, node, name, x, selection)
        results.append(replace(part, shape=moves.gathered_shape(ctx, node, part.shape)))
    return tuple(results)


def taken(
    ctx: Context, node: onnx.NodeProto, name: str, x: Activation, selection: moves.Selection
) -> Activation:
    """The selected elements of every axis, one axis after the other; the last result is called `name`."""
    cut = [(a, picked) for a, picked in selection.items() if picked != tuple(range(x.shape[a]))]
    for axis, indices in cut:
        axes, (x,) = alike(ctx, node, x)
        last = axis == cut[-1][0]
        x = ctx.emit_axes(name if last else f"{name}_cut", Take(axes[axis], indices), axes, x)
        if not last:
            ctx.not_the_tensor(x)
    return x


def read_concat(ctx: Context, node: onnx.NodeProto) -> Activation:
    if any(isinstance(ctx.tensor(node, i), Constant) for i in range(len(node.input))):
        raise unsupported(
            node,
            "joins a constant and activations",
            "activations alone, and the constant as another input of the network, with a Quant",
        )
    parts = [activation(ctx, node, i) for i in range(len(node.input))]
    rank = len(parts[0].shape)
    axis = int(attributes(node).get("axis", 1))
    axis = axis + rank + 1 if axis < 0 else axis
    if axis == 0:
        raise unsupported(node, "joins events along the batch axis", "axis=1")
    if any(len(p.shape) != rank for p in parts) or not 1 <= axis <= rank:
        raise LeveloneError(f"{describe(node)}: axis {axis} of {[p.shape for p in parts]}")
    if len(parts) == 1:
        return parts[0]
    if rank == 1:
        parts = [flat(ctx, p) for p in parts]
        starts = np.cumsum([0, *(len(p.order) for p in parts)])
        order = np.concatenate([p.order + s for p, s in zip(parts, starts, strict=False)])
        graph_axis, shape = 0, (len(order),)
    else:
        axes, parts = alike(ctx, node, *parts)
        graph_axis = axes[axis - 1]
    parts = _on_one_grid(ctx, node, parts, last=graph_axis == rank - 1)
    if rank == 1:
        return ctx.emit(node.output[0], Concat(0), *parts, shape=shape, order=order)
    return ctx.emit_axes(node.output[0], Concat(graph_axis), axes, *parts)


def _on_one_grid(
    ctx: Context, node: onnx.NodeProto, parts: list[Activation], *, last: bool
) -> list[Activation]:
    """Align the operands of a concatenation; channels may keep general scales of their own."""
    scales = [s for p in parts for s in ctx.value(p).scale]
    if len(set(scales)) == 1:
        return parts
    if last and not all(is_power_of_two(s / scales[0]) for s in scales):
        return parts
    if not last and len({spread(ctx.value(p).scale, ctx.value(p).shape[-1]) for p in parts}) == 1:
        return parts
    grid = rational_gcd(scales)
    return [align(ctx, node.output[0], p, grid) for p in parts]
