"""Brevitas module -> QONNX file whose nodes and tensors carry the names of the module's layers."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import nn

from levelone.errors import LeveloneError
from levelone.files import write_bytes

_SCOPES = "pkg.torch.onnx.name_scopes"
_BATCH = 2  # of the traced example: not 1, so that a batch axis cannot be mistaken for another


def export_qonnx(
    module: nn.Module,
    example_inputs: Mapping[str, torch.Tensor],
    path: Path,
    metadata: Mapping[str, object],
    *,
    output: str | Sequence[str] = "logit",
) -> Path:
    """Write `module` as QONNX.

    Every tensor is named after the layer that makes it: input quantiser ``images_q``, convolution or dense
    layer ``conv1``, activation ``act1`` (before its quantiser: ``act1_relu``), parameters ``conv1_weight``
    and ``conv1_bias`` (the quantised values), ``flatten``, ``concat`` and ``add`` for what is between (the
    second of a kind: ``flatten2``). The first dimension of inputs and outputs is called ``batch``. The file
    holds no paths and no stack traces, and the same module gives the same bytes.

    Parameters
    ----------
    module
        A calibrated network made with `levelone.quant.layers.QuantLayers`.
    example_inputs
        Argument name -> float32 tensor with a batch axis of any length; only shapes matter. The names become
        those of the graph's inputs.
    path
        Target file, written atomically.
    metadata
        Becomes the JSON text of the model's metadata entry ``levelone``.
    output
        Name of the graph's output; or names, in the order in which the module returns several.

    Raises
    ------
    LeveloneError
        If the module holds an operation that does not have a layer's name, or the file cannot be written.
    """
    outputs = [output] if isinstance(output, str) else list(output)
    model = _trace(module, example_inputs)
    _padding_into_pools(model.graph)
    layers = {name for name, _ in module.named_children()}
    model = _renamed(model, layers, list(example_inputs), outputs)
    helper.set_model_props(model, {"levelone": json.dumps(dict(metadata), sort_keys=True)})
    onnx.checker.check_model(model)
    write_bytes(Path(path), model.SerializeToString(deterministic=True))
    return Path(path)


def _trace(module: nn.Module, example_inputs: Mapping[str, torch.Tensor]) -> onnx.ModelProto:
    """Brevitas' own export, with its messages kept off standard output."""
    with _quiet():
        from brevitas.export import export_qonnx as brevitas_export

    examples = tuple(
        torch.zeros(_BATCH, *tensor.shape[1:], dtype=torch.float32) for tensor in example_inputs.values()
    )
    training = module.training
    module.eval()
    try:
        with _quiet(), tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "model.onnx"
            brevitas_export(module, args=examples, export_path=str(target))
            return onnx.load(target)
    finally:
        module.train(training)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No chatter of the exporters: neither prints, nor warnings, nor log lines."""
    level = logging.root.manager.disable
    sink = io.StringIO()
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def _padding_into_pools(graph: onnx.GraphProto) -> None:
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


def _renamed(
    model: onnx.ModelProto, layers: set[str], inputs: list[str], outputs: list[str]
) -> onnx.ModelProto:
    """A clean copy of `model`: our names, a symbolic batch axis, nothing about the machine that made it."""
    graph = model.graph
    initializers = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    names = {value.name: name for value, name in zip(graph.input, inputs, strict=False)}
    nodes: list[onnx.NodeProto] = []
    constants: dict[str, np.ndarray] = {}
    made_names = _names_of(graph, layers)
    for node in graph.node:
        name = made_names[node.output[0]]
        if name in names.values() or name in inputs:
            raise LeveloneError(f"export: two tensors would be called {name!r}")
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.name = name
        copy.doc_string = ""
        del copy.metadata_props[:]
        if len(node.output) != 1:
            raise LeveloneError(f"export: node {node.name} ({node.op_type}) has {len(node.output)} outputs")
        if node.op_type == "Reshape":
            del copy.attribute[:]  # `allowzero` would give the 0 of _reshape_target another meaning
        names[node.output[0]] = name
        copy.output[0] = name
        for position, source in enumerate(node.input):
            if source in initializers:
                value = initializers[source]
                if node.op_type == "Reshape" and position == 1:
                    value = _reshape_target(value)
                constant = f"{name}_{_role(node, position)}"
                constants[constant] = value
                copy.input[position] = constant
            elif source:
                copy.input[position] = names[source]
        nodes.append(copy)
    results = [names[value.name] for value in graph.output]
    if results != outputs:
        raise LeveloneError(
            f"export: the network ends with {', '.join(results)}; expected layers called {', '.join(outputs)}"
        )
    new_graph = helper.make_graph(
        nodes,
        "levelone",
        [_info(value, names[value.name]) for value in list(graph.input)[: len(inputs)]],
        [_info(value, names[value.name]) for value in graph.output],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()],
    )
    parameters = tuple(f"{layer}_{role}" for layer in layers for role in ("weight", "bias"))
    for value in graph.value_info:
        if value.name in names and names[value.name] not in outputs:
            name = names[value.name]
            new_graph.value_info.append(_info(value, name, batch=name not in parameters))
    opsets = [helper.make_opsetid(entry.domain, entry.version) for entry in model.opset_import]
    made = helper.make_model(new_graph, opset_imports=opsets, producer_name="levelone")
    made.ir_version = model.ir_version
    return made


def _names_of(graph: onnx.GraphProto, layers: set[str]) -> dict[str, str]:
    """Output of each node -> its name: that of the layer for the last node of a layer.

    The nodes before it are called after their operator (``act1_relu``), parameters after their role.
    """
    names: dict[str, str] = {}
    last: dict[str, onnx.NodeProto] = {}
    for node in graph.node:
        layer, name = _place_of(node, layers)
        if name is None:
            before = last.get(layer)
            if before is not None:
                names[before.output[0]] = _unused(f"{layer}_{before.op_type.lower()}", names)
            last[layer] = node
            name = layer
        elif not layer:  # between the layers: there may be several of a kind
            name = _unused(name, names)
        names[node.output[0]] = name
    return names


def _place_of(node: onnx.NodeProto, layers: set[str]) -> tuple[str, str | None]:
    """(layer or nothing, name if settled) of a node, from the module path that the exporter wrote into it."""
    properties = {entry.key: entry.value for entry in node.metadata_props}
    scopes = ast.literal_eval(properties.get(_SCOPES, "[]"))
    path = scopes[-2] if len(scopes) >= 2 else ""
    layer = path.split(".")[0]
    if layer not in layers:
        free = {"Reshape": "flatten", "Flatten": "flatten", "Concat": "concat", "Add": "add"}
        if node.op_type not in free:
            raise LeveloneError(
                f"export: node {node.name} ({node.op_type}) belongs to no layer of the network"
            )
        return "", free[node.op_type]
    for role in ("weight", "bias"):
        if f".{role}_quant" in path:
            return layer, f"{layer}_{role}"
    return layer, None


def _unused(name: str, names: Mapping[str, str]) -> str:
    taken, number, free = set(names.values()), 1, name
    while free in taken:
        number += 1
        free = f"{name}{number}"
    return free


def _role(node: onnx.NodeProto, position: int) -> str:
    """What an initializer is to the node that reads it."""
    if node.op_type == "Quant":
        return ("float", "scale", "zero_point", "bits")[position]
    return {"Reshape": "shape"}.get(node.op_type, f"constant{position}")


def _reshape_target(shape: np.ndarray) -> np.ndarray:
    """The traced target shape with the batch axis copied from the input (0) instead of fixed."""
    flat = len(shape) == 2
    if shape[0] not in (_BATCH, -1) or (not flat and min(shape[1:]) < 1):
        raise LeveloneError(f"export: reshape to {shape.tolist()}; the batch axis must stay as it is")
    return np.array([0, *([-1] if flat else shape[1:].tolist())], dtype=np.int64)


def _info(value: onnx.ValueInfoProto, name: str, *, batch: bool = True) -> onnx.ValueInfoProto:
    dims: list[int | str] = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
    if batch:
        dims[0] = "batch"
    return helper.make_tensor_value_info(name, value.type.tensor_type.elem_type, dims)
