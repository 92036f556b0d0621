"""QONNX -> integer graph.

One pass over the nodes in topological order: each ONNX tensor becomes a constant, an input that is still
real, or an integer activation (`tensors`), by the handler of its operator (`HANDLERS`). ONNX is channels
first, the graph channels last: a tensor's layout is carried as a permutation, and codes are moved only where
an operation needs the axes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import onnx

from levelone.errors import LeveloneError
from levelone.graph.build import GraphBuilder
from levelone.graph.ir import Graph
from levelone.graph.ops import Reshape
from levelone.graph.reader.arithmetic import (
    read_add,
    read_batch_normalization,
    read_div,
    read_mul,
    read_neg,
    read_relu,
    read_sub,
)
from levelone.graph.reader.constants import fold, read_initializer
from levelone.graph.reader.context import Context, blamed_on, describe, unsupported
from levelone.graph.reader.functions import FUNCTIONS, read_clip, read_function
from levelone.graph.reader.linear import read_conv, read_gemm, read_matmul
from levelone.graph.reader.load import load_model
from levelone.graph.reader.order import in_order
from levelone.graph.reader.pooling import (
    read_average_pool,
    read_global_average_pool,
    read_global_max_pool,
    read_max_pool,
    read_reduce_mean,
)
from levelone.graph.reader.quantiser import read_quantiser
from levelone.graph.reader.resampling import read_pad, read_resize, read_trunc
from levelone.graph.reader.shapes import (
    read_concat,
    read_flatten,
    read_identity,
    read_reshape,
    read_squeeze,
    read_transpose,
    read_unsqueeze,
)
from levelone.graph.reader.tensors import Activation, Real, Tensor

Handler = Callable[[Context, onnx.NodeProto], Tensor]

HANDLERS: MappingProxyType[str, Handler] = MappingProxyType(
    {
        "Add": read_add,
        "AveragePool": read_average_pool,
        "BatchNormalization": read_batch_normalization,
        "BipolarQuant": read_quantiser,
        "Clip": read_clip,
        "Concat": read_concat,
        "Conv": read_conv,
        "Div": read_div,
        "Dropout": read_identity,
        "Flatten": read_flatten,
        "Gemm": read_gemm,
        "GlobalAveragePool": read_global_average_pool,
        "GlobalMaxPool": read_global_max_pool,
        "Identity": read_identity,
        "IntQuant": read_quantiser,
        "MatMul": read_matmul,
        "MaxPool": read_max_pool,
        "Mul": read_mul,
        "Neg": read_neg,
        "Pad": read_pad,
        "Quant": read_quantiser,
        "ReduceMean": read_reduce_mean,
        "Relu": read_relu,
        "Reshape": read_reshape,
        "Resize": read_resize,
        "Squeeze": read_squeeze,
        "Sub": read_sub,
        "Transpose": read_transpose,
        "Trunc": read_trunc,
        "Unsqueeze": read_unsqueeze,
        "Upsample": read_resize,
        **dict.fromkeys(FUNCTIONS, read_function),
    }
)

NEAREST = MappingProxyType(
    {
        "ArgMax": "at the very end of the network, where it is left off and the scores are compared",
        "ConvTranspose": "nearest Resize followed by Conv",
        "FloatQuant": "Quant (integer quantisers)",
        "Gelu": "Sigmoid, Tanh, LeakyRelu or Swish, followed by Quant",
        "Softmax": "at the very end of the network, where it is left off and the logits are compared",
    }
)

ON_HOST = frozenset({"ArgMax", "HardSigmoid", "LogSoftmax", "Sigmoid", "Softmax", "Tanh"})
"""Monotone or order-preserving ends of a network that no hardware needs: left off where nothing follows."""

MAX_INPUT = 2**26
"""Input elements per event; more is taken for a corrupt file."""


def read_qonnx(source: Path | str | onnx.ModelProto) -> Graph:
    """Read a QONNX model into the integer graph.

    Parameters
    ----------
    source
        A file, which is neither changed nor trusted, or a model in memory.

    Raises
    ------
    LeveloneError
        If the file is missing, damaged, cyclic, or not QONNX.
    UnsupportedError
        For a node that cannot be carried exactly, with its name, operator, attributes and the nearest form.
    """
    model, where = load_model(source)
    graph = model.graph
    nodes = in_order(graph)
    consumers: dict[str, list[onnx.NodeProto]] = {}
    for node in nodes:
        for name in node.input:
            consumers.setdefault(name, []).append(node)
    ctx = Context(
        builder=GraphBuilder(graph.name or "graph"),
        tensors={},
        consumers=consumers,
        outputs=frozenset(output.name for output in graph.output),
    )
    for tensor in graph.initializer:
        ctx.tensors[tensor.name] = read_initializer(tensor)
    for info in graph.input:
        if info.name not in ctx.tensors:
            ctx.tensors[info.name] = _real(info)
    left_off = []
    for node in nodes:
        if node.output[0] in ctx.absorbed:
            continue
        with blamed_on(node):
            if (
                node.op_type in ON_HOST
                and node.output[0] in ctx.outputs
                and not consumers.get(node.output[0])
            ):
                ctx.tensors[node.output[0]] = ctx.raw(node, 0)
                left_off.append(f"{describe(node)} is left to the host; its operand is the output")
            else:
                ctx.tensors[node.output[0]] = _read_node(ctx, node)
    outputs = [_output(ctx, info.name, where) for info in graph.output]
    return replace(ctx.builder.build(*outputs), left_off=tuple(left_off))


def _read_node(ctx: Context, node: onnx.NodeProto) -> Tensor:
    if node.domain not in ("", "ai.onnx") and "qonnx" not in node.domain and "finn" not in node.domain:
        raise unsupported(node, f"operator domain {node.domain!r}", "standard ONNX and QONNX operators")
    constant = fold(ctx, node)
    if constant is not None:
        return constant
    if node.op_type not in HANDLERS:
        nearest = NEAREST.get(node.op_type, f"a network of {', '.join(HANDLERS)}")
        raise unsupported(node, "no exact integer form is known", nearest)
    return HANDLERS[node.op_type](ctx, node)


def _real(info: onnx.ValueInfoProto) -> Real:
    dims = [d.dim_value for d in info.type.tensor_type.shape.dim]
    if len(dims) < 2 or any(n < 1 for n in dims[1:]):
        raise LeveloneError(
            f"input {info.name!r} has shape {dims}: a batch axis and fixed positive axes are expected",
            hint="export with concrete sizes; only the first axis may be symbolic",
        )
    if float(np.prod(dims[1:], dtype=np.float64)) > MAX_INPUT:
        raise LeveloneError(f"input {info.name!r} has shape {dims}: more than {MAX_INPUT} numbers per event")
    return Real(info.name, tuple(dims[1:]))


def _output(ctx: Context, name: str, where: str) -> str:
    """The graph value that is the ONNX output, laid out as it is there up to channels last."""
    x = ctx.tensors.get(name)
    if not isinstance(x, Activation):
        what = "is not computed" if x is None else "is no activation"
        raise LeveloneError(f"{where}: output {name!r} {what}")
    x = ctx.settle(x, name)
    layout = ctx.builder.layouts[x.value]
    if layout.shape != x.shape or not np.array_equal(layout.order, x.order):
        shape = ctx.value(x).shape
        x = ctx.emit(name, Reshape(shape), x, shape=x.shape, order=x.order)
    return x.value


__all__ = ["HANDLERS", "read_qonnx"]
