"""What a file may do to numbers without a word in ONNX, and what a network that is used cannot mean."""

from __future__ import annotations

import onnx

from levelone.graph.reader.context import Context
from levelone.graph.reader.nodes import attributes, unsupported

RANDOM = frozenset(
    {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
)
FLOATS = frozenset({onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE})


def check_inference(ctx: Context, node: onnx.NodeProto) -> None:
    """Refuse what gives other results every time, or that of a batch: a network exported in training mode.

    Raises
    ------
    UnsupportedError
        For a Dropout that drops, a BatchNormalization of its own batch, and random numbers.
    """
    if node.domain not in ("", "ai.onnx"):
        return
    if node.op_type in RANDOM:
        raise unsupported(node, "its result is random", "a plain initializer, or nothing")
    if node.op_type == "BatchNormalization" and _normalises_its_batch(ctx, node):
        raise unsupported(node, "training mode: it takes the mean of its own batch", AFTER_EVAL)
    if node.op_type == "Dropout" and (ratio := _dropped(ctx, node)):
        raise unsupported(node, f"training mode: {ratio:g} of all numbers are dropped", AFTER_EVAL)


AFTER_EVAL = "inference, after module.eval()"


def _normalises_its_batch(ctx: Context, node: onnx.NodeProto) -> bool:
    given = attributes(node)
    if ctx.opset < 7:
        return not given.get("is_test", 0)
    return bool(given.get("training_mode", 0)) or any(node.output[1:])


def _dropped(ctx: Context, node: onnx.NodeProto) -> float:
    """Share of the numbers that a Dropout drops."""
    given = attributes(node)
    ratio, training = float(given.get("ratio", 0.5)), ctx.opset < 7 and not given.get("is_test", 0)
    if ctx.has(node, 1):
        ratio = float(ctx.constant(node, 1, "ratio").values.reshape(-1)[0])
    if ctx.has(node, 2):
        training = bool(ctx.constant(node, 2, "training mode").values.any())
    return ratio if training else 0.0


def check_cast(node: onnx.NodeProto, what: str) -> None:
    """Refuse a Cast that changes numbers: only those to float32 and float64 do not.

    Raises
    ------
    UnsupportedError
        If it cuts off, wraps or rounds.
    """
    kind = int(attributes(node).get("to", 0))
    if kind not in FLOATS:
        called = onnx.TensorProto.DataType.Name(kind) if kind in onnx.TensorProto.DataType.values() else kind
        raise unsupported(node, f"casts {what} to {called}, no float32 or float64", "no Cast: Quant rounds")
