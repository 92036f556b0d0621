"""QONNX -> integer graph.

One pass over the nodes in topological order: each ONNX tensor becomes a constant, an input that is still
real, or an integer activation (`tensors`), by the handler of its operator (`HANDLERS`). ONNX is channels
first, the graph channels last: a tensor's layout is carried as a permutation, and codes are moved only where
an operation needs the axes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

import numpy as np
import onnx

from levelone.errors import LeveloneError
from levelone.graph.build import GraphBuilder
from levelone.graph.ir import Graph, HostEnd
from levelone.graph.ops import Reshape
from levelone.graph.reader import moves
from levelone.graph.reader.arithmetic import (
    read_add,
    read_batch_normalization,
    read_div,
    read_mul,
    read_neg,
    read_relu,
    read_sub,
)
from levelone.graph.reader.channels_last import read_channels_last
from levelone.graph.reader.constants import fold, read_initializer
from levelone.graph.reader.context import CHANNELS_LAST, MAX_VALUE, Context, blamed_on, unsupported
from levelone.graph.reader.functions import (
    FUNCTIONS,
    read_clamp,
    read_function,
    read_hard_sigmoid,
    read_leaky,
)
from levelone.graph.reader.hosted import read_hosted
from levelone.graph.reader.linear import read_conv, read_gemm, read_matmul
from levelone.graph.reader.load import DOMAINS, load_model
from levelone.graph.reader.order import in_order
from levelone.graph.reader.pooling import (
    read_average_pool,
    read_global_average_pool,
    read_global_max_pool,
    read_max_pool,
    read_reduction,
)
from levelone.graph.reader.ports import PortType, port_types
from levelone.graph.reader.quantiser import make_port, read_quantiser
from levelone.graph.reader.resampling import read_pad, read_resize, read_trunc
from levelone.graph.reader.shapes import (
    read_cast,
    read_concat,
    read_identity,
    read_permutation,
    read_reshape,
    read_selection,
)
from levelone.graph.reader.tail import host_tail, left_off
from levelone.graph.reader.tensors import Activation, Real, Tensor
from levelone.graph.reader.transposed import read_conv_transpose

Handler = Callable[[Context, onnx.NodeProto], Tensor | tuple[Tensor, ...]]

HANDLERS: MappingProxyType[str, Handler] = MappingProxyType(
    {
        "Add": read_add,
        "AveragePool": read_average_pool,
        "BatchNormalization": read_batch_normalization,
        "BipolarQuant": read_quantiser,
        "Cast": read_cast,
        "Clip": read_clamp,
        "Concat": read_concat,
        "Conv": read_conv,
        "ConvTranspose": read_conv_transpose,
        "Div": read_div,
        "Dropout": read_identity,
        "Gemm": read_gemm,
        "GlobalAveragePool": read_global_average_pool,
        "GlobalMaxPool": read_global_max_pool,
        "HardSigmoid": read_hard_sigmoid,
        "Identity": read_identity,
        "IntQuant": read_quantiser,
        "LeakyRelu": read_leaky,
        "MatMul": read_matmul,
        "Max": read_clamp,
        "MaxPool": read_max_pool,
        "Min": read_clamp,
        "Mul": read_mul,
        "Neg": read_neg,
        "PRelu": read_leaky,
        "Pad": read_pad,
        "Quant": read_quantiser,
        "ReduceMax": read_reduction,
        "ReduceMean": read_reduction,
        "ReduceSum": read_reduction,
        "Relu": read_relu,
        "Resize": read_resize,
        "Sub": read_sub,
        "Trunc": read_trunc,
        "Upsample": read_resize,
        **dict.fromkeys(moves.PERMUTING, read_permutation),
        **dict.fromkeys(moves.RESHAPES, read_reshape),
        **dict.fromkeys(moves.SELECTIONS, read_selection),
        **dict.fromkeys(FUNCTIONS, read_function),
    }
)

NEAREST = MappingProxyType(
    {
        "ArgMax": "at the very end of the network, where it is left off and the scores are compared",
        "Einsum": "MatMul with a constant matrix, or Conv",
        "Expand": "Resize (nearest), or Add and Mul, which broadcast axes of length 1",
        "FloatQuant": "Quant (integer quantisers)",
        "If": "a network without branches that depend on data",
        "InstanceNormalization": "BatchNormalization",
        "LSTM": "Conv over time",
        "LayerNormalization": "BatchNormalization",
        "Loop": "a network without loops",
        "LpPool": "AveragePool or MaxPool",
        "MultiThreshold": "Quant, from which it was made",
        "Scan": "a network without loops",
        "Softmax": "at the very end of the network, where it is left off and the logits are compared",
        "Tile": "Resize (nearest) or Concat",
        "TopK": "at the very end of the network, where it is left off and the scores are compared",
        "Where": "Relu, Clip, Min or Max",
    }
)


def read_qonnx(
    source: Path | str | onnx.ModelProto, ports: Mapping[str, str] = MappingProxyType({})
) -> Graph:
    """Read a QONNX model into the integer graph.

    Parameters
    ----------
    source
        A file, which is neither changed nor trusted, or a model in memory.
    ports
        Types of inputs that no quantiser follows, by name: ``int8``, ``uint8``, ``bipolar``, ``fixed<16,6>``,
        ``ufixed<8,0>``. Integer types that the file itself annotates need not be given.

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
        ctx.tensors[tensor.name] = read_initializer(ctx, tensor)
    types = port_types(graph, ports, consumers)
    for info in graph.input:
        if info.name not in ctx.tensors:
            ctx.tensors[info.name] = _input(ctx, info, types.get(info.name))
    tail = host_tail(nodes, consumers, ctx.outputs)
    left = []
    for position, node in enumerate(nodes):
        if node.output[0] in ctx.absorbed:
            continue
        with blamed_on(node):
            if position in tail:
                ctx.tensors.update({name: ctx.raw(node, 0) for name in node.output if name})
                left.append(left_off(node))
            else:
                found = _read_node(ctx, node)
                several = found if isinstance(found, tuple) else (found,)
                ctx.tensors.update({name: x for name, x in zip(node.output, several, strict=False) if name})
    outputs: dict[str, HostEnd | None] = {}
    for info in graph.output:
        value, end = _output(ctx, info.name, where)
        if outputs.setdefault(value, end) != end:
            raise LeveloneError(
                f"{where}: outputs {value!r} and {info.name!r} are one sum with different constants "
                f"after it, too wide to be exact in hardware",
                hint="put a Quant before one of them",
            )
        if end is not None:
            left.append(f"constants of output {info.name!r} are left to the host; its operand is the output")
    ends = {value: end for value, end in outputs.items() if end is not None}
    return replace(ctx.builder.build(*outputs), left_off=tuple(dict.fromkeys(left)), ends=ends)


