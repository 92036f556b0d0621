"""The state of one reading: what each ONNX tensor has become, and how to add to the integer graph."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import permutations
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from levelone.errors import LeveloneError, UnsupportedError, listed, plain
from levelone.graph.build import GraphBuilder, channels_first_order
from levelone.graph.ir import HostEnd, IntRange, Layout, Op, Value
from levelone.graph.ops import Add, Affine, Relu, Requantise, Reshape, Transpose
from levelone.graph.ops._bounds import spread
from levelone.graph.reader.arrangement import axes_order, mixed_radix
from levelone.graph.reader.tensors import (
    Activation,
    Constant,
    Fractions,
    Real,
    Tensor,
    fractions,
    rational_gcd,
)

MAX_WIDTH = 62
"""Codes wider than this cannot be computed with in 64 bits."""
MAX_OUTPUT_WIDTH = 53
"""Outputs wider than this are no float64 numbers: constants that need more bits are left to the host."""
MAX_VALUE = 2**24
"""Elements of one tensor per event; more is taken for a corrupt file."""
BUDGET = 2**28
"""Elements of all tensors together, constants included: what bounds the reader's memory and time."""
CHANNELS_LAST = "qonnx.custom_op.channels_last"
"""Domain of qonnx's channels-last convolutions, poolings and normalisations."""


class TooWideError(UnsupportedError):
    """A value that cannot be computed with; `blamed_on` says which ONNX node asked for it."""


