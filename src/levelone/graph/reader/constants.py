"""Folding the constant part of an ONNX graph: only what exporters put between parameters and their use."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from levelone.errors import LeveloneError, plain
from levelone.graph.reader.context import Context
from levelone.graph.reader.evaluation import evaluated
from levelone.graph.reader.nodes import attributes, describe, unsupported
from levelone.graph.reader.quantiser_node import (
    QUANTISERS,
    QuantiserNode,
    brief,
    quantiser_of,
    round_constant,
)
from levelone.graph.reader.tensors import Constant


def read_initializer(ctx: Context, tensor: onnx.TensorProto) -> Constant:
    """The numbers of an initializer; `LeveloneError` if they are none, or do not match its shape."""
    what = f"initializer '{plain(tensor.name)}'"
    if tensor.data_type not in onnx.TensorProto.DataType.values():
        raise LeveloneError(f"{what} is damaged: {tensor.data_type} is no data type of ONNX")
    if any(n < 0 for n in tensor.dims):
        raise LeveloneError(f"{what} is damaged: its shape is {list(tensor.dims)}")
    ctx.spend(prod(tensor.dims), what)
    try:
        array = numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError, OverflowError, MemoryError) as error:
        raise LeveloneError(f"{what} is damaged: {error}") from error
    return Constant(real_numbers(array, what))


def real_numbers(array: NDArray[Any], what: str) -> NDArray[Any]:
    """The array itself; `LeveloneError` if its type is text, complex numbers, or none that NumPy has."""
    if array.dtype.kind not in "fiub":
        raise LeveloneError(
            f"{what} has data type {array.dtype}: real numbers are expected", hint="export it as float32"
        )
    return array


def fold(ctx: Context, node: onnx.NodeProto) -> tuple[Constant, ...] | None:
    """The constants that `node` computes, or None if it computes none."""
    if node.op_type == "Constant":
        return (_constant(ctx, node),)
    known = [x for name in node.input if isinstance(x := ctx.tensors.get(name), Constant)]
    if not known or len(known) != sum(bool(name) for name in node.input):
        return None
    if node.op_type in QUANTISERS:
        ctx.spend(3 * known[0].values.size, node)
        return (quantise_constant(quantiser_of(ctx, node), known[0], node),)
    if node.op_type in MOVES:
        return (known[0].moved(MOVES[node.op_type](node, known)),)
    given = iter(known)
    places = [next(given) if name else None for name in node.input]
    values = evaluated(ctx, node, [None if x is None else x.values for x in places])
    probes: list[NDArray[Any] | None] = [None] * len(values)
    if any(x.probe is not None for x in known):
        probes = [*evaluated(ctx, node, [None if x is None else x.probed for x in places])]
    what = f"the result of {describe(node)}"
    return tuple(
        Constant(real_numbers(v, what), probe=None if p is None or np.array_equal(v, p) else p)
        for v, p in zip(values, probes, strict=True)
    )


def quantise_constant(quantiser: QuantiserNode, x: Constant, node: onnx.NodeProto) -> Constant:
    """Codes of a parameter, by the float32 arithmetic that the exporting framework used for them."""
    values = np.asarray(x.values, dtype=np.float32)
    if not np.isfinite(values).all():
        raise LeveloneError(f"{describe(node)}: parameter {node.input[0]!r} holds NaN or infinity")
    scale = np.broadcast_to(quantiser.scale, values.shape).astype(np.float64)
    codes = round_constant(quantiser, values)
    if codes.size and not (int(codes.min()) in quantiser.range and int(codes.max()) in quantiser.range):
        raise LeveloneError(f"{describe(node)}: codes of {node.input[0]!r} outside {quantiser.range}")
    if quantiser.whole_zero is not None:
        codes = codes - quantiser.whole_zero
    else:
        # zero points of any kind: codes on the finest of their grids
        ratios = [z.as_integer_ratio() for z in np.unique(quantiser.zero_point).tolist()]
        finest = max(d for _, d in ratios)
        zero = np.broadcast_to(quantiser.zero_point, values.shape).astype(np.float64) * finest
        if (np.abs(codes) * float(finest) + np.abs(zero) >= 2.0**53).any():
            raise unsupported(node, f"zero point {brief(quantiser.zero_point)}", "an integer zero point")
        codes = codes * finest - zero.astype(np.int64)
        scale = scale / finest
    return Constant((codes * scale).astype(np.float32), codes, scale)


def _constant(ctx: Context, node: onnx.NodeProto) -> Constant:
    for attribute in node.attribute:
        if attribute.name == "value":
            return read_initializer(ctx, attribute.t)
        if attribute.name in ("value_float", "value_floats"):
            return Constant(np.array(onnx.helper.get_attribute_value(attribute), dtype=np.float32))
        if attribute.name in ("value_int", "value_ints"):
            return Constant(np.array(onnx.helper.get_attribute_value(attribute), dtype=np.int64))
    raise unsupported(node, "a constant that is neither a tensor nor a number", "a plain initializer")


def _axes(node: onnx.NodeProto, operands: list[Constant]) -> tuple[int, ...] | None:
    """Axes given as second operand (newer opsets) or as attribute."""
    if len(operands) > 1:
        return tuple(int(a) for a in operands[1].values.reshape(-1))
    axes = attributes(node).get("axes")
    return None if axes is None else tuple(axes)


def _transpose(node: onnx.NodeProto, operands: list[Constant]) -> Any:
    return lambda a: np.transpose(a, attributes(node).get("perm"))


def _reshape(node: onnx.NodeProto, operands: list[Constant]) -> Any:
    target = [int(n) for n in operands[1].values]
    shape = operands[0].values.shape
    copied = [shape[i] if n == 0 and i < len(shape) else n for i, n in enumerate(target)]
    return lambda a: a.reshape(target if attributes(node).get("allowzero") else copied)


def _unsqueeze(node: onnx.NodeProto, operands: list[Constant]) -> Any:
    return lambda a: np.expand_dims(a, _axes(node, operands) or ())


def _squeeze(node: onnx.NodeProto, operands: list[Constant]) -> Any:
    return lambda a: np.squeeze(a, _axes(node, operands))


def _flatten(node: onnx.NodeProto, operands: list[Constant]) -> Any:
    axis = attributes(node).get("axis", 1)
    return lambda a: a.reshape(int(np.prod(a.shape[:axis])), -1)


def _same(node: onnx.NodeProto, operands: list[Constant]) -> Any:
    return lambda a: a


MOVES = {
    "Transpose": _transpose,
    "Reshape": _reshape,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Flatten": _flatten,
    "Identity": _same,
}
