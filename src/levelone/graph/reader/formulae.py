"""Functions of one number that become tables: exact where they are rational, else in float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np
import onnx

from levelone.graph.reader.nodes import attributes, unsupported

Number = Fraction | float
Made = Callable[[Any], Number]
"""Of a rational number, or of one that is not finite."""

MOST_EXACT = 16
"""Exponents up to which powers are computed in rationals."""


def sigmoid(x: Fraction) -> float:
    """The logistic function in float64, without overflow."""
    y = math.exp(-abs(float(x)))
    return 1 / (1 + y) if x >= 0 else y / (1 + y)


def swish(x: Fraction) -> float:
    return float(x) * sigmoid(x)


def attribute(node: onnx.NodeProto, name: str, default: float) -> Fraction:
    return Fraction(float(np.float32(attributes(node).get(name, default))))


def _elu(node: onnx.NodeProto) -> Made:
    slope = attribute(node, "alpha", 1.0)
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
    slope = float(attribute(node, "alpha", 1.6732632))
    gain = float(attribute(node, "gamma", 1.0507010))
    return lambda x: gain * (float(x) if x >= 0 else slope * math.expm1(float(x)))


def _celu(node: onnx.NodeProto) -> Made:
    slope = float(attribute(node, "alpha", 1.0))
    return lambda x: x if x >= 0 else slope * math.expm1(float(x) / slope)


def _gelu(node: onnx.NodeProto) -> Made:
    if attributes(node).get("approximate", "none") != "none":
        raise unsupported(node, "approximates Gelu by tanh", "approximate='none'")
    return lambda x: float(x) * 0.5 * math.erfc(-float(x) / math.sqrt(2))


def _thresholded(node: onnx.NodeProto) -> Made:
    above = attribute(node, "alpha", 1.0)
    return lambda x: x if x > above else Fraction(0)


def _plain(function: Made) -> Callable[[onnx.NodeProto], Made]:
    return lambda node: function


def _exp(x: Fraction) -> float:
    return math.exp(float(x)) if x < 700 else math.inf


def _log(x: Fraction) -> float:
    if x <= 0:
        return math.nan if x < 0 else -math.inf
    return math.log(float(x))


def divided(a: Number, b: Number) -> Number:
    """``a / b`` as floating point has it at zero, exact where both are rational."""
    if b:
        return a / b
    return math.copysign(math.inf, float(a)) if a else math.nan


def power(base: Number, exponent: Number) -> Number:
    """``base ** exponent``: exact for rational numbers and small whole exponents."""
    whole = math.isfinite(exponent) and exponent == math.trunc(exponent)
    if not base and exponent < 0:
        return math.inf
    if isinstance(base, Fraction) and whole and -MOST_EXACT <= exponent <= MOST_EXACT:
        return Fraction(base ** int(exponent))
    if base < 0 and not whole:
        return math.nan
    try:
        return float(base) ** float(exponent)
    except OverflowError:
        return math.inf


def leaking(slope: Fraction) -> Made:
    """``x if x >= 0 else slope * x``."""
    return lambda x: x if x >= 0 else slope * x


FUNCTIONS = MappingProxyType(
    {
        "Abs": _plain(abs),
        "Acos": _plain(lambda x: math.acos(float(x)) if abs(x) <= 1 else math.nan),
        "Asin": _plain(lambda x: math.asin(float(x)) if abs(x) <= 1 else math.nan),
        "Asinh": _plain(lambda x: math.asinh(float(x))),
        "Atan": _plain(lambda x: math.atan(float(x))),
        "Celu": _celu,
        "Cos": _plain(lambda x: math.cos(float(x))),
        "Elu": _elu,
        "Erf": _plain(lambda x: math.erf(float(x))),
        "Exp": _plain(_exp),
        "Gelu": _gelu,
        "HardSwish": _hard_swish,
        "Log": _plain(_log),
        "Mish": _plain(lambda x: float(x) * math.tanh(softplus(x))),
        "Reciprocal": _plain(lambda x: divided(Fraction(1), x)),
        "Selu": _selu,
        "Sigmoid": _sigmoid,
        "Sin": _plain(lambda x: math.sin(float(x))),
        "Softplus": _softplus,
        "Softsign": _plain(lambda x: x / (1 + abs(x))),
        "Sqrt": _plain(lambda x: math.sqrt(float(x)) if x >= 0 else math.nan),
        "Tan": _plain(lambda x: math.tan(float(x))),
        "Tanh": _tanh,
        "ThresholdedRelu": _thresholded,
    }
)


RISING = frozenset(
    {"Asin", "Asinh", "Atan", "Erf", "Exp", "Log", "Sigmoid", "Softplus", "Softsign", "Sqrt", "Tanh"}
)
"""Functions that never fall where they are defined."""
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


def turns_of(node: onnx.NodeProto) -> tuple[Fraction, Fraction] | tuple[()] | None:
    kind = node.op_type
    if kind in RISING_IF_POSITIVE:
        return () if min(attribute(node, key, 1.0) for key in ("alpha", "gamma")) > 0 else None
    return () if kind in RISING else TURNS.get(kind)


def rises(node: onnx.NodeProto) -> bool:
    """Whether the function that the node computes never falls."""
    if node.op_type in ("HardSigmoid", "LeakyRelu"):
        return attribute(node, "alpha", 0.01) > 0
    return turns_of(node) == ()
