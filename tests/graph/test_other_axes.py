"""Constants that stand on another axis than the graph's channels, or on the other side of a product."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_models import Model, compare, weights

from levelone.errors import UnsupportedError
from levelone.graph import read_qonnx


def steps(*shape: int) -> np.ndarray:
    """Multiples of one eighth, none of them 0."""
    return np.random.default_rng(7).integers(1, 9, shape) / 8


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (1, 1, 4, 1), (1, 1, 1, 5), (4, 1), (3, 4, 1), (1, 3, 4, 5)])
@pytest.mark.parametrize("kind", ["Add", "Sub", "Mul", "from"])
def test_constants_along_any_axes(kind: str, shape: tuple[int, ...]) -> None:
    """Position embeddings, calibrations of pixels, dead channels: also where they vary along several axes."""
    m = Model(x=(3, 4, 5))
    x = m.quant("x", 0.25, 6)
    t = m.add("Sub", steps(*shape), x) if kind == "from" else m.add(kind, x, steps(*shape))
    t = m.quant(t, 0.25, 6)
    m.add("Conv", t, m.weight(weights(2, 3, 3, 3), 0.25), out="y")
    assert compare(m.build("y")) >= 3


def test_a_constant_per_particle() -> None:
    m = Model(x=(6, 4))
    t = m.add("MatMul", m.quant("x", 0.25, 6), m.weight(weights(4, 3), 0.25))
    t = m.quant(m.add("Mul", t, steps(6, 1)), 0.5, 5)
    assert compare(m.build(m.add("MatMul", t, m.weight(weights(3, 2), 0.25), out="y"))) >= 4


def test_one_scale_per_particle_at_a_quantiser() -> None:
    m = Model(x=(6, 4))
    t = m.add("MatMul", m.quant("x", 0.25, 6), m.weight(weights(4, 3), 0.25))
    scales = 2.0 ** -np.arange(6).reshape(1, 6, 1)
    assert compare(m.build(m.quant(t, scales, 6, out="y"))) >= 3


@pytest.mark.parametrize("shape", [(4,), (2, 4)])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("lead", [(), (1,)])
def test_a_matrix_on_the_left(lead: tuple[int, ...], bias: bool, shape: tuple[int, ...]) -> None:
    """It mixes particles instead of features: mixers, graph convolutions with a fixed adjacency."""
    m = Model(x=(*shape[:-1], 5, shape[-1]))
    w = m.weight(weights(*lead, 3, 5), 0.25)
    t = m.add("MatMul", w, m.quant("x", 0.25, 6), out="t")
    if bias:
        t = m.add("Add", t, steps(3, 1))
    t = m.quant(m.add("Relu", t), 0.5, 6, signed=0)
    assert compare(m.build(m.add("MatMul", t, m.weight(weights(4, 2), 0.25), out="y"))) >= 3


def test_a_matrix_on_the_left_that_would_mix_events() -> None:
    m = Model(x=(4,))
    t = m.add("MatMul", m.weight(weights(3, 1), 0.25), m.quant("x", 0.25, 6))
    with pytest.raises(UnsupportedError, match="mixes events"):
        read_qonnx(m.build(t))


def test_a_normalisation_over_channels_that_lie_on_another_axis() -> None:
    m = Model(x=(5, 3))
    t = m.add("MatMul", m.quant("x", 0.25, 6), m.weight(weights(3, 4), 0.25))  # rows first in the graph
    numbers = (steps(5), steps(5), steps(5), np.full(5, 0.25) - 1e-5)
    t = m.add("BatchNormalization", t, *numbers)
    graph = read_qonnx(m.build(m.quant(t, 0.5, 6, out="y")))
    assert graph.values["y"].size == 20 and compare(m.build("y")) >= 3
