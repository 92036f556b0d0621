"""What the host does to an input before its quantiser: any operator of ONNX that is no layer."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_models import Model, compare, weights

from levelone.errors import LeveloneError
from levelone.graph import execute, quantise_inputs, read_qonnx
from levelone.graph.inputs import real_inputs

f32 = np.float32
R = np.random.default_rng(0)


def axes(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


PREFIXES = {
    "normalised": ((8,), lambda m: m.add("BatchNormalization", "x", *R.uniform(0.5, 2, (4, 8)))),
    "Tanh": ((8,), lambda m: m.add("Tanh", "x")),
    "Abs": ((8,), lambda m: m.add("Abs", "x")),
    "Sqrt of Abs": ((8,), lambda m: m.add("Sqrt", m.add("Abs", "x"))),
    "log of 1 + Abs": ((8,), lambda m: m.add("Log", m.add("Add", m.add("Abs", "x"), f32(1)))),
    "Exp": ((8,), lambda m: m.add("Exp", "x")),
    "mean pool": ((1, 4, 4), lambda m: m.add("AveragePool", "x", kernel_shape=[2, 2], strides=[2, 2])),
    "max pool": ((1, 4, 4), lambda m: m.add("MaxPool", "x", kernel_shape=[2, 2], strides=[2, 2])),
    "a sum over an axis": ((4, 8), lambda m: m.add("ReduceSum", "x", axes(2), keepdims=0)),
    "minus its own mean": ((8,), lambda m: m.add("Sub", "x", m.add("ReduceMean", "x", axes=[1]))),
    "over its own norm": ((8,), lambda m: m.add("Div", "x", m.add("ReduceL2", "x", axes=[1]))),
    "sines and cosines": ((8,), lambda m: m.add("Concat", m.add("Sin", "x"), m.add("Cos", "x"), axis=1)),
    "cut first": ((8,), lambda m: m.add("Tanh", m.add("Slice", "x", axes(2), axes(6), axes(1)))),
}


@pytest.mark.parametrize("kind", PREFIXES)
def test_any_operator_of_one_input(kind: str) -> None:
    shape, make = PREFIXES[kind]
    m = Model(x=shape)
    t = m.quant(make(m), 0.125, 8, out="q")
    features = read_qonnx(m.build(t)).values["q"].size
    m.add("MatMul", m.add("Flatten", t), m.weight(weights(features, 3), 0.25), out="y")
    model = m.build("y")
    graph = read_qonnx(model)
    assert compare(model, spread=1.0) >= 2 and graph.inputs[0].source == "x" and len(graph.inputs) == 1
    with_events = {"x": np.zeros((0, *shape), f32)}
    assert execute(graph, quantise_inputs(graph, with_events))["y"].shape == (0, 3)


def test_codes_behind_any_operator_are_no_inputs() -> None:
    m = Model(x=(8,))
    graph = read_qonnx(m.build(m.quant(m.add("Tanh", "x"), 0.125, 8, out="q")))
    with pytest.raises(LeveloneError, match="Tanh before it cannot be undone"):
        real_inputs(graph, {graph.inputs[0].value.name: np.zeros((1, 8), dtype=np.int64)})


def test_what_is_not_defined_is_refused_when_it_is_met() -> None:
    m = Model(x=(4,))
    graph = read_qonnx(m.build(m.quant(m.add("Sqrt", "x"), 0.125, 8)))
    with pytest.raises(LeveloneError, match="input 'x': the steps before its quantiser make NaN of it"):
        quantise_inputs(graph, {"x": np.array([[1, 4, -1, 0]])})


def test_two_inputs_in_one_operator_are_refused_by_name() -> None:
    m = Model(x=(4,), z=(4,))
    with pytest.raises(LeveloneError, match="input 'x' reaches it without a quantiser"):
        read_qonnx(m.build(m.quant(m.add("Mul", "x", "z"), 0.125, 8)))


def test_a_layer_before_the_quantiser_is_refused() -> None:
    m = Model(x=(4,))
    t = m.add("MatMul", m.add("Tanh", "x"), m.weight(weights(4, 3), 0.25))
    with pytest.raises(LeveloneError, match="input 'x' reaches it without a quantiser"):
        read_qonnx(m.build(m.quant(t, 0.125, 8)))


@pytest.mark.parametrize(("kind", "count"), [("sines", 400), ("centred", 4), ("centred", 3000)])
def test_long_prefixes(kind: str, count: int) -> None:
    """In a row they are as many steps; branches that share steps repeat them, and that has an end."""
    m = Model(x=(4,))
    t = "x"
    for _ in range(count):
        t = m.add("Sin", t) if kind == "sines" else m.add("Sub", t, m.add("ReduceMean", t, axes=[1]))
    model = m.build(m.quant(t, 2**-6, 8))
    if count == 3000:
        with pytest.raises(LeveloneError, match="input 'x' reaches it without a quantiser"):
            read_qonnx(model)
    else:
        codes = quantise_inputs(read_qonnx(model), {"x": np.array([[1, 2, 4, 9]])})
        assert len(np.unique(next(iter(codes.values())))) > 1
