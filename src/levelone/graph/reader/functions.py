"""Clip and the functions of one number that become tables: sigmoid, tanh, leaky ReLU, swish and the like."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType

import numpy as np
import onnx

from levelone.graph.reader.context import Context, attributes, unsupported
from levelone.graph.reader.tensors import Activation, Constant, Function, Tensor

Made = Callable[[Fraction], Fraction | float]


def sigmoid(x: Fraction) -> float:
    """The logistic function in float64, without overflow."""
    y = math.exp(-abs(float(x)))
    return 1 / (1 + y) if x >= 0 else y / (1 + y)


def swish(x: Fraction) -> float:
    return float(x) * sigmoid(x)


def _attribute(node: onnx.NodeProto, name: str, default: float) -> Fraction:
    return Fraction(float(np.float32(attributes(node).get(name, default))))


def _leaky(node: onnx.NodeProto) -> Made:
    slope = _attribute(node, "alpha", 0.01)
    return lambda x: x if x >= 0 else slope * x


def _hard_sigmoid(node: onnx.NodeProto) -> Made:
    slope, centre = _attribute(node, "alpha", 0.2), _attribute(node, "beta", 0.5)
    return lambda x: min(max(slope * x + centre, Fraction(0)), Fraction(1))


def _elu(node: onnx.NodeProto) -> Made:
    slope = _attribute(node, "alpha", 1.0)
    return lambda x: x if x >= 0 else float(slope) * math.expm1(float(x))


def _tanh(node: onnx.NodeProto) -> Made:
    return lambda x: math.tanh(float(x))


def _sigmoid(node: onnx.NodeProto) -> Made:
    return sigmoid


def _softplus(node: onnx.NodeProto) -> Made:
    return lambda x: max(float(x), 0.0) + math.log1p(math.exp(-abs(float(x))))


def _hard_swish(node: onnx.NodeProto) -> Made:
    return lambda x: x * min(max(x / 6 + Fraction(1, 2), Fraction(0)), Fraction(1))


FUNCTIONS = MappingProxyType(
    {
        "Elu": _elu,
        "HardSigmoid": _hard_sigmoid,
        "HardSwish": _hard_swish,
        "LeakyRelu": _leaky,
        "Sigmoid": _sigmoid,
        "Softplus": _softplus,
        "Tanh": _tanh,
    }
)


def read_function(ctx: Context, node: onnx.NodeProto) -> Activation:
    """The function waits on its operand until a quantiser makes both one table."""
    x = ctx.raw(node, 0)
    if x.function is not None:
        raise unsupported(node, f"follows {x.function.name} without a quantiser", "a Quant between them")
    return replace(x, function=Function(node.op_type, FUNCTIONS[node.op_type](node)))


def swish_of(node: onnx.NodeProto, x: Tensor, gate: Tensor) -> Activation | None:
    """``x * sigmoid(x)`` as one function, if that is what the two operands are."""
    if not isinstance(x, Activation) or not isinstance(gate, Activation) or gate.function is None:
        return None
    if gate.function.name != "Sigmoid" or x.function is not None:
        return None
    same = replace(gate, function=None)
    if (x.value, x.shape, x.gain, x.bias, x.lower, x.upper) != (
        same.value, same.shape, same.gain, same.bias, same.lower, same.upper,
    ) or not np.array_equal(x.order, same.order):  # fmt: skip
        return None
    return replace(x, function=Function("Swish", swish))


def read_clip(ctx: Context, node: onnx.NodeProto) -> Activation:
    """Clamping waits, too: in front of a quantiser it is only narrower limits."""
    x = ctx.raw(node, 0)
    given = attributes(node)
    ends = []
    for position, name in ((1, "min"), (2, "max")):
        end = given.get(name)
        if ctx.has(node, position):
            constant: Constant = ctx.constant(node, position, name)
            if constant.values.size != 1:
                raise unsupported(node, f"{name} of shape {constant.values.shape}", "one number")
            end = float(constant.values.reshape(-1)[0])
        ends.append(None if end is None or math.isinf(end) else Fraction(end))
    lower, upper = ends
    if lower is not None and upper is not None and lower > upper:
        raise unsupported(node, f"min {float(lower)} above max {float(upper)}", "min below max")
    if x.function is not None:
        x = ctx.settle(x)
    return x.clamp(lower, upper)
