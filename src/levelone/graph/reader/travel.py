"""Quantisers that travel: past maxima and moves of codes, to the sums that could not wait for them.

Behind a sum whose constants are too fine for integers, behind a function, or behind an input, only a
quantiser makes codes. Where a pooling or a concatenation stands in between, the quantiser is applied first:
it is monotone, so that the maximum of quantised numbers is the quantised maximum, and a move of elements does
not care what they are. Until the quantiser is found, the node is deferred (`Deferred`); where none follows,
it is read in the file's order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import onnx
from numpy.typing import NDArray

from levelone.graph.ir import Layout
from levelone.graph.reader import moves
from levelone.graph.reader.context import MAX_OUTPUT_WIDTH, Context
from levelone.graph.reader.formulae import FUNCTIONS, rises
from levelone.graph.reader.handlers import handle
from levelone.graph.reader.nodes import CHANNELS_LAST, attributes, blamed_on, unsupported
from levelone.graph.reader.quantiser_node import QUANTISERS, quantiser_of
from levelone.graph.reader.tensors import Activation, Constant, Deferred, Real, Tensor
from levelone.graph.reader.waiting import waiting_affine

MAXIMA = frozenset({"GlobalMaxPool", "MaxPool", "ReduceMax"})
POOLS = frozenset({"GlobalMaxPool", "MaxPool"})
"""What always leaves the channels where they are."""
MOST_DEFERRED = 64
"""Nodes past which a quantiser travels."""
LAZY = frozenset({"Cast", "Dropout", "Identity", *moves.PERMUTING, *moves.RESHAPES})
"""What constants can go on waiting behind: mere bookkeeping."""
DEFERRED = LAZY | MAXIMA | {"Concat", "Pad", "Resize", "Upsample", *moves.SELECTIONS}
"""What may wait for a quantiser."""
LIMITS = frozenset({"Clip", "Max", "Min", "Relu"})
ARITHMETIC = frozenset({"Add", "Div", "Mul", "Sub"})
ELEMENTWISE = LIMITS | ARITHMETIC | {"HardSigmoid", "LeakyRelu", "Neg", *FUNCTIONS}


def travelled(ctx: Context, node: onnx.NodeProto) -> Tensor | tuple[Tensor, ...] | None:
    """What `node` gives where a deferred node, or what only a quantiser makes integers of, is an operand.

    None if it is to be read as any other node; what was deferred has then been read.
    """
    found = {i: ctx.tensors[name] for i, name in enumerate(node.input) if name in ctx.tensors}
    operands = {i: x for i, x in found.items() if not isinstance(x, Constant)}
    deferred = [x for x in operands.values() if isinstance(x, Deferred)]
    if any(x.depth >= MOST_DEFERRED for x in deferred):
        resolve(ctx, node)
        return None
    if _defers(ctx, node) and any(_stuck(ctx, node, x) for x in operands.values()):
        return tuple(Deferred(name, node, i, operands) for i, name in enumerate(node.output))
    if len(deferred) == len(operands) == 1 and _passes(ctx, node, deferred[0]):
        early = _under(ctx, node, deferred[0])
        return done(ctx, early) if node.op_type in QUANTISERS else early
    resolve(ctx, node)
    return None


def resolve(ctx: Context, node: onnx.NodeProto) -> None:
    """Read what was deferred among the operands of `node`, in the file's order."""
    for name in node.input:
        if isinstance(x := ctx.tensors.get(name), Deferred):
            ctx.tensors[name] = done(ctx, x)


def done(ctx: Context, x: Deferred, called: str = "early") -> Activation:
    """What a deferred node gives once its operands are as they are to stay; `called` where it has no name."""
    name = x.tensor or called
    inner = name if x.node.op_type in LAZY else f"{name}_early"
    operands = {i: done(ctx, o, inner) if isinstance(o, Deferred) else o for i, o in x.operands.items()}
    outputs = [name if i == x.position else f"{name}_{i}" for i in range(len(x.node.output))]
    with blamed_on(x.node):
        result = _run(ctx, x.node, operands, outputs)[x.position]
    if not isinstance(result, Activation):
        raise unsupported(x.node, "nothing that follows it is quantised", "a Quant after it")
    layout = ctx.builder.layouts[result.value]
    if not x.tensor:
        ctx.not_the_tensor(result)
    elif not layout.tensor and not result.pending:
        ctx.builder.layout(result.value, Layout(x.tensor, result.shape, result.order))
    return result


def bare(x: Deferred) -> Deferred:
    """The deferred nodes over the plain integers of their operands: what tells their shapes."""
    plain: dict[int, Tensor] = {}
    for i, o in x.operands.items():
        if isinstance(o, Deferred):
            plain[i] = bare(o)
        else:
            plain[i] = Activation(o.value, o.shape, o.order) if isinstance(o, Activation) else o
    return replace(x, tensor="", operands=plain)


def _stuck(ctx: Context, node: onnx.NodeProto, x: Tensor) -> bool:
    """Whether `node` would have to make integers of `x`, and only a quantiser can."""
    if not isinstance(x, Activation):
        return isinstance(x, Deferred | Real)
    if x.plus is not None:
        return True
    flattens = node.op_type in moves.RESHAPES and len(moves.new_shape(ctx, node, x.shape)) == 1
    if not x.pending or (node.op_type in LAZY and not flattens):
        return False
    wide = waiting_affine(ctx, x).infer("settled", ctx.value(x)).width > MAX_OUTPUT_WIDTH
    return x.function is not None or wide


