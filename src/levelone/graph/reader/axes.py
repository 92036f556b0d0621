"""Between the axes of an ONNX tensor and those of the graph's value."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph.build import channels_first_order
from levelone.graph.ops import Reshape, Transpose
from levelone.graph.reader.arrangement import axes_order, mixed_radix
from levelone.graph.reader.context import Context
from levelone.graph.reader.nodes import describe, unsupported
from levelone.graph.reader.tensors import Activation, Fractions, fractions
from levelone.graph.reader.waiting import one_scale, settle

MAX_SINGLE = 2**12
"""Elements of an event up to which a constant may differ from one to the next."""
MAX_SEARCH = 4
"""Axes up to which every transpose is tried."""


def channels_last(ctx: Context, x: Activation, node: onnx.NodeProto, name: str = "") -> Activation:
    """`x` with graph shape (*spatial, channels) where ONNX has (channels, *spatial).

    If codes must be moved for that, the result is called `name`, or after `x`.
    """
    shape = (*x.shape[1:], x.shape[0])
    return _arranged(ctx, x, shape, channels_first_order(shape), node, name)


def ending_with(
    ctx: Context, x: Activation, node: onnx.NodeProto, last: int
) -> tuple[tuple[int, ...], Activation]:
    """(axes, `x`), where the ONNX axis `last` is the graph's last one: its channels; axes as in `axes_of`."""
    rank = len(x.shape)
    found = axes_of(ctx, x)
    if found is not None and found[last] == rank - 1:
        return found, x
    here = [*(a for a in range(rank) if a != last), last]
    axes = tuple(here.index(a) for a in range(rank))
    shape = tuple(x.shape[a] for a in here)
    return axes, _arranged(ctx, one_scale(ctx, x), shape, axes_order(shape, axes), node)


def as_onnx(ctx: Context, x: Activation, node: onnx.NodeProto) -> Activation:
    """`x` with the graph's shape and order equal to those of ONNX."""
    return _arranged(ctx, x, x.shape, np.arange(len(x.order)), node)


def axes_of(ctx: Context, x: Activation) -> tuple[int, ...] | None:
    """The graph's axis of every ONNX axis, if `x` is the graph's value or its channels-first view."""
    shape = ctx.value(x).shape
    rank = len(shape)
    if len(x.shape) != rank:
        return None
    for axes in ((rank - 1, *range(rank - 1)), tuple(range(rank))):
        if tuple(shape[a] for a in axes) == x.shape and np.array_equal(x.order, axes_order(shape, axes)):
            return axes
    return None


def alike(
    ctx: Context, node: onnx.NodeProto, *operands: Activation
) -> tuple[tuple[int, ...], list[Activation]]:
    """(axes, operands) in one common arrangement, with as few moves as possible (see `axes_of`)."""
    rank = len(operands[0].shape)
    found = {axes_of(ctx, x) for x in operands}
    if len(found) == 1 and (axes := found.pop()) is not None:
        return axes, list(operands)
    if rank == 1:
        return (0,), [as_onnx(ctx, x, node) for x in operands]
    return (rank - 1, *range(rank - 1)), [channels_last(ctx, x, node) for x in operands]


def flat(ctx: Context, x: Activation) -> Activation:
    """`x` as one axis in the graph, in the graph's own order."""
    value = ctx.value(x)
    if len(value.shape) == 1:
        return x
    return ctx.emit(f"{x.value}_flat", Reshape((value.size,)), x, shape=x.shape, order=x.order)


