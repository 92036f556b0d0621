"""What operators that only move elements do to an array: of constants, of an input, or of codes.

A move is a function of an array without the batch axis. It is made from the node and the operand's shape
alone, so that the same definition serves real numbers, integer codes and arrays of indices.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.reader.context import MAX_VALUE, Context
from levelone.graph.reader.nodes import attributes, describe, unsupported

Shape = tuple[int, ...]
Move = Callable[[NDArray[Any]], NDArray[Any]]
Selection = dict[int, tuple[int, ...]]
"""By axis (without the batch axis): the elements that are kept, in their new order."""


def integers(ctx: Context, node: onnx.NodeProto, position: int, name: str) -> list[int] | None:
    """Integers given as operand (newer opsets) or as attribute; None if by neither."""
    if ctx.has(node, position):
        return [int(n) for n in ctx.constant(node, position, name).values.reshape(-1)]
    found = attributes(node).get(name)
    return None if found is None else [int(n) for n in (found if isinstance(found, list) else [found])]


def inner_axes(node: onnx.NodeProto, axes: list[int], rank: int) -> list[int]:
    """Axes of an operand of `rank` axes (batch included), counted without the batch axis."""
    if any(not -rank <= a < rank for a in axes):
        raise LeveloneError(f"{describe(node)}: axes {axes} of a tensor with {rank} axes")
    positive = [a % rank for a in axes]
    if len(set(positive)) != len(positive):
        raise LeveloneError(f"{describe(node)}: axes {axes} repeat")
    if 0 in positive:
        raise unsupported(node, f"axes {axes} include the batch axis", "the axes of one event")
    return [a - 1 for a in positive]


# reshaping: row-major order stays


def new_shape(ctx: Context, node: onnx.NodeProto, shape: Shape) -> Shape:
    """Shape of the result of Reshape, Flatten, Squeeze or Unsqueeze of an operand of `shape`."""
    return RESHAPES[node.op_type](ctx, node, shape)


def _reshape(ctx: Context, node: onnx.NodeProto, shape: Shape) -> Shape:
    target = integers(ctx, node, 1, "shape")
    if target is None:
        raise LeveloneError(f"{describe(node)}: no shape")
    if len(target) < 2:
        raise unsupported(
            node, f"shape {target} drops the batch axis", "a shape that keeps the batch axis first"
        )
    zero_copies = not attributes(node).get("allowzero", 0)
    inner = [shape[i] if n == 0 and zero_copies and i < len(shape) else n for i, n in enumerate(target[1:])]
    if inner.count(-1) > 1 or any(n < -1 for n in inner):
        raise LeveloneError(f"{describe(node)}: shape {target} is ambiguous")
    if -1 in inner:
        rest = -prod(inner)
        inner[inner.index(-1)] = prod(shape) // rest if rest else 0
    if prod(inner) != prod(shape):
        raise unsupported(
            node, f"shape {target} does not keep the batch axis first for {shape}", "Flatten with axis=1"
        )
    return tuple(inner)


def _flatten(ctx: Context, node: onnx.NodeProto, shape: Shape) -> Shape:
    if int(attributes(node).get("axis", 1)) not in (1, -len(shape)):
        raise unsupported(node, "flattens the batch axis or keeps others", "axis=1")
    return (prod(shape),)


def _squeeze(ctx: Context, node: onnx.NodeProto, shape: Shape) -> Shape:
    axes = integers(ctx, node, 1, "axes")
    if axes is None:
        raise unsupported(node, "squeezes every axis of length 1, the batch axis too", "named axes")
    inner = inner_axes(node, axes, len(shape) + 1)
    if any(shape[a] != 1 for a in inner):
        raise unsupported(node, f"axes {axes} of {shape}", "axes of length 1 other than the batch axis")
    return tuple(n for i, n in enumerate(shape) if i not in inner) or (1,)


def _unsqueeze(ctx: Context, node: onnx.NodeProto, shape: Shape) -> Shape:
    axes = integers(ctx, node, 1, "axes")
    if not axes:
        raise LeveloneError(f"{describe(node)}: no axes")
    result = list(shape)
    for axis in sorted(inner_axes(node, axes, len(shape) + 1 + len(axes))):
        result.insert(axis, 1)
    return tuple(result)


RESHAPES: dict[str, Callable[[Context, onnx.NodeProto, Shape], Shape]] = {
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
}

# permuting: every element once, elsewhere


def permutation(node: onnx.NodeProto, shape: Shape) -> Move:
    """What Transpose, DepthToSpace or SpaceToDepth does."""
    given = attributes(node)
    if node.op_type == "Transpose":
        axes = [int(a) for a in given.get("perm", range(len(shape), -1, -1))]
        if axes[:1] != [0] or sorted(axes) != list(range(len(shape) + 1)):
            raise unsupported(node, f"perm {axes}", "a permutation that leaves the batch axis first")
        return lambda a: a.transpose([i - 1 for i in axes[1:]])
    block = int(given.get("blocksize", 0))
    if len(shape) != 3 or block < 1:
        raise LeveloneError(f"{describe(node)}: blocksize {block} of shape {shape}")
    c, h, w = shape
    if node.op_type == "SpaceToDepth":
        if h % block or w % block:
            raise LeveloneError(f"{describe(node)}: blocksize {block} does not divide {shape}")
        split = (c, h // block, block, w // block, block)
        return lambda a: (
            a.reshape(split).transpose(2, 4, 0, 1, 3).reshape(c * block**2, h // block, w // block)
        )
    if c % block**2:
        raise LeveloneError(f"{describe(node)}: blocksize {block} does not divide {shape}")
    deep = c // block**2
    if given.get("mode", "DCR") == "CRD":
        return lambda a: (
            a.reshape(deep, block, block, h, w).transpose(0, 3, 1, 4, 2).reshape(deep, h * block, w * block)
        )
    return lambda a: (
        a.reshape(block, block, deep, h, w).transpose(2, 3, 0, 4, 1).reshape(deep, h * block, w * block)
    )


PERMUTING = frozenset({"DepthToSpace", "SpaceToDepth", "Transpose"})

# selecting: some elements, or the same ones several times


def selections(ctx: Context, node: onnx.NodeProto, shape: Shape) -> list[Selection]:
    """What Slice, Gather, Split, Expand or Tile keeps, for every output."""
    found = SELECTIONS[node.op_type](ctx, node, shape)
    for selection in found:
        if any(not indices for indices in selection.values()):
            raise unsupported(node, "keeps nothing of an axis", "at least one element")
        if prod(len(selection.get(a, range(n))) for a, n in enumerate(shape)) > MAX_VALUE:
            raise LeveloneError(f"{describe(node)}: its result is too large to compute with")
    return found


def _slice(ctx: Context, node: onnx.NodeProto, shape: Shape) -> list[Selection]:
    starts, ends = integers(ctx, node, 1, "starts"), integers(ctx, node, 2, "ends")
    axes, steps = integers(ctx, node, 3, "axes"), integers(ctx, node, 4, "steps")
    if starts is None or ends is None:
        raise LeveloneError(f"{describe(node)}: no starts or ends")
    axes = list(range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise LeveloneError(f"{describe(node)}: starts, ends, axes and steps do not fit together")
    rows = zip(inner_axes(node, axes, len(shape) + 1), starts, ends, steps, strict=True)
    return [{a: tuple(range(shape[a])[b:e:s]) for a, b, e, s in rows}]


def _gather(ctx: Context, node: onnx.NodeProto, shape: Shape) -> list[Selection]:
    indices = ctx.constant(node, 1, "indices").values
    (axis,) = inner_axes(node, [int(attributes(node).get("axis", 0))], len(shape) + 1)
    n = shape[axis]
    listed = [int(i) for i in indices.reshape(-1)]
    if any(not -n <= i < n for i in listed):
        raise LeveloneError(f"{describe(node)}: indices beyond axis {axis + 1} of length {n}")
    return [{axis: tuple(i % n for i in listed)}]


def _split(ctx: Context, node: onnx.NodeProto, shape: Shape) -> list[Selection]:
    (axis,) = inner_axes(node, [int(attributes(node).get("axis", 0))], len(shape) + 1)
    n, parts = shape[axis], len(node.output)
    sizes = integers(ctx, node, 1, "split")
    if sizes is None:
        most = -(-n // parts)
        sizes = [most] * (parts - 1) + [n - most * (parts - 1)]
    if sum(sizes) != n or min(sizes) < 0 or len(sizes) != parts:
        raise LeveloneError(f"{describe(node)}: {sizes} does not split an axis of length {n}")
    starts = np.cumsum([0, *sizes])
    return [{axis: tuple(range(int(b), int(b) + s))} for b, s in zip(starts, sizes, strict=False)]


def _expand(ctx: Context, node: onnx.NodeProto, shape: Shape) -> list[Selection]:
    """Axes of length 1 repeated; a target with fewer axes is aligned at the end."""
    target = integers(ctx, node, 1, "shape")
    if target is None or len(target) > len(shape) + 1 or (len(target) == len(shape) + 1 and target[0] != 1):
        raise unsupported(node, f"expands to {target}", "the axes of one event, as many as there are")
    inner = [1] * (len(shape) - len(target)) + target[-len(shape) :]
    if any(n != m and 1 not in (n, m) for n, m in zip(shape, inner, strict=True)):
        raise LeveloneError(f"{describe(node)}: {shape} does not expand to {target}")
    _check_sizes(node, inner)
    return [{a: (0,) * m for a, (n, m) in enumerate(zip(shape, inner, strict=True)) if n == 1 and m > 1}]


def _tile(ctx: Context, node: onnx.NodeProto, shape: Shape) -> list[Selection]:
    repeats = integers(ctx, node, 1, "repeats")
    if repeats is None or len(repeats) != len(shape) + 1 or min(repeats) < 1 or repeats[0] != 1:
        raise unsupported(node, f"repeats {repeats}", "a number for every axis, and 1 for that of the events")
    _check_sizes(node, [n * r for n, r in zip(shape, repeats[1:], strict=True)])
    return [{a: tuple(range(n)) * repeats[a + 1] for a, n in enumerate(shape) if repeats[a + 1] > 1}]


def _check_sizes(node: onnx.NodeProto, sizes: list[int]) -> None:
    """Before the elements of axes are listed."""
    if max(sizes) > MAX_VALUE:
        raise LeveloneError(f"{describe(node)}: its result is too large to compute with")


SELECTIONS: dict[str, Callable[[Context, onnx.NodeProto, Shape], list[Selection]]] = {
    "Expand": _expand,
    "Gather": _gather,
    "Slice": _slice,
    "Split": _split,
    "Tile": _tile,
}


def gathered_shape(ctx: Context, node: onnx.NodeProto, shape: Shape) -> Shape:
    """`shape`, as a selection has left it, with the axes of Gather's indices instead of the one gathered."""
    if node.op_type != "Gather":
        return shape
    (axis,) = inner_axes(node, [int(attributes(node).get("axis", 0))], len(shape) + 1)
    indices = ctx.constant(node, 1, "indices").values.shape
    return (*shape[:axis], *indices, *shape[axis + 1 :]) or (1,)


