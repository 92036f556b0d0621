"""A function of one quantised value is a table, whatever it is called and whatever it is made of."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from onnx_models import Model, compare, weights

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph import execute, quantise_inputs, read_qonnx
from levelone.graph.ops import Lookup, Requantise

f32 = np.float32


def positive(m: Model, bits: int = 6) -> str:
    """Codes above zero: 1/4 and more."""
    return m.add("Clip", m.quant("x", 0.25, bits), f32(0.25), f32(20))


SINGLE = {
    "Acos": lambda m: m.add("Acos", m.quant("x", 1 / 32, 6)),
    "Asin": lambda m: m.add("Asin", m.quant("x", 1 / 32, 6)),
    "Asinh": lambda m: m.add("Asinh", m.quant("x", 0.25, 6)),
    "Atan": lambda m: m.add("Atan", m.quant("x", 0.25, 6)),
    "Cos": lambda m: m.add("Cos", m.quant("x", 0.25, 6)),
    "Log": lambda m: m.add("Log", positive(m)),
    "Pow 0.5": lambda m: m.add("Pow", positive(m), f32(0.5)),
    "Pow 3": lambda m: m.add("Pow", m.quant("x", 0.125, 6), f32(3)),
    "Pow -1": lambda m: m.add("Pow", positive(m), f32(-1)),
    "2 ** x": lambda m: m.add("Pow", f32(2), m.quant("x", 0.25, 5)),
    "Reciprocal": lambda m: m.add("Reciprocal", positive(m)),
    "3 / x": lambda m: m.add("Div", f32(3), positive(m)),
    "Sin": lambda m: m.add("Sin", m.quant("x", 0.25, 6)),
    "Sqrt": lambda m: m.add("Sqrt", positive(m)),
    "Tan": lambda m: m.add("Tan", m.quant("x", 1 / 32, 6)),
}
MADE = {
    "2 * tanh - 1": lambda m: m.add(
        "Sub", m.add("Mul", m.add("Tanh", m.quant("x", 0.25, 6)), f32(2)), f32(1)
    ),
    "relu of tanh": lambda m: m.add("Relu", m.add("Tanh", m.quant("x", 0.25, 6))),
    "clip of exp": lambda m: m.add("Clip", m.add("Exp", m.quant("x", 0.25, 6)), f32(0.3), f32(1.7)),
    "log of 1 + x": lambda m: m.add("Log", m.add("Add", positive(m), f32(1))),
    "log of exp + 1": lambda m: m.add("Log", m.add("Add", m.add("Exp", m.quant("x", 0.25, 6)), f32(1))),
    "sigmoid by hand": lambda m: m.add(
        "Reciprocal", m.add("Add", m.add("Exp", m.add("Neg", m.quant("x", 0.25, 6))), f32(1))
    ),
    "quick gelu": lambda m: (
        (x := m.quant("x", 0.25, 6)) and m.add("Mul", x, m.add("Sigmoid", m.add("Mul", x, f32(1.702))))
    ),
    "mish by hand": lambda m: (
        (x := m.quant("x", 0.25, 6)) and m.add("Mul", x, m.add("Tanh", m.add("Softplus", x)))
    ),
    "sin + cos": lambda m: (x := m.quant("x", 0.25, 6)) and m.add("Add", m.add("Sin", x), m.add("Cos", x)),
    "x - tanh": lambda m: (x := m.quant("x", 0.25, 6)) and m.add("Sub", x, m.add("Tanh", x)),
    "softsign by hand": lambda m: (
        (x := m.quant("x", 0.25, 6)) and m.add("Div", x, m.add("Add", m.add("Abs", x), f32(1)))
    ),
    "floor of tanh": lambda m: m.add("Floor", m.add("Mul", m.add("Tanh", m.quant("x", 0.25, 6)), f32(3.3))),
    "prelu of tanh": lambda m: m.add("PRelu", m.add("Tanh", m.quant("x", 0.25, 6)), np.array([[0.1], [0.3]])),
}


@pytest.mark.parametrize("name", [*SINGLE, *MADE])
def test_a_function_and_its_quantiser_are_one_table(name: str) -> None:
    m = Model(x=(2, 9))
    model = m.build(m.quant((SINGLE | MADE)[name](m), 0.0625, 8, out="y"))
    assert isinstance(read_qonnx(model).nodes[-1].op, Lookup) and compare(model, events=12) >= 2


@pytest.mark.parametrize("kind", ["Floor", "Ceil", "Round", "Sign"])
def test_rounding_needs_no_quantiser(kind: str) -> None:
    """Its results are integers, and codes of a scale of 1; constants before it are part of the rounding."""
    m = Model(x=(2, 9))
    t = m.add("Mul", m.quant("x", 0.25, 6), np.array([[0.5], [-1.5]]))
    t = m.add(kind, m.add("Add", t, np.array([[0.25], [0.5]])), out="t")
    model = m.build(m.add("MatMul", t, m.weight(weights(9, 3), 0.25), out="y"))
    graph = read_qonnx(model)
    assert graph.values["t"].scale == (1,) and isinstance(graph.node("t").op, Requantise)
    assert compare(model) >= 3


def test_sign_of_a_wide_sum_is_no_table() -> None:
    m = Model(x=(40,))
    t = m.add("MatMul", m.quant("x", 2**-6, 10), m.weight(weights(40, 5), 2**-6, 8))
    assert compare(m.build(m.add("Sign", t, out="y"))) >= 3


@pytest.mark.parametrize(
    ("make", "wanted"),
    [
        (lambda m, x: m.add("Reciprocal", x), lambda v: math.inf if v == 0 else 1 / v),
        (lambda m, x: m.add("Log", m.add("Abs", x)), lambda v: -math.inf if v == 0 else math.log(abs(v))),
        (lambda m, x: m.add("Pow", x, f32(-2)), lambda v: math.inf if v == 0 else v**-2),
    ],
)
def test_poles_saturate(make, wanted) -> None:
    """Infinity is the largest code, minus infinity the least; every other code against rationals and math."""
    m = Model(x=(16,))
    graph = read_qonnx(m.build(m.quant(make(m, m.quant("x", 0.5, 4)), 0.25, 6, out="y")))
    x = (np.arange(16) / 2 - 4).reshape(1, 16).astype(np.float32)
    found = execute(graph, quantise_inputs(graph, {"x": x}))["y"][0]
    codes = [wanted(Fraction(v) if v else 0) / 0.25 for v in x[0].tolist()]
    assert found.tolist() == [int(min(max(c, -32), 31)) if math.isinf(c) else min(max(round(c), -32), 31)
                              for c in codes]  # fmt: skip


@pytest.mark.parametrize("kind", ["Sqrt", "Log", "Asin"])
def test_a_function_that_is_not_defined_everywhere_is_refused(kind: str) -> None:
    m = Model(x=(4,))
    t = m.quant(m.add(kind, m.quant("x", 0.5, 4)), 0.25, 6)
    with pytest.raises(LeveloneError, match="the function before it is not defined everywhere"):
        read_qonnx(m.build(t))


def test_two_computed_operands_are_no_function_of_one() -> None:
    m = Model(x=(4,), z=(4,))
    t = m.add("Pow", m.quant("x", 0.5, 4), m.quant("z", 0.5, 4))
    with pytest.raises(UnsupportedError, match="a computed power"):
        read_qonnx(m.build(m.quant(t, 0.25, 6)))


@pytest.mark.parametrize("count", [32, 33, 3000])
def test_so_many_functions_in_a_row_are_one_table(count: int) -> None:
    m = Model(x=(4,))
    t = m.quant("x", 0.25, 4)
    for _ in range(count):
        t = m.add("Softsign", t)
    model = m.build(m.quant(t, 2**-7, 6, out="y"))
    if count == 32:
        assert isinstance(read_qonnx(model).node("y").op, Lookup) and compare(model) == 2
    else:
        with pytest.raises(
            UnsupportedError, match="more than 32 functions follow quant_1 without a quantiser"
        ):
            read_qonnx(model)