def _read_node(ctx: Context, node: onnx.NodeProto) -> Tensor | tuple[Tensor, ...]:
    if node.domain not in DOMAINS:
        raise unsupported(
            node,
            f"operator domain {node.domain!r}",
            f"standard ONNX and QONNX operators ({', '.join(DOMAINS)})",
        )
    constant = fold(ctx, node)
    if constant is not None:
        return constant
    if node.domain == CHANNELS_LAST:
        return read_channels_last(ctx, node)
    hosted = read_hosted(ctx, node)
    if hosted is not None:
        return hosted
    if node.op_type not in HANDLERS:
        nearest = NEAREST.get(node.op_type, f"a network of {', '.join(HANDLERS)}")
        raise unsupported(node, "no exact integer form is known", nearest)
    return HANDLERS[node.op_type](ctx, node)


def _input(ctx: Context, info: onnx.ValueInfoProto, kind: PortType | None) -> Tensor:
    """A graph input: real numbers that a quantiser awaits, or a port at once if its type is known."""
    real = _real(info)
    if kind is None:
        return real
    node = onnx.helper.make_node("Identity", [info.name], [info.name], name=info.name)
    return make_port(ctx, node, kind.quantiser(), real)


def _real(info: onnx.ValueInfoProto) -> Real:
    dims = [d.dim_value for d in info.type.tensor_type.shape.dim]
    if len(dims) < 2 or any(n < 1 for n in dims[1:]):
        raise LeveloneError(
            f"input {info.name!r} has shape {dims}: a batch axis and fixed positive axes are expected",
            hint="export with concrete sizes; only the first axis may be symbolic",
        )
    if float(np.prod(dims[1:], dtype=np.float64)) > MAX_VALUE:
        raise LeveloneError(f"input {info.name!r} has shape {dims}: more than {MAX_VALUE} numbers per event")
    return Real(info.name, tuple(dims[1:]), tuple(dims[1:]))


def _output(ctx: Context, name: str, where: str) -> tuple[str, HostEnd | None]:
    """The graph value that is the ONNX output, laid out as it is there up to channels last; what ends it."""
    x = ctx.tensors.get(name)
    if isinstance(x, Real):
        raise LeveloneError(f"{where}: input {x.source!r} reaches output {name!r} without a quantiser")
    if not isinstance(x, Activation):
        what = "is not computed" if x is None else "is no activation"
        raise LeveloneError(f"{where}: output {name!r} {what}")
    end = ctx.end_for_host(x)
    if end is not None:
        x = replace(x, gain=(Fraction(1),), bias=(Fraction(0),), lower=None, upper=None)
    x = ctx.settle(x, name)
    layout = ctx.builder.layouts[x.value]
    if x.value in ctx.builder.ports:
        x = ctx.emit(name, Reshape(ctx.value(x).shape), x, shape=x.shape, order=x.order)
    elif layout.shape != x.shape or not np.array_equal(layout.order, x.order):
        shape = ctx.value(x).shape
        x = ctx.emit(name, Reshape(shape), x, shape=x.shape, order=x.order)
        if end is not None:
            ctx.not_the_tensor(x)
    return x.value, end


__all__ = ["HANDLERS", "read_qonnx"]
