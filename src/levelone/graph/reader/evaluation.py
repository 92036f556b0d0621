"""What depends on constants alone is a constant, whatever operator computes it: ONNX's own reference does.

Numbers are computed in float64 and rounded once to the type that the file gives them, so that they depend on
no library's way of summing up or approximating in float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from levelone.errors import LeveloneError
from levelone.graph.reader.context import Context
from levelone.graph.reader.nodes import describe, unsupported

Array = NDArray[Any]

FEW = 64
"""Elements up to which an operand may be a shape, from which that of the result follows."""
SUMMING = frozenset({"Conv", "ConvTranspose", "Einsum", "Gemm", "MatMul"})


def evaluated(ctx: Context, node: onnx.NodeProto, operands: Sequence[Array | None]) -> list[Array]:
    """The results of an operator of ONNX.

    Raises
    ------
    UnsupportedError
        If the operator has a graph of its own, or if the size of its results is unknown.
    """
    if any(a.HasField("g") or a.graphs for a in node.attribute):
        raise unsupported(node, "it computes a constant by a graph of its own", "a plain initializer")
    inferred = _inferred(ctx, node, operands)
    sizes = [prod(shape) for _, shape in inferred]
    known = [a for a in operands if a is not None]
    fan = max((a.size for a in known), default=1) if node.op_type in SUMMING else 1
    ctx.spend(sum(a.size for a in known) + fan * sum(sizes), node)
    wide = [a.astype(np.float64) if a.dtype.kind == "f" else a for a in known]
    from onnx.reference import ReferenceEvaluator

    try:
        with np.errstate(all="ignore"):
            names = [name for name, a in zip(node.input, operands, strict=True) if a is not None]
            infos = [helper.make_empty_tensor_value_info(name) for name in dict.fromkeys(names)]
            run = ReferenceEvaluator(_model(ctx, node, infos)).run
            found = run(None, dict(zip(names, wide, strict=True)))
    except (NotImplementedError, RuntimeError, AttributeError) as error:
        raise unsupported(
            node, f"its constant cannot be computed ({error})", "a plain initializer"
        ) from error
    results = []
    for array, (kind, shape) in zip(found, inferred, strict=True):
        if not isinstance(array, np.ndarray | np.generic) or np.shape(array) != shape:
            raise LeveloneError(f"{describe(node)}: its constant has shape {np.shape(array)}, not {shape}")
        results.append(np.asarray(array).astype(kind))
    return results


def _inferred(
    ctx: Context, node: onnx.NodeProto, operands: Sequence[Array | None]
) -> list[tuple[np.dtype[Any], tuple[int, ...]]]:
    """Type and shape of every result, before it is computed."""
    given = [
        numpy_helper.from_array(np.asarray(a), name)
        for name, a in zip(node.input, operands, strict=True)
        if a is not None and a.size <= FEW
    ]
    few = {tensor.name for tensor in given}
    rest = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for name, a in zip(node.input, operands, strict=True)
        if a is not None and name not in few
    ]
    model = _model(ctx, node, rest)
    model.graph.initializer.extend(given)
    try:
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except (onnx.shape_inference.InferenceError, onnx.checker.ValidationError) as error:
        raise LeveloneError(f"{describe(node)} is malformed: {str(error).splitlines()[0]}") from error
    found = []
    for info in inferred.graph.output:
        kind = info.type.tensor_type
        dims = kind.shape.dim
        if not kind.elem_type or not kind.HasField("shape") or not all(d.HasField("dim_value") for d in dims):
            raise unsupported(node, "the size of its constant is unknown", "a plain initializer")
        found.append((helper.tensor_dtype_to_np_dtype(kind.elem_type), tuple(d.dim_value for d in dims)))
    return found


def _model(ctx: Context, node: onnx.NodeProto, infos: list[onnx.ValueInfoProto]) -> onnx.ModelProto:
    """The node alone."""
    inside = onnx.NodeProto()
    inside.CopyFrom(node)
    inside.domain = ""
    made = [helper.make_empty_tensor_value_info(name) for name in node.output if name]
    graph = helper.make_graph([inside], "constant", infos, made)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", ctx.opset)])