@dataclass
class Context:
    """Everything a handler of an ONNX operator needs."""

    builder: GraphBuilder
    tensors: dict[str, Tensor]
    consumers: dict[str, list[onnx.NodeProto]]
    outputs: frozenset[str]
    absorbed: set[str] = field(default_factory=set)
    """Outputs of nodes that were folded into an earlier one."""
    spent: int = 0
    """Elements computed so far (see `spend`)."""

    def spend(self, elements: int, what: onnx.NodeProto | str = "the model") -> None:
        """Count elements towards the budget of one file; `LeveloneError` once it is used up."""
        self.spent += elements
        if elements > MAX_VALUE or self.spent > BUDGET:
            where = what if isinstance(what, str) else describe(what)
            raise LeveloneError(f"{where}: {elements} more numbers are too large to compute with")

    # what a node has

    def tensor(self, node: onnx.NodeProto, position: int) -> Tensor:
        """The operand at `position`; must exist."""
        if position >= len(node.input) or not node.input[position]:
            raise LeveloneError(f"{describe(node)}: operand {position} is missing")
        if node.input[position] not in self.tensors:
            raise LeveloneError(f"{describe(node)}: {node.input[position]!r} is not computed by any node")
        return self.tensors[node.input[position]]

    def has(self, node: onnx.NodeProto, position: int) -> bool:
        return position < len(node.input) and bool(node.input[position])

    def constant(self, node: onnx.NodeProto, position: int, what: str) -> Constant:
        tensor = self.tensor(node, position)
        if not isinstance(tensor, Constant):
            raise unsupported(node, f"{what} is computed, not a constant", f"a constant {what}")
        return tensor

    def raw(self, node: onnx.NodeProto, position: int, *, sums: bool = False) -> Activation:
        """The activation at `position`, with whatever constants wait on it; `sums`: and a second operand."""
        tensor = self.tensor(node, position)
        if isinstance(tensor, Real):
            raise LeveloneError(
                f"{describe(node)}: input {tensor.source!r} reaches it without a quantiser",
                hint="the hardware's port carries integers: quantise each input first (Quant), or say what "
                f"type the port has, as in --port '{tensor.source}=fixed<16,6>'",
            )
        if isinstance(tensor, Constant):
            raise unsupported(
                node,
                f"operand {position} is a constant",
                f"an activation there, constants as later operands of {node.op_type}",
            )
        if tensor.plus is not None and not sums:
            return self.settle(tensor)
        return tensor

    def activation(self, node: onnx.NodeProto, position: int) -> Activation:
        """The activation at `position`, as plain integers."""
        return self.settle(self.raw(node, position))

    def value(self, activation: Activation) -> Value:
        return self.builder.values[activation.value]

    # adding to the graph

    def emit(
        self,
        tensor: str,
        op: Op,
        *inputs: Activation,
        shape: tuple[int, ...],
        order: NDArray[np.int64],
    ) -> Activation:
        """Add a node whose result is the ONNX tensor called `tensor`."""
        name = self.builder.fresh(tensor)
        self.spend(len(order), f"node {name}")
        self.builder.node(name, op, *(i.value for i in inputs))
        value = self.builder.values[name]
        if value.width > MAX_WIDTH:
            raise TooWideError(
                f"{name} needs {value.width} bits (codes {value.range.lo} to {value.range.hi})",
                hint="scales or biases of very different size meet here; put a Quant before it, or use "
                "power-of-two scales",
            )
        self.builder.layout(name, Layout(tensor, shape, order))
        return Activation(name, shape, order)

    def emit_last(self, tensor: str, op: Op, *inputs: Activation) -> Activation:
        """Add a node whose result is channels last here and channels first in ONNX."""
        rank = len(self.value(inputs[0]).shape)
        return self.emit_axes(tensor, op, (rank - 1, *range(rank - 1)), *inputs)

    def emit_like(self, tensor: str, op: Op, x: Activation) -> Activation:
        """Add an elementwise node: its result is laid out like its operand."""
        return self.emit(tensor, op, x, shape=x.shape, order=x.order)

    def not_the_tensor(self, x: Activation) -> None:
        """Note that codes times scale are not yet the ONNX tensor's numbers: constants still wait."""
        self.builder.layout(x.value, replace(self.builder.layouts[x.value], tensor=""))

    # waiting constants

    def settle(self, x: Activation, tensor: str | None = None) -> Activation:
        """Turn waiting constants into integer operations: exactly, on the coarsest grid that holds them."""
        if not x.pending:
            return x
        if x.function is not None:
            raise UnsupportedError(
                f"{x.function.name} of {x.value} is not followed by a quantiser, so its result is no integer",
                hint=f"put a Quant after {x.function.name}, or leave it off and compare its operand",
            )
        if x.plus is not None:
            x = self._added(x, x.plus)
            if not x.pending:
                return x
        value = self.value(x)
        name = tensor or f"{x.value}_affine"
        op = self.waiting(x)
        plain = replace(x, gain=(Fraction(1),), bias=(Fraction(0),), lower=None, upper=None)
        changed = spread(value.scale, len(op.scale)) != op.scale
        if changed or set(op.factor) != {1} or set(op.term) != {0} or not x.clamped:
            inner = f"{name}_linear" if x.clamped else name
            plain = self.emit_like(inner, op, plain)
        return self._clamp(plain, x.lower, x.upper, name) if x.clamped else plain

    def _added(self, x: Activation, plus: Activation) -> Activation:
        """The sum of `x` and its second operand on their common grid; what clamps `x` waits on."""
        name = f"{x.value}_plus_{plus.value}"
        first = self.settle(replace(x, lower=None, upper=None, plus=None))
        second = self.settle(plus)
        grid = rational_gcd([*self.value(first).scale, *self.value(second).scale])
        a, b = (align(self, name, term, grid) for term in (first, second))
        total = self.emit(name, Add(), a, b, shape=x.shape, order=x.order)
        return replace(total, lower=x.lower, upper=x.upper)

    def waiting(self, x: Activation) -> Affine:
        """The waiting gain and bias of `x` as an integer operation."""
        value = self.value(x)
        count = max(len(value.scale), len(x.gain), len(x.bias))
        scale, gain, bias = (spread(t, count) for t in (value.scale, x.gain, x.bias))
        steps = [s * g for s, g in zip(scale, gain, strict=True)]
        ends = [end for end in (x.lower, x.upper) if end is not None]
        grids = [rational_gcd([a, b, *ends]) for a, b in zip(steps, bias, strict=True)]
        common = rational_gcd(grids) or Fraction(1)
        if all(abs(a) < common * 2**31 for a in steps):
            grids = [common] * count  # one scale for the tensor, as long as that keeps the codes small
        grids = [g or common for g in grids]
        factor = tuple(int(a / g) for a, g in zip(steps, grids, strict=True))
        term = tuple(int(b / g) for b, g in zip(bias, grids, strict=True))
        return Affine(_fold(factor), _fold(term), tuple(grids))

    def end_for_host(self, x: Activation) -> HostEnd | None:
        """The constants that wait on an output, where their exact integers would be too wide to compare."""
        if not x.pending or x.function is not None or x.plus is not None:
            return None
        if self.waiting(x).infer("end", self.value(x)).width <= MAX_OUTPUT_WIDTH:
            return None
        return HostEnd(x.gain, x.bias, x.lower, x.upper)

    def _clamp(self, x: Activation, lower: Fraction | None, upper: Fraction | None, name: str) -> Activation:
        """Integer clamping of a value whose grid holds both ends."""
        if lower == 0 and upper is None:
            return self.emit_like(name, Relu(), x)
        x = self.one_scale(x)
        value = self.value(x)
        ends = [None if end is None else int(end / value.scale[0]) for end in (lower, upper)]
        least = value.range.lo if ends[1] is None else min(value.range.lo, ends[1])
        lo = least if ends[0] is None else ends[0]
        hi = max(value.range.hi, lo) if ends[1] is None else ends[1]
        op = Requantise((Fraction(1),), value.scale, IntRange(lo, hi))
        return self.emit_like(name, op, x)

    def one_scale(self, x: Activation) -> Activation:
        """`x` with one scale for all channels, so that they can be summed; lossless."""
        value = self.value(x)
        if len(value.scale) == 1:
            return x
        grid = rational_gcd(list(value.scale))
        return self.emit_like(f"{x.value}_grid", Requantise.aligning(value, grid), x)

    def per_channel(self, node: onnx.NodeProto, x: Activation, array: NDArray[Any], what: str) -> Fractions:
        """A constant that broadcasts against `x`, as one number or one per channel of the value."""
        return per_channel(node, x.shape, x.order, self.value(x).shape[-1], array, what)

    # layout

    def channels_last(self, x: Activation, node: onnx.NodeProto) -> Activation:
        """`x` with graph shape (*spatial, channels) where ONNX has (channels, *spatial)."""
        shape = (*x.shape[1:], x.shape[0])
        return self._arranged(x, shape, channels_first_order(shape), node)

    def as_onnx(self, x: Activation, node: onnx.NodeProto) -> Activation:
        """`x` with the graph's shape and order equal to those of ONNX."""
        return self._arranged(x, x.shape, np.arange(len(x.order)), node)

    def axes_of(self, x: Activation) -> tuple[int, ...] | None:
        """The graph's axis of every ONNX axis, if `x` is the graph's value or its channels-first view."""
        shape = self.value(x).shape
        rank = len(shape)
        if len(x.shape) != rank:
            return None
        for axes in ((rank - 1, *range(rank - 1)), tuple(range(rank))):
            if tuple(shape[a] for a in axes) == x.shape and np.array_equal(x.order, axes_order(shape, axes)):
                return axes
        return None

    def alike(self, node: onnx.NodeProto, *operands: Activation) -> tuple[tuple[int, ...], list[Activation]]:
        """(axes, operands) in one common arrangement, with as few moves as possible (see `axes_of`)."""
        rank = len(operands[0].shape)
        found = {self.axes_of(x) for x in operands}
        if len(found) == 1 and (axes := found.pop()) is not None:
            return axes, list(operands)
        if rank == 1:
            return (0,), [self.as_onnx(x, node) for x in operands]
        return (rank - 1, *range(rank - 1)), [self.channels_last(x, node) for x in operands]

    def emit_axes(self, tensor: str, op: Op, axes: tuple[int, ...], *inputs: Activation) -> Activation:
        """Add a node whose ONNX axes are the graph's axes `axes`."""
        shape = op.infer(tensor, *(self.value(i) for i in inputs)).shape
        return self.emit(
            tensor, op, *inputs, shape=tuple(shape[a] for a in axes), order=axes_order(shape, axes)
        )

    def flat(self, x: Activation) -> Activation:
        """`x` as one axis in the graph, in the graph's own order."""
        value = self.value(x)
        if len(value.shape) == 1:
            return x
        return self.emit(f"{x.value}_flat", Reshape((value.size,)), x, shape=x.shape, order=x.order)

    def _arranged(
        self, x: Activation, shape: tuple[int, ...], order: NDArray[np.int64], node: onnx.NodeProto
    ) -> Activation:
        """`x` with another shape and order in the graph: a reshape if that is enough, else a transpose."""
        if np.array_equal(x.order, order):
            if self.value(x).shape == shape:
                return x
            return self.emit(f"{x.value}_shaped", Reshape(shape), x, shape=x.shape, order=order)
        wanted = np.empty_like(order)
        wanted[order] = x.order  # flat graph element i of the result is flat element wanted[i] of x
        before = self.builder.reshaped_from(x.value)
        for here in (self.value(x).shape, *([before] if before else []), x.shape, shape):
            if len(here) > MAX_SEARCH:
                continue
            index = np.arange(len(order)).reshape(here)
            for axes in permutations(range(len(here))):
                moved = index.transpose(axes)
                if np.array_equal(moved.reshape(-1), wanted):
                    return self._permuted(x, here, axes, moved.shape, shape, order)
        found = mixed_radix(wanted)
        if found is not None:
            here, axes = found
            return self._permuted(x, here, axes, tuple(here[a] for a in axes), shape, order)
        raise unsupported(
            node,
            f"its operand {x.value} has been reordered in a way that no transpose makes good",
            "Flatten followed by Gemm or Concat",
        )

    def _permuted(
        self,
        x: Activation,
        here: tuple[int, ...],
        axes: tuple[int, ...],
        there: tuple[int, ...],
        shape: tuple[int, ...],
        order: NDArray[np.int64],
    ) -> Activation:
        """Reshape to `here` if need be, transpose by `axes` to `there`, reshape to `shape` if need be."""
        if here != self.value(x).shape:
            x = self.emit(f"{x.value}_shaped", Reshape(here), x, shape=x.shape, order=x.order)
        x = self.emit(f"{x.value}_moved", Transpose(axes), x, shape=x.shape, order=order)
        if there != shape:
            x = self.emit(f"{x.value}_shaped", Reshape(shape), x, shape=x.shape, order=order)
        return x

    # look-ahead

    def sole_consumer(self, tensor: str, op_type: str) -> onnx.NodeProto | None:
        """The only reader of `tensor`, if it is of that type and the tensor is not an output."""
        readers = self.consumers.get(tensor, [])
        if tensor in self.outputs or len(readers) != 1 or readers[0].op_type != op_type:
            return None
        return readers[0]


