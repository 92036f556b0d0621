"""Whole powers: of one tensor with itself, with or without a quantiser after them, at the end or within."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hls_graphs import assert_exact
from onnx_models import Model, compare, weights

from levelone.graph import execute, quantise_inputs, read_qonnx
from levelone.graph.ops import Lookup, Power, Requantise
from levelone.graph.reader.tables import MAX_TABLE

f32 = np.float32


def difference(m: Model, bits: int = 5) -> str:
    """Of two inputs, which no quantiser follows."""
    return m.add("Sub", m.quant("x", 0.25, bits), m.quant("z", 0.5, bits))


ENDS = {
    "Pow": lambda m, d: m.add("Pow", d, f32(2), out="y"),
    "Mul": lambda m, d: m.add("Mul", d, d, out="y"),
    "Mul of copies": lambda m, d: m.add("Mul", d, m.add("Identity", d), out="y"),
    "cube": lambda m, d: m.add("Pow", d, f32(3), out="y"),
    "a line after it": lambda m, d: m.add(
        "Sub", m.add("Mul", m.add("Pow", d, f32(2)), f32(0.75)), f32(2.5), out="y"
    ),
    "a line before it": lambda m, d: m.add("Pow", m.add("Add", d, f32(0.125)), f32(2), out="y"),
    "negated, per channel": lambda m, d: m.add(
        "Neg", m.add("Mul", m.add("Pow", d, f32(2)), np.array([1, 0.5, 3]).reshape(3, 1, 1)), out="y"
    ),
    "a sum of squares": lambda m, d: m.add(
        "Add", m.add("Pow", d, f32(2)), m.add("Pow", m.add("Neg", "quant_2"), f32(2)), out="y"
    ),
    "its mean": lambda m, d: m.add("ReduceMean", m.add("Pow", d, f32(2)), axes=[2, 3], out="y"),
}


@pytest.mark.parametrize("name", ENDS)
def test_a_power_without_a_quantiser(name: str) -> None:
    m = Model(x=(3, 4, 4), z=(3, 4, 4))
    d = difference(m)
    m.nodes[0].output[0], m.nodes[2].input[0] = "quant_2", "quant_2"
    model = m.build(ENDS[name](m, d))
    graph = read_qonnx(model)
    assert not graph.left_off and any(isinstance(node.op, Power) for node in graph)
    assert compare(model) >= 3


def test_a_square_is_never_negative() -> None:
    m = Model(x=(3, 4, 4), z=(3, 4, 4))
    graph = read_qonnx(m.build(ENDS["Pow"](m, difference(m))))
    assert graph.values["y"].range.lo == 0


@pytest.mark.parametrize("bits", [5, 20])
def test_a_quantised_power_is_a_table_while_that_is_small(bits: int) -> None:
    m = Model(x=(3, 4, 4), z=(3, 4, 4))
    squares = m.add("Mul", m.add("Pow", difference(m, bits), f32(2)), f32(0.5))
    graph = read_qonnx(m.build(m.quant(squares, 0.5, 8, out="y")))
    wide = 2**bits > MAX_TABLE
    kinds = [type(node.op) for node in graph]
    assert kinds[-2:] == [Power, Requantise] if wide else kinds[-1] is Lookup
    rng = np.random.default_rng(3)
    inputs = {name: f32(rng.integers(-16, 16, (40, 3, 4, 4)) / 2) for name in ("x", "z")}
    codes = execute(graph, quantise_inputs(graph, inputs))["y"]
    real = (np.clip(inputs["x"], *((-4, 3.75) if bits == 5 else (-99, 99))) - inputs["z"]).astype(float)
    assert (np.moveaxis(codes, -1, 1) == np.clip(np.rint(real**2), -128, 127)).all()


def test_a_square_of_general_scales_too_wide_for_integers_is_a_table() -> None:
    """A normalisation of float32 numbers in front of it: 96 bits as an integer."""
    m = Model(x=(3, 4, 4))
    constants = (m.constant(np.random.default_rng(0).uniform(0.5, 2, 3)) for _ in range(4))
    a = m.add("BatchNormalization", m.quant("x", 0.037, 5), *constants)
    graph = read_qonnx(m.build(m.quant(m.add("Mul", a, a), 0.05, 5, out="y")))
    assert isinstance(graph.nodes[-1].op, Lookup)


def test_a_square_at_the_end_too_wide_for_float64_is_left_to_the_host() -> None:
    m = Model(x=(3, 4), z=(3, 4))
    d = m.add("Sub", m.quant("x", 0.0371, 5), m.quant("z", 0.0413, 5))
    graph = read_qonnx(m.build(m.add("Pow", d, f32(2), out="y")))
    assert len(graph.left_off) == 1 and "Pow" in graph.left_off[0]


WIDE = {
    "Relu": (28, lambda m, q, s: m.add("Relu", m.add("Sub", s, f32(5))), lambda x: max(x * x - 5, 0)),
    "a sum": (28, lambda m, q, s: m.add("Add", s, q), lambda x: x * x + x),
    "Floor": (30, lambda m, q, s: m.add("Floor", s), lambda x: x * x),
    "a difference": (30, lambda m, q, s: m.add("Sub", s, m.add("Mul", q, q)), lambda x: 0),
    "a negative Clip": (
        30, lambda m, q, s: m.add("Neg", m.add("Clip", s, f32(0), f32(100))), lambda x: -min(x * x, 100)
    ),
}  # fmt: skip


SQUARES = {"Mul": lambda m, q: m.add("Mul", q, q), "Pow": lambda m, q: m.add("Pow", q, f32(2))}


@pytest.mark.parametrize("square", SQUARES)
@pytest.mark.parametrize("name", WIDE)
def test_a_wide_square_is_an_integer_for_whatever_follows_it(name: str, square: str) -> None:
    bits, made, exact = WIDE[name]
    m = Model(x=(2, 4))
    q = m.quant("x", 1, bits)
    graph = read_qonnx(m.build(m.quant(made(m, q, SQUARES[square](m, q)), 1, 16, out="y")))
    assert any(isinstance(node.op, Power) for node in graph) and graph.tail is None
    x = np.array([0, 1, -1, 2, -3, 4, 10, -11, 12, 180, -181, 182, 5000, -(2**20), 2**24, -(2**27)])
    codes = execute(graph, quantise_inputs(graph, {"x": f32(x).reshape(2, 2, 4)}))["y"]
    wanted = [min(max(exact(v), -(2**15)), 2**15 - 1) for v in x.tolist()]
    assert np.moveaxis(codes, -1, 1).ravel().tolist() == wanted


@pytest.mark.parametrize("square", SQUARES)
def test_a_wide_square_that_ends_a_network_is_still_left_to_the_host(square: str) -> None:
    m = Model(x=(2, 4))
    q = m.quant("x", 1, 28)
    graph = read_qonnx(m.build(m.add("Relu", SQUARES[square](m, q), out="y")))
    assert graph.tail is not None and len(graph.left_off) == 2


@pytest.mark.slow
@pytest.mark.parametrize("io", ["parallel", "stream"])
def test_the_squared_error_of_an_autoencoder_is_exact(io: str, tmp_path: Path) -> None:
    m = Model(x=(2, 4, 4))
    x = m.quant("x", 0.25, 5)
    code = m.add("Conv", x, m.weight(weights(2, 2, 3, 3), 0.125), pads=[1, 1, 1, 1])
    again = m.quant(m.add("Relu", code), 0.25, 5)
    error = m.add("Pow", m.add("Sub", x, again), f32(2))
    model = m.build(m.add("ReduceMean", error, axes=[1, 2, 3], keepdims=0, out="y"))
    graph = read_qonnx(model)
    assert graph.values["y"].range.lo == 0
    assert compare(model) >= 4
    assert_exact(graph, io, tmp_path)