def _defers(ctx: Context, node: onnx.NodeProto) -> bool:
    """Whether a quantiser may be applied before `node` instead of after it."""
    if node.op_type not in DEFERRED or (node.op_type == "MaxPool" and any(node.output[1:])):
        return False
    if any(isinstance(ctx.tensors.get(name), Constant) for name in node.input[:1]):
        return False
    if node.op_type == "Concat":
        return not any(isinstance(ctx.tensors.get(name), Constant) for name in node.input)
    if node.op_type == "Pad":
        return not _pads_with_numbers(ctx, node)
    return True


def _pads_with_numbers(ctx: Context, node: onnx.NodeProto) -> bool:
    """Whether elements are added that are neither copies nor zeros."""
    given = attributes(node)
    value = given.get("value", 0.0)
    if ctx.has(node, 2):
        value = ctx.constant(node, 2, "value").values.any()
    return given.get("mode", "constant") == "constant" and bool(value)


def _passes(ctx: Context, node: onnx.NodeProto, x: Deferred) -> bool:
    """Whether `node`, element by element, gives the same before the deferred nodes as after them."""
    kind = node.op_type
    if kind not in ELEMENTWISE | QUANTISERS or (kind in ARITHMETIC and len(node.input) != 2):
        return False
    chain = list(_nodes(x))
    constants = [c.values for name in node.input if isinstance(c := ctx.tensors.get(name), Constant)]
    single = all(c.size == 1 for c in constants)
    kept = all(n.op_type in POOLS and n.domain != CHANNELS_LAST for n in chain)
    if not single and not (kept and all(_by_channel(c, len(_base(x).shape)) for c in constants)):
        return False
    if any(n.op_type in MAXIMA for n in chain) and not _rising(ctx, node, constants):
        return False
    zeros = any(n.op_type == "Pad" and attributes(n).get("mode", "constant") == "constant" for n in chain)
    return not zeros or kind == "Relu" or (kind in QUANTISERS and not _moves_zero(ctx, node))


def _by_channel(constant: NDArray[Any], rank: int) -> bool:
    """Whether a constant that broadcasts against [event, channel, *spatial] differs between channels alone.

    `rank`: axes of the tensor without that of the events.
    """
    return constant.ndim <= rank + 1 and set(constant.shape[::-1][: rank - 1]) <= {1}


def _base(x: Tensor) -> Activation | Real:
    """The first of the tensors under deferred nodes."""
    while isinstance(x, Deferred):
        x = next(iter(x.operands.values()))
    assert isinstance(x, Activation | Real)  # noqa: S101  (constants are no operands of deferred nodes)
    return x


def _rising(ctx: Context, node: onnx.NodeProto, constants: list[NDArray[Any]]) -> bool:
    """Whether a larger operand never gives a smaller result."""
    kind = node.op_type
    if kind in ("Mul", "Div", "Sub"):
        first = isinstance(ctx.tensors.get(node.input[0]), Constant)
        return (kind == "Mul" or not first) and all(kind == "Sub" or (c > 0).all() for c in constants)
    return kind in LIMITS | QUANTISERS | {"Add"} or rises(node)


def _moves_zero(ctx: Context, node: onnx.NodeProto) -> bool:
    """Whether a quantiser makes something else of 0 than 0."""
    quantiser = quantiser_of(ctx, node)
    return quantiser.bipolar or quantiser.whole_zero is None or quantiser.whole_zero not in quantiser.range


def _nodes(x: Tensor) -> Iterator[onnx.NodeProto]:
    """Every deferred node under `x`."""
    if isinstance(x, Deferred):
        yield x.node
        for operand in x.operands.values():
            yield from _nodes(operand)


def _under(ctx: Context, node: onnx.NodeProto, x: Deferred) -> Deferred:
    """`x` with `node` applied before its deferred nodes; a quantiser's result has its name then."""
    position = next(i for i, name in enumerate(node.input) if not isinstance(ctx.tensors.get(name), Constant))

    def under(operand: Tensor) -> Tensor:
        if isinstance(operand, Deferred):
            inner = {i: under(o) for i, o in operand.operands.items()}
            return replace(operand, tensor="", operands=inner)
        found = _run(ctx, node, {position: operand}, [f"{node.output[0]}_early"])[0]
        if isinstance(found, Activation):
            ctx.not_the_tensor(found)
        return found

    return replace(x, tensor=node.output[0], operands={i: under(o) for i, o in x.operands.items()})


def _run(
    ctx: Context, node: onnx.NodeProto, operands: Mapping[int, Tensor], outputs: list[str]
) -> tuple[Tensor, ...]:
    """What the handler of `node` gives of these operands instead of its own, under these names."""
    inside = onnx.NodeProto()
    inside.CopyFrom(node)
    inside.output[:] = outputs
    borrowed = {f"{outputs[0]}/{i}": operand for i, operand in operands.items()}
    for i in operands:
        inside.input[i] = f"{outputs[0]}/{i}"
    ctx.tensors.update(borrowed)
    try:
        found = handle(ctx, inside)
    finally:
        for name in borrowed:
            del ctx.tensors[name]
    return found if isinstance(found, tuple) else (found,)