def _arranged(
    ctx: Context,
    x: Activation,
    shape: tuple[int, ...],
    order: NDArray[np.int64],
    node: onnx.NodeProto,
    name: str = "",
) -> Activation:
    """`x` with another shape and order in the graph: a reshape if that is enough, else a transpose."""
    if np.array_equal(x.order, order):
        if ctx.value(x).shape == shape:
            return x
        return ctx.emit(name or f"{x.value}_shaped", Reshape(shape), x, shape=x.shape, order=order)
    wanted = np.empty_like(order)
    wanted[order] = x.order  # flat graph element i of the result is flat element wanted[i] of x
    before = ctx.builder.reshaped_from(x.value)
    for here in (ctx.value(x).shape, *([before] if before else []), x.shape, shape):
        if len(here) > MAX_SEARCH:
            continue
        index = np.arange(len(order)).reshape(here)
        for axes in permutations(range(len(here))):
            moved = index.transpose(axes)
            if np.array_equal(moved.reshape(-1), wanted):
                return _permuted(ctx, x, here, axes, moved.shape, shape, order, name)
    found = mixed_radix(wanted)
    if found is not None:
        here, axes = found
        return _permuted(ctx, x, here, axes, tuple(here[a] for a in axes), shape, order, name)
    raise unsupported(
        node,
        f"its operand {x.value} has been reordered in a way that no transpose makes good",
        "Flatten followed by Gemm or Concat",
    )


def _permuted(
    ctx: Context,
    x: Activation,
    here: tuple[int, ...],
    axes: tuple[int, ...],
    there: tuple[int, ...],
    shape: tuple[int, ...],
    order: NDArray[np.int64],
    name: str,
) -> Activation:
    """Reshape to `here` if need be, transpose by `axes` to `there`, reshape to `shape` if need be."""
    if here != ctx.value(x).shape:
        x = ctx.emit(f"{x.value}_shaped", Reshape(here), x, shape=x.shape, order=x.order)
    last = there == shape
    moved = name if name and last else f"{x.value}_moved"
    x = ctx.emit(moved, Transpose(axes), x, shape=x.shape, order=order)
    if not last:
        x = ctx.emit(name or f"{x.value}_shaped", Reshape(shape), x, shape=x.shape, order=order)
    return x


def along_channels(
    ctx: Context, node: onnx.NodeProto, x: Activation, array: NDArray[Any], what: str
) -> tuple[Activation, Fractions]:
    """(`x`, one number or one per channel): a constant that broadcasts against it, as `per_channel` gives it.

    Where the constant varies along another axis than that of the channels, codes are moved so that this axis
    is the last one; where it varies along several, every element becomes a channel.
    """
    try:
        return x, per_channel(ctx, node, x, array, what)
    except UnsupportedError:
        full = np.broadcast_to(array.reshape(array.shape[-len(x.shape) :]), x.shape)
        varying = [a for a in range(full.ndim) if (full != full.take([0], axis=a)).any()]
        if len(varying) > 1 and len(x.order) > MAX_SINGLE:
            raise
    x = settle(ctx, x)
    if len(varying) == 1:
        _, x = ending_with(ctx, x, node, varying[0])
    else:
        x = flat(ctx, one_scale(ctx, x))
    return x, per_channel(ctx, node, x, array, what)


def per_channel(
    ctx: Context, node: onnx.NodeProto, x: Activation, array: NDArray[Any], what: str
) -> Fractions:
    """A constant that broadcasts against `x`, as one number or one per channel of the value."""
    return by_channel(node, x.shape, x.order, ctx.value(x).shape[-1], array, what)


def by_channel(
    node: onnx.NodeProto,
    shape: tuple[int, ...],
    order: NDArray[np.int64],
    channels: int,
    array: NDArray[Any],
    what: str,
) -> Fractions:
    """A constant that broadcasts against an ONNX tensor, as one number or one per channel of the value."""
    if array.size == 1:
        return fractions(array)
    if array.ndim > len(shape):  # the batch axis
        if array.shape[0] != 1 or array.ndim > len(shape) + 1:
            raise unsupported(node, f"{what} of shape {array.shape}", "one number or one per channel")
        array = array[0]
    try:
        flat = np.broadcast_to(array, shape).reshape(-1)
    except ValueError as error:
        raise LeveloneError(f"{describe(node)}: {what} {array.shape} does not fit {shape}") from error
    graph_flat = np.empty_like(flat)
    graph_flat[order] = flat
    columns = graph_flat.reshape(-1, channels)
    if (columns != columns[0]).any():
        raise unsupported(node, f"{what} varies along spatial axes", "one number or one per channel")
    result = fractions(columns[0])
    return result[:1] if len(set(result)) == 1 else result
