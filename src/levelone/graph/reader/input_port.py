"""The quantiser of a network's input: the hardware's port carries its integers."""

from __future__ import annotations

from math import prod

import numpy as np
import onnx

from levelone.errors import UnsupportedError
from levelone.graph.build import channels_first_order
from levelone.graph.ir import Layout
from levelone.graph.ops import Affine
from levelone.graph.ops._bounds import spread
from levelone.graph.reader.axes import by_channel
from levelone.graph.reader.context import Context
from levelone.graph.reader.nodes import CHANNELS_LAST, attributes
from levelone.graph.reader.quantiser_node import QuantiserNode
from levelone.graph.reader.tensors import Activation, Fractions, Real
from levelone.graph.values import IntRange


def make_port(
    ctx: Context, node: onnx.NodeProto, quantiser: QuantiserNode, x: Real, *, declared: bool = False
) -> Activation:
    """The hardware input that carries the quantiser's integers, and what brings them to the tensor's grid."""
    last = (False, x.shape, np.arange(prod(x.shape)))
    shape = (*x.shape[1:], x.shape[0])
    arranged = [last]
    if not _turned(ctx, node.output[0], len(x.shape)):
        arranged.insert(0, (True, shape, channels_first_order(shape)))
    for arrangement in arranged:
        first, shape, order = arrangement
        try:
            scale = by_channel(node, x.shape, order, shape[-1], quantiser.scale, "scale")
            zero = by_channel(node, x.shape, order, shape[-1], quantiser.zero_point, "zero point")
            break
        except UnsupportedError:
            if arrangement is last:
                raise
    ctx.spend(prod(shape), node)
    plain = quantiser.whole_zero is not None and not quantiser.bipolar
    tensor = node.output[0]
    name = ctx.builder.fresh(tensor if plain else f"{tensor}_{'bit' if quantiser.bipolar else 'code'}")
    ctx.builder.input(
        name,
        shape,
        scale,
        IntRange(0, 1) if quantiser.bipolar else quantiser.range,
        rounding=quantiser.rounding,
        zero_point=quantiser.whole_zero or 0,
        shifts=() if plain or quantiser.bipolar else zero,
        bipolar=quantiser.bipolar,
        source=x.source,
        channels_first=first,
        host=x.steps,
        source_shape=() if x.before == x.shape else x.before,
        declared=declared,
    )
    ctx.builder.layout(name, Layout(tensor if plain else "", x.shape, order))
    port = Activation(name, x.shape, order)
    if plain:
        return port
    op = Affine((2,), (-1,), scale) if quantiser.bipolar else without_zero(scale, zero)
    return ctx.emit_like(tensor, op, port)


def _turned(ctx: Context, tensor: str, rank: int) -> bool:
    """Whether all that reads an input takes its last axis for the channels: then it is channels last."""
    readers = ctx.consumers.get(tensor, [])
    turned = [0, rank, *range(1, rank)]
    return bool(readers) and all(
        (n.op_type == "Transpose" and attributes(n).get("perm") == turned)
        or (n.op_type == "MatMul" and n.input[0] == tensor)
        or n.domain == CHANNELS_LAST
        for n in readers
    )


def without_zero(scale: Fractions, zero: Fractions) -> Affine:
    """``(code - zero) * scale`` as integers, one grid per channel."""
    count = max(len(scale), len(zero))
    pairs = list(zip(spread(scale, count), spread(zero, count), strict=True))
    factor = tuple(z.denominator for _, z in pairs)
    return Affine(factor, tuple(-z.numerator for _, z in pairs), tuple(s / z.denominator for s, z in pairs))
