"""Clip and the functions of one number that become tables: sigmoid, tanh, leaky ReLU, swish and the like."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType

import numpy as np
import onnx

from levelone.graph.reader.axes import per_channel
from levelone.graph.reader.context import Context
from levelone.graph.reader.hosted import limits
from levelone.graph.reader.nodes import attributes, unsupported
from levelone.graph.reader.tensors import Activation, Constant, Fractions, Function, Tensor, finite
from levelone.graph.reader.waiting import raw, settle

Made = Callable[[Fraction], Fraction | float]


def sigmoid(x: Fraction) -> float:
    """The logistic function in float64, without overflow."""
    y = math.exp(-abs(float(x)))
    return 1 / (1 + y) if x >= 0 else y / (1 + y)


def swish(x: Fraction) -> float:
    return float(x) * sigmoid(x)


def _attribute(node: onnx.NodeProto, name: str, default: float) -> Fraction:
    return Fraction(float(np.float32(attributes(node).get(name, default))))


def _elu(node: onnx.NodeProto) -> Made:
    slope = _attribute(node, "alpha", 1.0)
    return lambda x: x if x >= 0 else float(slope) * math.expm1(float(x))


def _tanh(node: onnx.NodeProto) -> Made:
    return lambda x: math.tanh(float(x))


def _sigmoid(node: onnx.NodeProto) -> Made:
    return sigmoid


def softplus(x: Fraction) -> float:
    """``log(1 + exp(x))`` in float64, without overflow."""
    return max(float(x), 0.0) + math.log1p(math.exp(-abs(float(x))))


def _softplus(node: onnx.NodeProto) -> Made:
    return softplus


def _hard_swish(node: onnx.NodeProto) -> Made:
    return lambda x: x * min(max(x / 6 + Fraction(1, 2), Fraction(0)), Fraction(1))


def _selu(node: onnx.NodeProto) -> Made:
    slope = float(_attribute(node, "alpha", 1.6732632))
    gain = float(_attribute(node, "gamma", 1.0507010))
    return lambda x: gain * (float(x) if x >= 0 else slope * math.expm1(float(x)))


def _celu(node: onnx.NodeProto) -> Made:
    slope = float(_attribute(node, "alpha", 1.0))
    return lambda x: x if x >= 0 else slope * math.expm1(float(x) / slope)


def _gelu(node: onnx.NodeProto) -> Made:
    if attributes(node).get("approximate", "none") != "none":
        raise unsupported(node, "approximates Gelu by tanh", "approximate='none'")
    return lambda x: float(x) * 0.5 * math.erfc(-float(x) / math.sqrt(2))


def _thresholded(node: onnx.NodeProto) -> Made:
    above = _attribute(node, "alpha", 1.0)
    return lambda x: x if x > above else Fraction(0)


def _plain(function: Made) -> Callable[[onnx.NodeProto], Made]:
    return lambda node: function


def _exp(x: Fraction) -> float:
    return math.exp(float(x)) if x < 700 else math.inf


FUNCTIONS = MappingProxyType(
    {
        "Abs": _plain(abs),
        "Celu": _celu,
        "Elu": _elu,
        "Erf": _plain(lambda x: math.erf(float(x))),
        "Exp": _plain(_exp),
        "Gelu": _gelu,
        "HardSwish": _hard_swish,
        "Mish": _plain(lambda x: float(x) * math.tanh(softplus(x))),
        "Selu": _selu,
        "Sigmoid": _sigmoid,
        "Softplus": _softplus,
        "Softsign": _plain(lambda x: x / (1 + abs(x))),
        "Tanh": _tanh,
        "ThresholdedRelu": _thresholded,
    }
)


RISING = frozenset({"Erf", "Exp", "Sigmoid", "Softplus", "Softsign", "Tanh"})
"""Functions that never fall."""
RISING_IF_POSITIVE = frozenset({"Celu", "Elu", "Selu", "ThresholdedRelu"})
"""Those that never fall if their attributes are positive."""


def _around(turn: float) -> tuple[Fraction, Fraction]:
    """Numbers around the point at which a function turns, which is known to more digits than that."""
    return Fraction(turn) - Fraction(1, 2**40), Fraction(turn) + Fraction(1, 2**40)


TURNS = MappingProxyType(
    {
        "Abs": (Fraction(0), Fraction(0)),
        "Gelu": _around(-0.7517915246935645),
        "HardSwish": (Fraction(-3, 2), Fraction(-3, 2)),
        "Mish": _around(-1.1924312145154952),
        "Swish": _around(-1.2784645427610738),
    }
)
"""Where a function stops to fall and begins to rise."""


def _turns(node: onnx.NodeProto) -> tuple[Fraction, Fraction] | tuple[()] | None:
    kind = node.op_type
    if kind in RISING_IF_POSITIVE:
        return () if min(_attribute(node, key, 1.0) for key in ("alpha", "gamma")) > 0 else None
    return () if kind in RISING else TURNS.get(kind)


def rises(node: onnx.NodeProto) -> bool:
    """Whether the function that the node computes never falls."""
    if node.op_type in ("HardSigmoid", "LeakyRelu"):
        return _attribute(node, "alpha", 0.01) > 0
    return _turns(node) == ()


def read_function(ctx: Context, node: onnx.NodeProto) -> Activation:
    """The function waits on its operand until a quantiser makes both one table."""
    x = _operand(ctx, node)
    of = FUNCTIONS[node.op_type](node)
    return replace(x, function=Function(node.op_type, (of,), turns=_turns(node)))


def read_leaky(ctx: Context, node: onnx.NodeProto) -> Activation:
    """LeakyRelu, or PRelu, whose slope is a constant: one or one per channel."""
    x = _operand(ctx, node)
    slopes: Fractions = (_attribute(node, "alpha", 0.01),)
    if node.op_type == "PRelu":
        slopes = per_channel(ctx, node, x, finite(node, ctx.constant(node, 1, "slope")), "slope")
    turns = () if min(slopes) >= 0 else None
    of = tuple(_leaking(slope) for slope in slopes)
    return replace(x, function=Function(node.op_type, of, slopes, turns))


def read_hard_sigmoid(ctx: Context, node: onnx.NodeProto) -> Activation:
    """A factor, a term and a clamp, which wait for the quantiser: no table is needed."""
    x = raw(ctx, node, 0)
    if x.clamped or x.function is not None:
        x = settle(ctx, x)
    slope, centre = _attribute(node, "alpha", 0.2), _attribute(node, "beta", 0.5)
    x = replace(x, gain=tuple(g * slope for g in x.gain), bias=tuple(b * slope + centre for b in x.bias))
    return x.clamp(Fraction(0), Fraction(1))


def _leaking(slope: Fraction) -> Made:
    return lambda x: x if x >= 0 else slope * x


def _operand(ctx: Context, node: onnx.NodeProto) -> Activation:
    x = raw(ctx, node, 0)
    if x.function is not None:
        raise unsupported(node, f"follows {x.function.name} without a quantiser", "a Quant between them")
    return x


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
    return replace(x, function=Function("Swish", (swish,), turns=TURNS["Swish"]))


def read_clamp(ctx: Context, node: onnx.NodeProto) -> Activation:
    """Clip, or Min or Max with constants. It waits, too: before a quantiser it is narrower limits."""
    position = next((i for i, n in enumerate(node.input) if not isinstance(ctx.tensors.get(n), Constant)), 0)
    others = [n for i, n in enumerate(node.input) if i != position and n]
    if node.op_type != "Clip" and any(not isinstance(ctx.tensors.get(n), Constant) for n in others):
        raise unsupported(node, "compares two activations", f"{node.op_type} of an activation and constants")
    x = raw(ctx, node, position)
    lower, upper = (None if end is None else Fraction(end) for end in limits(ctx, node))
    if lower is not None and upper is not None and lower > upper:
        raise unsupported(node, f"min {float(lower)} above max {float(upper)}", "min below max")
    if x.function is not None:
        x = settle(ctx, x)
    return x.clamp(lower, upper)
