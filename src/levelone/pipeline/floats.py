"""Float execution of a project's own QONNX file by qonnx: what float32 makes of the exact meaning.

This is no part of the verdict on the firmware. It says, for anyone's model, in how many codes the framework's
float32 arithmetic leaves the exact rational meaning, and shows one.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph import Codes, Graph, execute, from_onnx_layout, layer_table
from levelone.graph.inputs import real_inputs
from levelone.graph.operation import Op
from levelone.graph.reader.load import QONNX_OPS, load_model
from levelone.graph.reader.ports import DOMAIN
from levelone.verify.ties import MANTISSA, FloatTies, compare_module
from levelone.verify.verdict import LayerComparison

MOST_NUMBERS = 2**23
"""Of all tensors of the events that are looked at."""
MOST_PRODUCTS = 2**31
"""Of all of them: their meaning is evaluated in integers where floats went another way."""
ONE_BY_ONE = 32
"""Events of a network that takes only one at a time: each costs a session of onnxruntime for every node."""
OFF_GRID = 0.25
"""Steps of its grid by which a float may miss an integer and still be read as that integer."""

Arrays = dict[str, NDArray[Any]]


class ExecutionError(Exception):
    """qonnx or onnxruntime could not execute a file: the first line of what it raised."""


def float_line(path: Path, graph: Graph, codes: Mapping[str, Codes]) -> dict[str, Any]:
    """Compare qonnx's float32 execution of a file with the exact meaning, layer by layer.

    Each layer is judged on the float execution's *own* operands, so that what follows from a tie is not
    counted again.

    Parameters
    ----------
    path
        The QONNX file that `graph` was read from.
    codes
        Input codes by value name, int [event, *shape].

    Returns
    -------
    dict
        ``by``, ``events``, ``compared`` (codes), ``ties`` (count, layers, example: see `FloatTies`),
        ``other`` (codes that differ and are no ties, and in which layers), ``reason`` (why nothing could be
        compared, else empty).
    """
    ties = FloatTies()
    result: dict[str, Any] = {
        "by": "qonnx",
        "events": 0,
        "compared": 0,
        "ties": ties.to_dict(),
        "other": {"count": 0, "layers": {}},
        "reason": "",
    }
    size = sum(value.size for value in graph.values.values())
    products = sum(layer.macs for layer in layer_table(graph))
    if size > MOST_NUMBERS or products > MOST_PRODUCTS:
        return result | {"reason": f"too large ({size:,} numbers and {products:,} products per event)"}
    most = min(MOST_NUMBERS // size, MOST_PRODUCTS // max(products, 1))
    model, _ = load_model(path)
    try:
        parts = list(_parts(model, graph, codes, most))
    except ExecutionError as error:
        return result | {"reason": f"qonnx cannot execute it: {error}"}
    except LeveloneError as error:  # no real input makes the codes
        return result | {"reason": error.message}
    other: dict[str, int] = {}
    for given, tensors in parts:
        reference = execute(graph, given, keep="all")
        found = float_codes(graph, tensors)
        start, events = result["events"], len(next(iter(given.values())))
        layers: list[LayerComparison] = compare_module(graph, given, found, reference, ties, start)
        result["events"] += events
        result["compared"] += sum(layer.compared for layer in layers)
        for layer in layers:
            if layer.mismatches:
                other[layer.name] = other.get(layer.name, 0) + layer.mismatches
    result |= {"ties": ties.to_dict(), "other": {"count": sum(other.values()), "layers": other}}
    return result if result["compared"] else result | {"reason": "no layer is a tensor of the file"}


def _parts(
    model: onnx.ModelProto, graph: Graph, codes: Mapping[str, Codes], most: int
) -> Iterator[tuple[dict[str, Codes], Arrays]]:
    """(input codes, qonnx's tensors) of `most` events at most: all at once where the network takes that."""
    most = min(len(next(iter(codes.values()))), most)

    def some(start: int, count: int) -> dict[str, Codes]:
        return {name: found[start : start + count] for name, found in codes.items()}

    if most > 1:
        try:
            together = run_qonnx(model, real_inputs(graph, some(0, most)))
        except ExecutionError:  # a network exported for one event may fail in any way on more than one
            together = {}
        if _fits(graph, together, most):
            yield some(0, most), together
            return
    for event in range(min(most, ONE_BY_ONE)):
        yield some(event, 1), run_qonnx(model, real_inputs(graph, some(event, 1)))


def _fits(graph: Graph, tensors: Arrays, events: int) -> bool:
    """Whether every tensor that is a value holds that many events."""
    known = [layout for layout in graph.layouts.values() if layout.tensor in tensors]
    return bool(known) and all(
        tensors[layout.tensor].shape[:1] == (events,)
        and tensors[layout.tensor].size == events * math.prod(layout.shape)
        for layout in known
    )


def run_qonnx(model: onnx.ModelProto, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
    """Every tensor of one execution by qonnx, float32 [event, *ONNX shape].

    Parameters
    ----------
    inputs
        Real numbers by ONNX input name, [event, *ONNX shape].

    Raises
    ------
    ExecutionError
        If qonnx cannot execute the file for that many events.
    """
    import onnxruntime  # type: ignore[import-untyped,unused-ignore]
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes

    onnxruntime.set_default_logger_severity(4)  # it prints what it raises, too
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for node in copy.graph.node:
        if node.op_type in QONNX_OPS:
            node.domain = DOMAIN  # older exporters had other names for it
    known = {entry.domain: entry.version for entry in copy.opset_import}
    for domain in sorted({node.domain for node in copy.graph.node} - set(known)):
        # its channels-last operators run as ONNX operators of their own domain's version
        version = known.get("", 1) if domain.endswith("channels_last") else 1
        copy.opset_import.append(onnx.helper.make_opsetid(domain, version))
    events = len(next(iter(inputs.values())))
    for info in (*copy.graph.input, *copy.graph.output):
        if (info.name in inputs or info in copy.graph.output) and info.type.tensor_type.shape.dim:
            info.type.tensor_type.shape.dim[0].dim_value = events
    if events > 1:  # exporters write shapes for one event
        del copy.graph.value_info[:]
        _reshape_to(copy.graph, events)
    real = {name: np.asarray(array, np.float32) for name, array in inputs.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            wrapper = ModelWrapper(copy).transform(InferShapes())
            found = execute_onnx(wrapper, real, return_full_exec_context=True)
        except Exception as error:  # qonnx and onnxruntime raise anything
            raise ExecutionError(_first_line(error)) from error
    return {name: array for name, array in found.items() if isinstance(array, np.ndarray)}


def _reshape_to(graph: onnx.GraphProto, events: int) -> None:
    """Let reshapes to a batch of one, as exporters write them, keep `events` instead."""
    shapes = {node.input[1] for node in graph.node if node.op_type == "Reshape" and len(node.input) > 1}
    made = {node.output[0]: node.attribute for node in graph.node if node.op_type == "Constant"}
    tensors = [tensor for tensor in graph.initializer if tensor.name in shapes]
    tensors += [entry.t for name in shapes for entry in made.get(name, ()) if entry.HasField("t")]
    for tensor in tensors:
        shape = onnx.numpy_helper.to_array(tensor).copy()
        if shape.size > 1 and shape.flat[0] == 1:
            shape.flat[0] = events
            tensor.CopyFrom(onnx.numpy_helper.from_array(shape, tensor.name))


def float_codes(graph: Graph, tensors: Mapping[str, NDArray[Any]]) -> dict[str, Codes]:
    """Float tensors as the graph's codes, where float32 can hold these and every number is next to one."""
    found: dict[str, Codes] = {}
    for node in graph:
        layout = graph.layouts.get(node.name)
        if layout is None or layout.tensor not in tensors or graph.values[node.name].width > MANTISSA:
            continue
        real = np.asarray(tensors[layout.tensor], np.float64).reshape(-1, *layout.shape)
        scale = np.array([float(step) for step in graph.values[node.name].scale])
        steps = from_onnx_layout(graph, node.name, real) / scale
        whole = np.rint(steps)
        if not np.isfinite(steps).all() or (np.abs(steps - whole) > OFF_GRID).any():
            continue  # sums that float32 has rounded
        found[node.name] = whole.astype(np.int64)
        before = node.inputs[0]
        if node.op.linear and node.op.pointwise and before not in found and _quantised(graph, before):
            found[before] = _undone(node.op, found[node.name])
    return found


def _quantised(graph: Graph, name: str) -> bool:
    return any(node.name == name and node.op.rounds for node in graph)


def _undone(op: Op, codes: Codes) -> Codes:
    """The codes that an affine map, place by place, turned into `codes`: a bipolar quantiser's bits, say."""
    rest = np.zeros((1, *codes.shape[1:]), dtype=np.int64)
    term = op.evaluate(rest)
    factor = op.evaluate(rest + 1) - term
    steps = (codes - term) / np.where(factor == 0, 1, factor)
    return np.where(factor == 0, 0, np.rint(steps)).astype(np.int64)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