MAX_SEARCH = 4
"""Axes up to which every transpose is tried."""


def per_channel(
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


def _fold(values: tuple[int, ...]) -> tuple[int, ...]:
    return values[:1] if len(set(values)) == 1 else values


def align(ctx: Context, name: str, x: Activation, scale: Fraction) -> Activation:
    """`x` on a grid that divides its own, without loss."""
    value = ctx.value(x)
    if value.scale == (scale,):
        return x
    return ctx.emit_like(f"{name}_{x.value}", Requantise.aligning(value, scale), x)


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Attribute values by name, strings decoded."""
    result: dict[str, Any] = {}
    for attribute in node.attribute:
        value = onnx.helper.get_attribute_value(attribute)
        result[attribute.name] = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return result


def describe(node: onnx.NodeProto) -> str:
    """How messages call a node."""
    return f"node '{plain(node.name or node.output[0])}' ({plain(node.op_type)})"


def unsupported(node: onnx.NodeProto, reason: str, nearest: str) -> UnsupportedError:
    """The one message for a node that cannot be carried: name, operator, attributes, nearest form."""
    return UnsupportedError(
        f"{describe(node)} is not supported: {reason}; attributes: {_shown(node)}",
        hint=f"nearest supported form: {nearest}",
    )


def _shown(node: onnx.NodeProto) -> str:
    """Attributes as a message shows them."""
    found = attributes(node).items()
    return listed(f"{k}={v}" for k, v in found if isinstance(v, str | int | float | list)) or "none"


@contextmanager
def blamed_on(node: onnx.NodeProto) -> Iterator[None]:
    """Errors of numbers and shapes inside become one message that names the node."""
    try:
        yield
    except TooWideError as error:
        raise UnsupportedError(
            f"{describe(node)}: {error.message}; attributes: {_shown(node)}", hint=error.hint
        ) from error
    except LeveloneError:
        raise
    except (
        ValueError,
        TypeError,
        IndexError,
        KeyError,
        OverflowError,
        ZeroDivisionError,
        MemoryError,
    ) as error:
        raise LeveloneError(f"{describe(node)} is malformed: {error}") from error
