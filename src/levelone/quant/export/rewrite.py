"""A clean copy of an exported graph: our names, a symbolic batch axis, nothing about the machine."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from levelone.errors import LeveloneError
from levelone.quant.export.names import tensor_names
from levelone.quant.export.trace import BATCH, Traced

_ROLES = {
    "Quant": ("float", "scale", "zero_point", "bits"),
    "Conv": ("operand", "weight", "bias"),
    "ConvTranspose": ("operand", "weight", "bias"),
    "Gemm": ("operand", "weight", "bias"),
    "BatchNormalization": ("operand", "scale", "bias", "mean", "variance"),
    "Reshape": ("operand", "shape"),
}
"""What constants are to the nodes that read them."""


def padding_into_pools(graph: onnx.GraphProto) -> None:
    """A `Pad` with minus infinity in front of a `MaxPool` becomes the pool's own padding.

    torch's pools pad both ends alike; ONNX's need not, and minus infinity is nobody's code.
    """
    values = {tensor.name: tensor for tensor in graph.initializer}
    readers = [source for node in graph.node for source in node.input]
    makers = {node.output[0]: node for node in graph.node}
    for pool in [node for node in graph.node if node.op_type == "MaxPool"]:
        pad = makers.get(pool.input[0])
        if pad is None or pad.op_type != "Pad" or len(pad.input) < 3 or readers.count(pad.output[0]) != 1:
            continue
        if not np.all(np.isneginf(numpy_helper.to_array(values[pad.input[2]]))):
            continue
        pads = numpy_helper.to_array(values[pad.input[1]]).reshape(2, -1)[:, 2:]
        for attribute in pool.attribute:
            if attribute.name == "pads":
                attribute.ints[:] = (np.asarray(attribute.ints) + pads.reshape(-1)).tolist()
        pool.input[0] = pad.input[0]
        graph.node.remove(pad)


def renamed(traced: Traced, inputs: Sequence[str], outputs: Sequence[str] | None) -> onnx.ModelProto:
    """The copy of `traced.model`; its inputs are called `inputs`, its results must be called `outputs`.

    Raises
    ------
    LeveloneError
        If the results are not tensors of their own or have other names, or the batch axis is not kept.
    """
    graph = traced.model.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    names = {value.name: name for value, name in zip(graph.input, inputs, strict=False)}
    computed = set(names)  # what depends on the inputs
    names |= tensor_names(graph, traced.module, traced.calls, inputs)
    nodes: list[onnx.NodeProto] = []
    kept: dict[str, NDArray[np.generic]] = {}
    for node in graph.node:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.name = name = names[node.output[0]]
        copy.doc_string = ""
        del copy.metadata_props[:]
        if node.op_type == "Reshape":
            del copy.attribute[:]  # `allowzero` would give the 0 of _reshape_target another meaning
        if computed.intersection(node.input):
            computed.update(node.output)
        for number, output in enumerate(node.output[1:], start=2):
            names[output] = _unused(f"{name}_{number}", {*names.values()}) if output else ""
        copy.output[:] = [names[output] for output in node.output]
        for position, source in enumerate(node.input):
            if source in constants:
                value = constants[source]
                if node.op_type == "Reshape" and position == 1:
                    value = _reshape_target(name, value)
                constant = _unused(f"{name}_{_role(node, position)}", {*names.values(), *kept})
                kept[constant] = value
                copy.input[position] = constant
            elif source:
                copy.input[position] = names[source]
        nodes.append(copy)
    for value in graph.output:
        if value.name not in computed or value.name in [i.name for i in graph.input]:
            raise LeveloneError("export: a result of the module is one of its inputs, or a constant")
    results = [names[value.name] for value in graph.output]
    if outputs is not None and results != list(outputs):
        raise LeveloneError(
            f"export: the network ends with {', '.join(results)}; expected layers called {', '.join(outputs)}"
        )
    new_graph = helper.make_graph(
        nodes,
        "levelone",
        [_info(value, names[value.name]) for value in list(graph.input)[: len(inputs)]],
        [_info(value, names[value.name]) for value in graph.output],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in kept.items()],
    )
    for value in graph.value_info:
        if value.name in names and names[value.name] not in results:
            new_graph.value_info.append(_info(value, names[value.name], batch=value.name in computed))
    opsets = [helper.make_opsetid(entry.domain, entry.version) for entry in traced.model.opset_import]
    made = helper.make_model(new_graph, opset_imports=opsets, producer_name="levelone")
    made.ir_version = traced.model.ir_version
    return made


def _unused(name: str, taken: Collection[str]) -> str:
    number, free = 1, name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free


def _role(node: onnx.NodeProto, position: int) -> str:
    """What an initializer is to the node that reads it."""
    roles = _ROLES.get(node.op_type, ())
    return roles[position] if position < len(roles) else f"constant{position}"


def _reshape_target(name: str, shape: NDArray[np.generic]) -> NDArray[np.int64]:
    """The traced target shape with the batch axis copied from the input (0) instead of fixed."""
    flat, inner = len(shape) == 2, [n for n in shape[1:].tolist() if n != -1]
    # -1 may stand for one axis of the event, if not for that of the events too
    plain = min(inner, default=0) >= 1 and len(inner) >= len(shape) - 1 - (shape[0] == BATCH)
    if len(shape) < 2 or shape[0] not in (BATCH, -1) or not (flat or plain):
        raise LeveloneError(
            f"export: {name} reshapes {BATCH} events to {shape.tolist()}; the batch axis must stay as it is"
        )
    return np.array([0, *([-1] if flat else shape[1:].tolist())], dtype=np.int64)


def _info(value: onnx.ValueInfoProto, name: str, *, batch: bool = True) -> onnx.ValueInfoProto:
    dims: list[int | str] = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
    if batch:
        dims[0] = "batch"
    return helper.make_tensor_value_info(name, value.type.tensor_type.elem_type, dims)
