"""qonnx's channels-last Conv, MaxPool and BatchNormalization: the ordinary ones between two transposes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.ir import Layout
from levelone.graph.reader.arithmetic import read_batch_normalization
from levelone.graph.reader.context import Context
from levelone.graph.reader.linear import read_conv
from levelone.graph.reader.nodes import describe, unsupported
from levelone.graph.reader.pooling import read_max_pool
from levelone.graph.reader.tensors import Activation, Tensor
from levelone.graph.reader.waiting import raw

KINDS: dict[str, Callable[[Context, onnx.NodeProto], Activation]] = {
    "BatchNormalization": read_batch_normalization,
    "Conv": read_conv,
    "MaxPool": read_max_pool,
}


def read_channels_last(ctx: Context, node: onnx.NodeProto) -> Activation:
    """Operand and result are [batch, *spatial, channel], weights [out, *kernel, in]."""
    if node.op_type not in KINDS:
        raise unsupported(node, "no channels-last operator of qonnx", f"one of {', '.join(KINDS)}")
    x = raw(ctx, node, 0)
    if len(x.shape) < 2:
        raise LeveloneError(f"{describe(node)}: operand of shape {x.shape} has no spatial axes")
    inside = onnx.NodeProto()
    inside.CopyFrom(node)
    borrowed: dict[str, Tensor] = {f"{node.output[0]}/operand": _transposed(x, _first)}
    inside.input[0] = f"{node.output[0]}/operand"
    if node.op_type == "Conv":
        weight = ctx.constant(node, 1, "weight")
        borrowed[f"{node.output[0]}/weight"] = weight.moved(lambda a: np.moveaxis(a, -1, 1))
        inside.input[1] = f"{node.output[0]}/weight"
    ctx.tensors.update(borrowed)
    try:
        found = KINDS[node.op_type](ctx, inside)
    finally:
        for name in borrowed:
            del ctx.tensors[name]
    result = _transposed(found, _last)
    layout = ctx.builder.layouts[result.value]
    if layout.tensor == node.output[0]:
        ctx.builder.layout(result.value, Layout(layout.tensor, result.shape, result.order))
    return result


def _first(a: NDArray[Any]) -> NDArray[Any]:
    return np.moveaxis(a, -1, 0)


def _last(a: NDArray[Any]) -> NDArray[Any]:
    return np.moveaxis(a, 0, -1)


def _transposed(x: Activation, move: Callable[[NDArray[Any]], NDArray[Any]]) -> Activation:
    order = move(x.order.reshape(x.shape))
    return replace(x, shape=order.shape, order=order.reshape(-1))
