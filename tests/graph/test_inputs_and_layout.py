"""Input quantisers, layouts and the builder."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from twins import round_slow

from levelone.errors import LeveloneError
from levelone.graph import (
    GraphBuilder,
    IntRange,
    Rounding,
    Value,
    from_onnx_layout,
    quantise_inputs,
    sanitise,
    to_onnx_layout,
)
from levelone.graph.ops import Concat, Dense, Relu, Requantise


def one_input(shape, scale, reach, mode=Rounding.ROUND, zero_point=0):
    b = GraphBuilder("one")
    x = b.input("x_q", shape, scale, reach, rounding=mode, zero_point=zero_point, source="x")
    return b.build(b.node("y", Relu(), x))


@pytest.mark.parametrize("mode", list(Rounding))
@pytest.mark.parametrize("zero_point", [0, 3])
def test_input_quantiser_equals_exact_fractions(mode, zero_point) -> None:
    rng = np.random.default_rng(3)
    graph = one_input((50,), Fraction(1, 8), IntRange(-20, 19), mode, zero_point)
    real = np.concatenate([rng.standard_normal(25) * 2, rng.integers(-50, 50, 25) / 16]).astype(np.float32)
    found = quantise_inputs(graph, {"x": real[None]})["x_q"][0]
    for x, code in zip(real.tolist(), found.tolist(), strict=True):
        exact = round_slow(Fraction(x) * 8 + zero_point, mode)
        assert code == min(max(exact, -20), 19) - zero_point


def test_huge_inputs_saturate() -> None:
    graph = one_input((2,), Fraction(1, 2**20), IntRange(-8, 7))
    assert quantise_inputs(graph, {"x": np.array([[3e38, -3e38]])})["x_q"].tolist() == [[7, -8]]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "input 'x' is missing"),
        ({"x": np.zeros((1, 3, 4, 2))}, r"shape \(1, 3, 4, 2\), expected \(events, 2, 3, 4\)"),
        ({"x": np.zeros((2, 3, 4))}, "shape"),
        ({"x": np.full((1, 2, 3, 4), np.nan)}, r"nan in event 0 at \(0, 0, 0\)"),
        ({"x": np.full((1, 2, 3, 4), np.inf)}, "inf in event"),
        ({"x": np.full((1, 2, 3, 4), 1e300)}, r"1e\+300 in event"),
        ({"x": np.full((1, 2, 3, 4), "a")}, "numbers expected"),
        ({"x": np.zeros((1, 2, 3, 4)), "z": np.zeros(3)}, "no input is called 'z'"),
    ],
)
def test_bad_inputs_are_refused(inputs, message) -> None:
    graph = one_input((3, 4, 2), Fraction(1, 8), IntRange(-8, 7))
    with pytest.raises(LeveloneError, match=message):
        quantise_inputs(graph, inputs)


def test_inputs_with_different_numbers_of_events_are_refused() -> None:
    b = GraphBuilder("two")
    parts = [b.input(n, (2,), Fraction(1), IntRange(0, 3)) for n in ("a", "b")]
    graph = b.build(b.node("y", Concat(0), *parts))
    with pytest.raises(LeveloneError, match="different numbers of events"):
        quantise_inputs(graph, {"a": np.zeros((2, 2)), "b": np.zeros((3, 2))})


def test_layout_goes_there_and_back() -> None:
    graph = one_input((3, 4, 2), Fraction(1, 8), IntRange(-8, 7))
    codes = np.arange(48).reshape(2, 3, 4, 2)
    first = to_onnx_layout(graph, "x_q", codes)
    assert (first == codes.transpose(0, 3, 1, 2)).all()
    assert (from_onnx_layout(graph, "x_q", first) == codes).all()


def test_builder_drops_what_no_output_needs() -> None:
    b = GraphBuilder("prune")
    x, z = (b.input(n, (2,), Fraction(1), IntRange(0, 3)) for n in ("x", "z"))
    y = b.node("y", Relu(), x)
    b.node("unused", Relu(), z)
    graph = b.build(y)
    assert [n.name for n in graph] == ["y"]
    assert [i.value.name for i in graph.inputs] == ["x"]
    assert set(graph.values) == {"x", "y"}


def test_builder_names_what_is_wrong() -> None:
    b = GraphBuilder("wrong")
    x = b.input("x", (3,), Fraction(1), IntRange(0, 3))
    with pytest.raises(LeveloneError, match="two values are called x"):
        b.input("x", (3,), Fraction(1), IntRange(0, 3))
    with pytest.raises(LeveloneError, match="node fc: weights for 4 inputs, x has 3"):
        b.node("fc", Dense(np.zeros((4, 2)), np.zeros(2), (Fraction(1),)), x)
    with pytest.raises(LeveloneError, match="'a b' is not a C identifier"):
        b.node("a b", Relu(), x)
    with pytest.raises(LeveloneError, match="no value called nothing"):
        b.build("nothing")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("conv1", "conv1"), ("_symbolic_1", "symbolic_1"), ("a.b/c:0", "a_b_c_0"), ("0x; rm -rf", "n0x__rm__rf"),
     ("", "value"), ("ü", "value"), ("../../etc", "etc")],
)  # fmt: skip
def test_names_become_identifiers(name, expected) -> None:
    assert sanitise(name) == expected


def test_parameters_cannot_be_changed_afterwards() -> None:
    weights = np.ones((2, 1), dtype=np.int64)
    op = Dense(weights, np.zeros(1), (Fraction(1),))
    weights[0] = 5
    assert op.weights.tolist() == [[1], [1]]
    with pytest.raises(ValueError, match="read-only"):
        op.weights[0] = 5


def test_exponent_is_the_power_of_two_of_the_whole_tensor() -> None:
    def exponent(*scale):
        return Value("x", (2,), tuple(Fraction(s) for s in scale), IntRange(0, 1)).exponent

    assert (exponent(Fraction(1, 8)), exponent(4), exponent(1)) == (-3, 2, 0)
    assert exponent(Fraction(3, 8)) is exponent(Fraction(1, 2), Fraction(1, 4)) is None


def test_aligning_loses_nothing_or_refuses() -> None:
    x = Value("x", (2,), (Fraction(1, 2),), IntRange(-8, 7))
    op = Requantise.aligning(x, Fraction(1, 16))
    assert op.infer("y", x).range == IntRange(-64, 56)
    with pytest.raises(LeveloneError, match="not a multiple"):
        Requantise.aligning(x, Fraction(1, 3))