# padding


def padding(
    ctx: Context, node: onnx.NodeProto, shape: Shape
) -> tuple[tuple[tuple[int, int], ...], str, float]:
    """((begin, end) per axis, mode, value) of a Pad; negative numbers crop."""
    given = attributes(node)
    flat = integers(ctx, node, 1, "pads")
    rank = len(shape) + 1
    axes = integers(ctx, node, 3, "axes")
    axes = list(range(rank)) if axes is None else [a % rank for a in axes]
    if flat is None or len(flat) != 2 * len(axes) or len(set(axes)) != len(axes):
        raise LeveloneError(f"{describe(node)}: pads {flat} for {len(axes)} axes")
    pairs = [(0, 0)] * rank
    for axis, begin, end in zip(axes, flat[: len(axes)], flat[len(axes) :], strict=True):
        pairs[axis] = (begin, end)
    if any(pairs[0]):
        raise unsupported(node, f"pads {flat} reach the batch axis", "none for the batch axis")
    if prod(max(n + b + e, 1) for n, (b, e) in zip(shape, pairs[1:], strict=True)) > MAX_VALUE:
        raise LeveloneError(f"{describe(node)}: {shape} padded by {pairs[1:]} is too large to compute with")
    if any(n + min(b, 0) + min(e, 0) < 1 for n, (b, e) in zip(shape, pairs[1:], strict=True)):
        raise LeveloneError(f"{describe(node)}: pads {flat} crop everything of {shape}")
    mode = str(given.get("mode", "constant"))
    if mode not in ("constant", "reflect", "edge"):
        raise unsupported(node, f"mode {mode!r}", "one of constant, reflect, edge")
    value = float(given.get("value", 0.0))
    if ctx.has(node, 2):
        value = float(ctx.constant(node, 2, "value").values.reshape(-1)[0])
    if not np.isfinite(value):
        raise LeveloneError(f"{describe(node)}: pads with {value}")
    return tuple(pairs[1:]), mode, value
