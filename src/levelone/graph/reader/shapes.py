"""Concat, Flatten, Reshape, Squeeze, Unsqueeze, Transpose, Identity: mostly bookkeeping of the layout."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np
import onnx

from levelone.errors import LeveloneError
from levelone.graph.ops import Concat, Reshape
from levelone.graph.ops._bounds import spread
from levelone.graph.reader.constants import BATCH
from levelone.graph.reader.context import Context, align, attributes, describe, unsupported
from levelone.graph.reader.tensors import Activation, Real, Tensor, is_power_of_two, rational_gcd


def read_identity(ctx: Context, node: onnx.NodeProto) -> Tensor:
    x = ctx.tensor(node, 0)
    return x if isinstance(x, Real) else ctx.raw(node, 0)


def read_reshape(ctx: Context, node: onnx.NodeProto) -> Tensor:
    target = [int(n) for n in ctx.constant(node, 1, "shape").values.reshape(-1)]
    shape = _shape_of(ctx, node)
    if len(target) < 2:
        raise unsupported(
            node, f"shape {target} drops the batch axis", "a shape that keeps the batch axis first"
        )
    inner = [
        shape[i] if n == BATCH and not attributes(node).get("allowzero", 0) and i < len(shape) else n
        for i, n in enumerate(target[1:])
    ]
    if inner.count(-1) > 1 or any(n < -1 for n in inner):
        raise LeveloneError(f"{describe(node)}: shape {target} is ambiguous")
    if -1 in inner:
        rest = -prod(inner)
        inner[inner.index(-1)] = prod(shape) // rest if rest else 0
    if prod(inner) != prod(shape):
        raise unsupported(
            node, f"shape {target} does not keep the batch axis first for {shape}", "Flatten with axis=1"
        )
    return _reshaped(ctx, node, tuple(inner))


def read_flatten(ctx: Context, node: onnx.NodeProto) -> Tensor:
    shape = _shape_of(ctx, node)
    if int(attributes(node).get("axis", 1)) not in (1, -len(shape)):
        raise unsupported(node, "flattens the batch axis or keeps others", "axis=1")
    return _reshaped(ctx, node, (prod(shape),))


def read_squeeze(ctx: Context, node: onnx.NodeProto) -> Tensor:
    shape = _shape_of(ctx, node)
    axes = _axes(ctx, node, len(shape) + 1)
    if axes is None or 0 in axes or any(shape[a - 1] != 1 for a in axes):
        raise unsupported(node, f"axes {axes} of {shape}", "axes of length 1 other than the batch axis")
    return _reshaped(ctx, node, tuple(n for i, n in enumerate(shape) if i + 1 not in axes) or (1,))


def read_unsqueeze(ctx: Context, node: onnx.NodeProto) -> Tensor:
    shape = list(_shape_of(ctx, node))
    axes = _axes(ctx, node, len(shape) + 1 + len(_axes(ctx, node, 1) or ()))
    if not axes or 0 in axes:
        raise unsupported(node, "inserts an axis before the batch axis", "axes after the batch axis")
    for axis in sorted(axes):
        shape.insert(axis - 1, 1)
    return _reshaped(ctx, node, tuple(shape))


def read_transpose(ctx: Context, node: onnx.NodeProto) -> Activation:
    x = ctx.raw(node, 0)
    axes = [int(a) for a in attributes(node).get("perm", range(len(x.shape), -1, -1))]
    if axes[:1] != [0] or sorted(axes) != list(range(len(x.shape) + 1)):
        raise unsupported(node, f"perm {axes}", "a permutation that leaves the batch axis first")
    order = x.order.reshape(x.shape).transpose([a - 1 for a in axes[1:]])
    return replace(x, shape=order.shape, order=order.reshape(-1))


def read_concat(ctx: Context, node: onnx.NodeProto) -> Activation:
    parts = [ctx.activation(node, i) for i in range(len(node.input))]
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
        parts = [ctx.flat(p) for p in parts]
        starts = np.cumsum([0, *(len(p.order) for p in parts)])
        order = np.concatenate([p.order + s for p, s in zip(parts, starts, strict=False)])
        graph_axis, shape = 0, (len(order),)
    else:
        parts = [ctx.channels_last(p, node) for p in parts]
        graph_axis = rank - 1 if axis == 1 else axis - 2
    parts = _on_one_grid(ctx, node, parts, last=graph_axis == rank - 1)
    if rank == 1:
        return ctx.emit(node.output[0], Concat(0), *parts, shape=shape, order=order)
    return ctx.emit_last(node.output[0], Concat(graph_axis), *parts)


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


def _shape_of(ctx: Context, node: onnx.NodeProto) -> tuple[int, ...]:
    x = ctx.tensor(node, 0)
    return x.shape if isinstance(x, Real) else ctx.raw(node, 0).shape


def _axes(ctx: Context, node: onnx.NodeProto, rank: int) -> tuple[int, ...] | None:
    axes = attributes(node).get("axes")
    if axes is None and ctx.has(node, 1):
        axes = ctx.constant(node, 1, "axes").values.reshape(-1).tolist()
    return None if axes is None else tuple(int(a) % rank for a in axes)


def _reshaped(ctx: Context, node: onnx.NodeProto, shape: tuple[int, ...]) -> Tensor:
    """Row-major order in ONNX stays what it is, so only the graph's shape may have to follow."""
    x = ctx.tensor(node, 0)
    if isinstance(x, Real):
        return _reshaped_input(node, x, shape)
    x = ctx.raw(node, 0)
    value = ctx.value(x)
    if len(shape) > 1 or len(value.shape) == 1:
        return replace(x, shape=shape)  # settled lazily, by the first reader that needs the axes
    if x.pending:
        x = ctx.settle(x)
    return ctx.emit(node.output[0], Reshape((value.size,)), x, shape=shape, order=x.order)


def _reshaped_input(node: onnx.NodeProto, x: Real, shape: tuple[int, ...]) -> Real:
    if shape == x.shape:
        return x
    raise unsupported(
        node, f"reshapes input {x.source!r} before its quantiser", "the quantiser first, then the reshape"
    )
