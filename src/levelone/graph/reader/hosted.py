"""Operators between a graph input and its quantiser: they run on the host, in float32, before the port."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph.host import FLOAT32, Arithmetic, Clamp, FloatModel, Move, Piece
from levelone.graph.reader import moves
from levelone.graph.reader.context import Context
from levelone.graph.reader.inference import check_cast
from levelone.graph.reader.nodes import attributes, describe, unsupported
from levelone.graph.reader.quantiser_node import QUANTISERS
from levelone.graph.reader.tensors import Constant, Real, Tensor

Shape = tuple[int, ...]
CLAMPS = frozenset({"Clip", "Max", "Min", "Relu"})
KEEPING = frozenset({"Cast", "Dropout", "Identity"})
HOSTED = frozenset(
    {*FLOAT32, *CLAMPS, *KEEPING, *moves.RESHAPES, *moves.PERMUTING, *moves.SELECTIONS, "Neg", "Pad"}
)
"""Operators between an input and its quantiser that have steps of their own, which can be undone."""
LAYERS = frozenset(
    {
        "Attention", "Conv", "ConvInteger", "ConvTranspose", "DeformConv", "Einsum", "GRU", "Gemm", "LSTM",
        "MatMul", "MatMulInteger", "QLinearConv", "QLinearMatMul", "RNN",
    }
)  # fmt: skip
"""What is a layer of the network: the host computes none of them."""


MOST_STEPS = 256
"""Steps of one tensor before its quantiser; those that several branches share count for each of them."""


def may_be_hosted(node: onnx.NodeProto) -> bool:
    """Whether the host can compute a node: an operator of ONNX, but no layer, quantiser or subgraph."""
    subgraphs = any(a.HasField("g") or a.graphs for a in node.attribute)
    known = node.domain in ("", "ai.onnx") and onnx.defs.has(node.op_type)
    return known and node.op_type not in LAYERS | QUANTISERS and not subgraphs


def only_hosted(ctx: Context, node: onnx.NodeProto) -> bool:
    """Whether neither a quantiser nor a layer is reached from `node`: the host can compute what follows."""
    left, seen = [*node.output], set(node.output)
    while left:
        for reader in ctx.consumers.get(left.pop(), []):
            if not may_be_hosted(reader):
                return False
            left += [name for name in reader.output if name not in seen]
            seen.update(reader.output)
    return True


def hosted_model(
    ctx: Context, nodes: Sequence[onnx.NodeProto], inputs: Mapping[str, Shape], outputs: Sequence[str]
) -> FloatModel:
    """Nodes as a model of their own, with the constants that they read."""
    copies = [onnx.NodeProto() for _ in nodes]
    for copied, node in zip(copies, nodes, strict=True):
        copied.CopyFrom(node)
        copied.domain = ""
    names = dict.fromkeys(name for node in nodes for name in node.input if name)
    constants = [
        numpy_helper.from_array(np.asarray(c.values), name)
        for name in names
        if isinstance(c := ctx.tensors.get(name), Constant)
    ]
    infos, made = ([helper.make_empty_tensor_value_info(n) for n in names] for names in (inputs, outputs))
    graph = helper.make_graph(copies, "host", infos, made, constants)
    return FloatModel(helper.make_model(graph, opset_imports=[helper.make_opsetid("", ctx.opset)]), inputs)


def read_hosted(ctx: Context, node: onnx.NodeProto) -> Tensor | tuple[Tensor, ...] | None:
    """The input after one more step of the host, or None if the node is no such step."""
    operands = [ctx.tensors.get(name) for name in node.input if name]
    inputs = [i for i, x in enumerate(operands) if isinstance(x, Real)]
    if inputs and (len(inputs) != 1 or node.op_type not in HOSTED):
        return _piece(ctx, node)
    if len(inputs) != 1 or node.op_type not in HOSTED or node.domain not in ("", "ai.onnx"):
        return None
    if not all(isinstance(x, Constant) for i, x in enumerate(operands) if i != inputs[0]):
        return None
    x = operands[inputs[0]]
    assert isinstance(x, Real)  # noqa: S101  (selected above)
    kind = node.op_type
    if kind == "Cast":
        check_cast(node, "an input")
    if kind in KEEPING:
        return x
    if kind == "Neg":
        return _with(x, Arithmetic("Mul", np.full((), -1, dtype=np.float32)))
    if kind in FLOAT32:
        return _arithmetic(ctx, node, x, inputs[0])
    if kind in CLAMPS:
        return _clamp(ctx, node, x)
    if inputs[0] != 0:
        return None
    if kind in moves.RESHAPES:
        shape = moves.new_shape(ctx, node, x.shape)
        return _moved(x, lambda a: a.reshape(shape))
    if kind in moves.PERMUTING:
        return _moved(x, moves.permutation(node, x.shape))
    if kind == "Pad":
        return _padded(ctx, node, x)
    results = []
    for selection in moves.selections(ctx, node, x.shape):

        def pick(a: NDArray[Any], selection: moves.Selection = selection) -> NDArray[Any]:
            for axis, indices in selection.items():
                a = np.take(a, np.array(indices), axis=axis)
            return a.reshape(moves.gathered_shape(ctx, node, a.shape))

        results.append(_moved(x, pick))
    return tuple(results)


def _piece(ctx: Context, node: onnx.NodeProto) -> tuple[Real, ...] | None:
    """Any other operator of one input of the network, or of several tensors that are made of it."""
    found = {name: x for name in node.input if name and not isinstance(x := ctx.tensors.get(name), Constant)}
    reals = {name: x for name, x in found.items() if isinstance(x, Real)}
    if len(reals) != len(found) or len({x.source for x in reals.values()}) != 1 or not may_be_hosted(node):
        return None
    outputs = [name for name in node.output if name]
    model = hosted_model(ctx, [node], {name: x.shape for name, x in reals.items()}, outputs)
    try:
        shapes = model.shapes
    except UnsupportedError:
        return None  # its handler says what is missing
    first = next(iter(reals.values()))
    before = first.steps if len(reals) == 1 else ()
    branches = {name: x.steps[len(before) :] for name, x in reals.items()}
    pieces = {name: Piece(model, branches, name) for name in outputs}
    if any(piece.size > MOST_STEPS for piece in pieces.values()):
        return None
    return tuple(
        Real(first.source, shapes[name], first.before, (*before, pieces[name])) if name else first
        for name in node.output
    )


def _with(x: Real, step: Any) -> Real:
    return replace(x, steps=(*x.steps, step))


def _moved(x: Real, move: Callable[[NDArray[Any]], NDArray[Any]], fill: float = 0.0) -> Real:
    """One more `Move`, merged with one before it."""
    index = move(np.arange(prod(x.shape)).reshape(x.shape))
    step = Move(index.reshape(-1), index.shape, x.shape, fill)
    last = x.steps[-1] if x.steps else None
    if isinstance(last, Move) and not (step.index < 0).any() and not (last.index < 0).any():
        step = Move(last.index[step.index], step.shape, last.before)
        return replace(x, shape=step.shape, steps=(*x.steps[:-1], step))
    return replace(x, shape=step.shape, steps=(*x.steps, step))


def _padded(ctx: Context, node: onnx.NodeProto, x: Real) -> Real:
    pairs, mode, value = moves.padding(ctx, node, x.shape)
    grown = [(max(b, 0), max(e, 0)) for b, e in pairs]
    if mode == "reflect" and any(max(p) >= n for p, n in zip(grown, x.shape, strict=True)):
        raise LeveloneError(f"{describe(node)}: reflection of {pairs} is larger than {x.shape}")

    def pad(a: NDArray[Any]) -> NDArray[Any]:
        a = a[tuple(slice(max(-b, 0), n - max(-e, 0)) for n, (b, e) in zip(a.shape, pairs, strict=True))]
        return np.pad(a, grown, constant_values=-1) if mode == "constant" else np.pad(a, grown, mode=mode)  # type: ignore[call-overload]

    return _moved(x, pad, value)


def _arithmetic(ctx: Context, node: onnx.NodeProto, x: Real, position: int) -> Real:
    constant = ctx.tensor(node, 1 - position)
    assert isinstance(constant, Constant)  # noqa: S101  (checked by the caller)
    values = np.asarray(constant.values, dtype=np.float32)
    if values.ndim > len(x.shape):
        if values.shape[0] != 1 or values.ndim > len(x.shape) + 1:
            raise LeveloneError(f"{describe(node)}: constant {values.shape} for an input of shape {x.shape}")
        values = values[0]
    if np.broadcast_shapes(values.shape, x.shape) != x.shape:
        raise LeveloneError(f"{describe(node)}: constant {values.shape} for an input of shape {x.shape}")
    if not np.isfinite(values).all() or (node.op_type == "Div" and position == 0 and not values.all()):
        raise LeveloneError(f"{describe(node)}: its constant holds NaN, infinity or a zero to divide by")
    return _with(x, Arithmetic(node.op_type, values, position == 1))


def _clamp(ctx: Context, node: onnx.NodeProto, x: Real) -> Real | None:
    lower, upper = limits(ctx, node)
    return _with(x, Clamp(-np.inf if lower is None else lower, np.inf if upper is None else upper))


def limits(ctx: Context, node: onnx.NodeProto) -> tuple[float | None, float | None]:
    """Lower and upper limit of Relu, Clip, or Min and Max with constants; None where there is none."""
    if node.op_type == "Relu":
        return 0.0, None
    if node.op_type in ("Min", "Max"):
        constants = [t for name in node.input if isinstance(t := ctx.tensors.get(name), Constant)]
        numbers = [number(node, c, "constant") for c in constants]
        return (max(numbers), None) if node.op_type == "Max" else (None, min(numbers))
    ends: list[float | None] = []
    for position, name in ((1, "min"), (2, "max")):
        end = attributes(node).get(name)
        if ctx.has(node, position):
            end = number(node, ctx.constant(node, position, name), name)
        ends.append(None if end is None or np.isinf(end) else float(end))
    return ends[0], ends[1]


def number(node: onnx.NodeProto, constant: Constant, what: str) -> float:
    """The one number that a constant holds."""
    if constant.values.size != 1:
        raise unsupported(node, f"{what} of shape {constant.values.shape}", "one number")
    found = float(constant.values.reshape(-1)[0])
    if np.isnan(found):
        raise LeveloneError(f"{describe(node)}: {what} is NaN")
    return found
