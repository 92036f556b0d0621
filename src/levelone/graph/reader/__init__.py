"""QONNX -> integer graph.

One pass over the nodes in topological order: each ONNX tensor becomes a constant, an input that is still
real, or an integer activation (`tensors`), by the handler of its operator (`handlers`). ONNX is channels
first, the graph channels last: a tensor's layout is carried as a permutation, and codes are moved only where
an operation needs the axes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import onnx

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph.build import GraphBuilder
from levelone.graph.ir import Graph
from levelone.graph.reader.constants import fold, read_initializer
from levelone.graph.reader.context import MAX_VALUE, Context
from levelone.graph.reader.handlers import HANDLERS, handle
from levelone.graph.reader.hosted import read_hosted
from levelone.graph.reader.inference import check_inference
from levelone.graph.reader.input_port import make_port
from levelone.graph.reader.load import DOMAINS, load_model
from levelone.graph.reader.nodes import attributes, blamed_on, says_more, unsupported
from levelone.graph.reader.order import in_order
from levelone.graph.reader.outputs import finished
from levelone.graph.reader.ports import PortType, port_types
from levelone.graph.reader.tail import TailNodes
from levelone.graph.reader.tensors import Constant, Deferred, Real, Tensor
from levelone.graph.reader.travel import bare, done, travelled

SHAPED = frozenset({"Expand", "Reshape", "Resize", "Slice"})
"""What takes shapes of tensors, whose first axis is that of the events."""


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
        called={node.output[0]: node.name for node in nodes if says_more(node)},
        opset=next(e.version for e in model.opset_import if e.domain in ("", "ai.onnx")),
    )
    for tensor in graph.initializer:
        ctx.tensors[tensor.name] = read_initializer(ctx, tensor)
    types = port_types(graph, ports, consumers)
    for info in graph.input:
        if info.name not in ctx.tensors:
            ctx.tensors[info.name] = _input(ctx, info, types.get(info.name))
    tail = TailNodes.of(nodes, consumers)
    for position, node in enumerate(nodes):
        check_inference(ctx, node)
        if node.output[0] in ctx.absorbed or tail.takes(position):
            continue
        with blamed_on(node):
            try:
                found = _read_node(ctx, node)
            except UnsupportedError as error:
                tail.take_instead(position, error, node.op_type in HANDLERS)
                continue
            several = found if isinstance(found, tuple) else (found,)
            ctx.tensors.update({name: x for name, x in zip(node.output, several, strict=False) if name})
    return finished(ctx, [info.name for info in graph.output], tail, where)


def _read_node(ctx: Context, node: onnx.NodeProto) -> Tensor | tuple[Tensor, ...]:
    if node.domain not in DOMAINS:
        raise unsupported(
            node,
            f"operator domain {node.domain!r}",
            f"standard ONNX and QONNX operators ({', '.join(DOMAINS)})",
        )
    if node.op_type == "Shape":
        return _shape(ctx, node)
    constants = fold(ctx, node)
    if constants is not None:
        return constants
    _check_constants(ctx, node)
    for how in (read_hosted, travelled):
        found = how(ctx, node)
        if found is not None:
            return found
    return handle(ctx, node)


def _shape(ctx: Context, node: onnx.NodeProto) -> Constant:
    x = ctx.tensor(node, 0)
    if isinstance(x, Deferred):
        x = done(ctx, bare(x))
    inner = x.values.shape if isinstance(x, Constant) else x.shape
    given = attributes(node)
    one, two = (
        np.array(sizes[given.get("start", 0) : given.get("end")], dtype=np.int64)
        for sizes in ([inner] * 2 if isinstance(x, Constant) else ((1, *inner), (2, *inner)))
    )
    return Constant(one, probe=None if np.array_equal(one, two) else two)


def _check_constants(ctx: Context, node: onnx.NodeProto) -> None:
    """Refuse constants that depend on the number of events, but for the first axis of a shape."""
    for name in node.input:
        x = ctx.tensors.get(name)
        if isinstance(x, Constant) and x.probe is not None:
            sizes = node.op_type in SHAPED and np.array_equal(x.values[1:], x.probe[1:])
            if not sizes:
                raise unsupported(node, f"{name!r} depends on the number of events", "the shape of one event")


def _input(ctx: Context, info: onnx.ValueInfoProto, kind: PortType | None) -> Tensor:
    """A graph input: real numbers that a quantiser awaits, or a port at once if its type is known."""
    real = _real(info)
    if kind is None:
        return real
    node = onnx.helper.make_node("Identity", [info.name], [info.name], name=info.name)
    return make_port(ctx, node, kind.quantiser(), real, declared=True)


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


__all__ = ["read_qonnx"]
