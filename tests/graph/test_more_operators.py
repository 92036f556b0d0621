"""Repetitions, sums of many, constant choices, and functions that are integers without a quantiser."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_models import Model, compare, weights

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph import read_qonnx
from levelone.graph.ops import Lookup, Staircase

f32 = np.float32


def i64(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


def conv(m: Model, t: str, channels: int) -> str:
    return m.add("Conv", m.quant(t, 0.25, 7), m.weight(weights(2, channels, 2, 2), 0.25), out="y")


@pytest.mark.parametrize("shape", [(1, 3, 4, 5), (3, 4, 5), (4, 1), (1, 1, 4, 5)])
def test_expand(shape: tuple[int, ...]) -> None:
    m = Model(x=(3, 1, 5))
    t = m.add("Expand", m.quant("x", 0.25, 6), i64(*shape))
    assert compare(m.build(conv(m, t, 3))) >= 3


@pytest.mark.parametrize("repeats", [(1, 1, 2, 3), (1, 2, 1, 1), (1, 2, 2, 2)])
def test_tile(repeats: tuple[int, ...]) -> None:
    m = Model(x=(3, 2, 4))
    t = m.add("Tile", m.quant("x", 0.25, 6), i64(*repeats))
    assert compare(m.build(conv(m, t, 3 * repeats[1]))) >= 3


@pytest.mark.parametrize(("kind", "numbers"), [("Expand", (2, 3, 4, 5)), ("Tile", (2, 1, 1, 1))])
def test_events_are_not_repeated(kind: str, numbers: tuple[int, ...]) -> None:
    m = Model(x=(3, 4, 5))
    with pytest.raises(UnsupportedError, match="event"):
        read_qonnx(m.build(m.quant(m.add(kind, m.quant("x", 0.25, 6), i64(*numbers)), 0.25, 6)))


@pytest.mark.parametrize(("kind", "numbers"), [("Expand", (1, 3, 2**40, 5)), ("Tile", (1, 1, 2**40, 1))])
def test_repetitions_without_end_are_refused(kind: str, numbers: tuple[int, ...]) -> None:
    m = Model(x=(3, 1, 5))
    with pytest.raises(LeveloneError, match="too large"):
        read_qonnx(m.build(m.quant(m.add(kind, m.quant("x", 0.25, 6), i64(*numbers)), 0.25, 6)))


@pytest.mark.parametrize("kind", ["Sum", "Mean"])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_sums_of_many(kind: str, count: int) -> None:
    m = Model(x=(3, 4, 5))
    scales = (0.25, 0.5, 0.125, 0.25)[:count]
    model = m.build(m.quant(m.add(kind, *(m.quant("x", s, 6) for s in scales)), 0.25, 6, out="y"))
    assert compare(model) >= count


@pytest.mark.parametrize("first", [True, False])
def test_a_constant_choice(first: bool) -> None:
    """Dead channels and masked pixels."""
    m = Model(x=(3, 4, 4))
    mask = m.add("Greater", np.random.default_rng(3).normal(size=(3, 4, 4)), f32(0))
    x = m.quant("x", 0.25, 6)
    t = m.add("Where", mask, *((x, f32(0.5)) if first else (f32(0.5), x)))
    assert compare(m.build(conv(m, t, 3))) >= 3


def test_a_computed_choice_is_refused() -> None:
    m = Model(x=(4,))
    x = m.quant("x", 0.25, 6)
    t = m.quant(m.add("Where", m.add("Greater", x, f32(0)), x, f32(1)), 0.25, 6)
    with pytest.raises(UnsupportedError, match="Greater"):
        read_qonnx(m.build(t))


FUNCTIONS = {
    "Abs": lambda m, x: m.add("Abs", x),
    "LeakyRelu": lambda m, x: m.add("LeakyRelu", x, alpha=0.125),
    "LeakyRelu that turns": lambda m, x: m.add("LeakyRelu", x, alpha=-0.5),
    "PRelu": lambda m, x: m.add("PRelu", x, np.array([0.5, 0.25, 2]).reshape(3, 1, 1)),
    "Abs of a sum": lambda m, x: m.add("Abs", m.add("Add", m.add("Mul", x, f32(0.5)), f32(0.75))),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_two_straight_lines_need_no_quantiser(name: str) -> None:
    m = Model(x=(3, 4, 4))
    t = FUNCTIONS[name](m, m.quant("x", 0.25, 6))
    pooled = m.add("AveragePool", t, kernel_shape=[2, 2], out="p")
    assert compare(m.build(m.quant(pooled, 0.25, 8, out="y"))) >= 3


def test_a_quantised_function_with_a_scale_per_channel() -> None:
    m = Model(x=(3, 4, 4))
    scales = np.array([2.0**-4, 2.0**-5, 2.0**-6]).reshape(1, 3, 1, 1)
    model = m.build(m.quant(m.add("Tanh", m.quant("x", 0.25, 6)), scales, 7, out="y"))
    graph = read_qonnx(model)
    assert isinstance(graph.nodes[-1].op, Lookup) and len(graph.values["y"].scale) == 3
    assert compare(model) == 2


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("kind", ["Tanh", "Gelu", "Abs"])
def test_the_sign_of_a_function(kind: str, wide: bool) -> None:
    """A bipolar quantiser behind a function: a table, or the two codes at which it changes."""
    m = Model(x=(3, 8))
    x = m.quant("x", 2.0**-14 if wide else 0.25, 20 if wide else 6)
    t = m.add("Sub", m.add(kind, x), f32(0.25)) if kind == "Abs" and not wide else m.add(kind, x)
    t = m.add("BipolarQuant", t, f32(0.5), out="y", domain="qonnx.custom_op.general")
    model = m.build(t)
    if kind == "Gelu":
        model.opset_import[0].version = 20
    graph = read_qonnx(model)
    assert isinstance(graph.nodes[-1].op, Staircase if wide else Lookup)
