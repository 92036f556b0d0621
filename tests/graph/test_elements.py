"""Constants of every element of a large tensor: read from the file, exact in the reference and in csim."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest
from hls_graphs import assert_exact
from onnx_models import Model, compare, weights

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph import GraphBuilder, IntRange, read_qonnx
from levelone.graph.ops import ElementAffine

f32 = np.float32
SHAPE = (2, 48, 48)


def where(m: Model, x: str) -> str:
    m.constants.append(onnx.numpy_helper.from_array(weights(1, *SHAPE) > -0.2, "alive"))
    return m.add("Where", "alive", x, m.constant(np.round(weights(1, *SHAPE, seed=1) * 8) / 8), out="y")


MODELS = {
    "position embedding": lambda m, x: m.add(
        "Add", x, m.quant(m.constant(weights(1, *SHAPE)), 0.125, 6), out="y"
    ),
    "calibration": lambda m, x: m.add("Mul", m.constant(np.round(weights(*SHAPE) * 64) / 64), x, out="y"),
    "map of dead pixels": lambda m, x: m.add("Mul", x, 1.0 * (weights(1, 1, 48, 48) > -0.5), out="y"),
    "taken from constants": lambda m, x: m.add("Sub", m.constant(np.round(weights(*SHAPE) * 8)), x, out="y"),
    "divided": lambda m, x: m.add("Div", x, 2.0 ** np.round(weights(*SHAPE) * 4), out="y"),
    "replaced": where,
}


@pytest.mark.parametrize("name", MODELS)
def test_constants_of_every_element_are_read(name: str) -> None:
    m = Model(x=SHAPE)
    model = m.build(MODELS[name](m, m.quant("x", 0.25, 5)))
    graph = read_qonnx(model)
    assert any(isinstance(node.op, ElementAffine) for node in graph)
    assert not any(len(value.shape) == 1 for value in graph.values.values())  # nothing was flattened
    assert compare(model, events=2) >= 2


def test_what_is_too_large_or_too_fine_is_refused() -> None:
    m = Model(x=(1, 1024, 512))
    model = m.build(m.add("Add", m.quant("x", 0.25, 5), np.round(weights(1, 1024, 512) * 8), out="y"))
    with pytest.raises(UnsupportedError, match="varies along spatial axes"):
        read_qonnx(model)
    m = Model(x=SHAPE)
    fine = f32(1e-20) * weights(*SHAPE) + f32(1e9) * (weights(*SHAPE) > 0)
    model = m.build(m.quant(m.add("Add", m.quant("x", 0.25, 5), fine), 0.25, 5))
    with pytest.raises(UnsupportedError, match="bits are needed to be exact"):
        read_qonnx(model)


def test_terms_much_finer_than_the_codes_are_refused() -> None:
    m = Model(x=(4, 40, 40))
    fine = np.round(weights(4, 40, 40) * 8) * 2.0**-70
    with pytest.raises(UnsupportedError, match="bits are needed to be exact"):
        read_qonnx(m.build(m.quant(m.add("Add", m.quant("x", 0.25, 5), fine), 0.25, 5)))


def test_constants_must_fit() -> None:
    b = GraphBuilder("bad")
    x = b.input("x", (2, 3), Fraction(1), IntRange(0, 3))
    with pytest.raises(LeveloneError, match="node y: constants of shapes"):
        b.node("y", ElementAffine(np.ones((3, 3)), np.ones((1, 1)), Fraction(1)), x)


@pytest.mark.slow
def test_a_calibrated_image_is_exact_in_a_stream(tmp_path: Path) -> None:
    m = Model(x=SHAPE)
    x = m.add("Mul", m.quant("x", 0.25, 5), m.quant(m.constant(weights(1, *SHAPE)), 0.125, 6))
    x = m.quant(m.add("Add", x, m.quant(m.constant(weights(1, 1, 48, 48)), 0.125, 6)), 0.25, 6)
    graph = read_qonnx(m.build(m.add("MaxPool", x, kernel_shape=[16, 16], strides=[16, 16], out="y")))
    assert_exact(graph, "stream", tmp_path, events=40)
