"""The end of a reading: what the file's outputs are in the graph, and what the host has to do for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph.host import Tail
from levelone.graph.ir import Graph, GraphOutput, HostEnd, Layout
from levelone.graph.ops import Reshape
from levelone.graph.reader.context import MAX_OUTPUT_WIDTH, Context
from levelone.graph.reader.tail import TailNodes
from levelone.graph.reader.tensors import Activation, Deferred, Real
from levelone.graph.reader.travel import done
from levelone.graph.reader.waiting import can_be_multiplied, end_for_host, settle

Found = tuple[GraphOutput, HostEnd | None]


def finished(ctx: Context, names: Sequence[str], tail: TailNodes, where: str) -> Graph:
    """The graph of a file whose nodes have been read.

    Parameters
    ----------
    names
        The file's outputs.
    tail
        What the host computes; it takes more where a tensor that it or the file needs is no integers.
    """
    found = _computed(ctx, names, tail, where)
    left = tail.left_off()
    values: dict[str, HostEnd | None] = {}
    for name in names:
        for tensor in tail.needed_by(ctx, name) if name in tail.made else (name,):
            output, end = found[tensor]
            if values.setdefault(output.value, end) != end:
                raise LeveloneError(
                    f"{where}: outputs {output.value!r} and {tensor!r} are one sum with different constants "
                    f"after it, too wide to be exact in hardware",
                    hint="put a Quant before one of them",
                )
            if end is not None:
                left.append(f"constants of output {tensor!r} are left to the host; its operand is the output")
    graph = replace(
        ctx.builder.build(*values),
        left_off=tuple(dict.fromkeys(left)),
        ends={value: end for value, end in values.items() if end is not None},
        onnx_outputs=tuple(names),
        computed=tuple(output for output, _ in found.values()),
    )
    if not tail.taken:
        return graph
    operands = tail.operands(ctx)
    shapes = {name: found[name][0].layout.shape for name in operands}
    piece = tail.model(ctx, [name for name in names if name in tail.made], shapes)
    try:
        piece.shapes  # noqa: B018  (raises if the host cannot compute it)
    except UnsupportedError as error:
        if tail.reasons:
            raise tail.reasons[0] from error
        raise
    return replace(graph, tail=Tail(operands, piece))


def _computed(ctx: Context, names: Sequence[str], tail: TailNodes, where: str) -> dict[str, Found]:
    """Every tensor that the graph computes for the file and for the host's tail."""
    found: dict[str, Found] = {}
    while True:
        wanted = dict.fromkeys([*(n for n in names if n not in tail.made), *tail.operands(ctx)])
        missing = [name for name in wanted if name not in found]
        if not missing:
            return {name: found[name] for name in wanted}
        for name in missing:
            try:
                found[name] = _output(ctx, name, where)
            except UnsupportedError as error:
                tail.take_producer(name, error)
                break


def _output(ctx: Context, name: str, where: str) -> Found:
    """The graph's value that is an ONNX tensor, laid out as it is there up to channels last; what ends it."""
    x = ctx.tensors.get(name)
    if isinstance(x, Deferred):
        x = done(ctx, x)
    if isinstance(x, Real):
        raise LeveloneError(f"{where}: input {x.source!r} reaches output {name!r} without a quantiser")
    if not isinstance(x, Activation):
        what = "is not computed" if x is None else "is no activation"
        raise LeveloneError(f"{where}: output {name!r} {what}")
    end = end_for_host(ctx, x)
    if end is not None:
        x = replace(x, gain=(Fraction(1),), bias=(Fraction(0),), lower=None, upper=None)
    if x.function is not None and not can_be_multiplied(ctx, x, MAX_OUTPUT_WIDTH):
        x = replace(x, function=replace(x.function, raised=None))
    x = settle(ctx, x, name)
    layout = ctx.builder.layouts[x.value]
    if x.value in ctx.builder.ports:
        x = ctx.emit(name, Reshape(ctx.value(x).shape), x, shape=x.shape, order=x.order)
    elif layout.shape != x.shape or not np.array_equal(layout.order, x.order):
        shape = ctx.value(x).shape
        x = ctx.emit(name, Reshape(shape), x, shape=x.shape, order=x.order)
        if end is not None:
            ctx.not_the_tensor(x)
    return GraphOutput(name, x.value, Layout(name, x.shape, x.order)), end
