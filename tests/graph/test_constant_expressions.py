"""Parameters that are expressions of constants: what reading can compute, it computes."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx_models import DOMAIN, Model, compare, weights

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph import read_qonnx

W = weights(8, 4)


def dorefa(m: Model) -> str:
    t = m.add("Tanh", W)
    largest = m.add("ReduceMax", m.add("Abs", t), keepdims=0)
    return m.quant(m.add("Div", t, largest), 0.125, 4)


def clipped(m: Model) -> str:
    return m.quant(m.add("Clip", W, np.float32(-0.4), np.float32(0.4)), 0.125, 4)


def statistics_scale(m: Model) -> str:
    largest = m.add("ReduceMax", m.add("Abs", W), axes=[0], keepdims=1)
    exponent = m.add("Ceil", m.add("Div", m.add("Log", largest), np.float32(np.log(2))))
    scale = m.add("Div", m.add("Pow", np.float32(2), exponent), np.float32(8))
    return m.add("Quant", W, scale, np.float32(0), np.float32(4), domain=DOMAIN, signed=1, narrow=1,
                 rounding_mode="ROUND")  # fmt: skip


def mixed(m: Model) -> str:
    """Every weight with a scale of its own, all of them powers of two."""
    return m.quant(m.constant(W), 2.0 ** -np.random.default_rng(1).integers(1, 5, (8, 4)), 5)


def three_and_a_half_bits(m: Model) -> str:
    return m.quant(m.constant(3 * W), 0.125, 3.5, narrow=1)


def split(m: Model) -> str:
    m.nodes.append(helper.make_node("Split", [m.constant(np.hstack([W, -W])), m.constant([4, 4], np.int64)],
                                    ["left", "right"], axis=1))  # fmt: skip
    return m.quant("right", 0.125, 4)


def chosen(m: Model) -> str:
    """Where, Greater, Expand: masks of pruned networks."""
    mask = m.add("Greater", m.add("Abs", W), np.float32(0.3))
    zeros = m.add("Expand", np.float32(0), np.array([8, 4], dtype=np.int64))
    return m.quant(m.add("Where", mask, W, zeros), 0.125, 4)


@pytest.mark.parametrize(
    "weight", [dorefa, clipped, statistics_scale, mixed, three_and_a_half_bits, split, chosen]
)
def test_weights_that_are_an_expression(weight) -> None:
    m = Model(x=(8,))
    m.add("MatMul", m.quant("x", 0.25, 6), weight(m), out="y")
    assert compare(m.build("y")) == 2


@pytest.mark.parametrize("mode", ["ROUND", "FLOOR", "CEIL"])
@pytest.mark.parametrize("signed", [0, 1])
def test_fractions_of_bits_on_activations(mode: str, signed: int) -> None:
    m = Model(x=(40,))
    model = m.build(m.quant(m.quant("x", 0.25, 7), 0.5, 3.5, signed=signed, mode=mode, out="y"))
    assert compare(model) == 2


def test_scales_of_single_weights_without_a_common_grid() -> None:
    m = Model(x=(8,))
    scales = np.random.default_rng(1).uniform(0.1, 0.2, (8, 4))
    m.add("MatMul", m.quant("x", 0.25, 6), m.quant(m.constant(W), scales, 5), out="y")
    with pytest.raises(UnsupportedError, match="vary within an output channel and have no common grid"):
        read_qonnx(m.build("y"))


def test_random_constants_are_refused() -> None:
    m = Model(x=(8,))
    noise = m.add("RandomNormalLike", W)
    m.add("MatMul", m.quant("x", 0.25, 6), m.quant(noise, 0.125, 4), out="y")
    with pytest.raises(UnsupportedError, match=r"RandomNormalLike.*its result is random"):
        read_qonnx(m.build("y"))


@pytest.mark.parametrize("size", [2**40, 2**26])
def test_a_constant_too_large_to_compute_is_refused_before_it_is_made(size: int) -> None:
    m = Model(x=(8,))
    big = m.add("ConstantOfShape", np.array([size], dtype=np.int64))
    m.add("Mul", m.quant("x", 0.25, 6), m.add("ReduceMax", big, keepdims=0), out="y")
    with pytest.raises(LeveloneError, match="too large to compute with"):
        read_qonnx(m.build("y"))


def test_shapes_of_the_graph_serve_as_shapes() -> None:
    """View(x.size(0), -1), as exporters write it; and Shape with a start."""
    m = Model(x=(2, 3, 4))
    x = m.quant("x", 0.25, 6)
    one = np.array([1], dtype=np.int64)
    batch = m.add("Unsqueeze", m.add("Gather", m.add("Shape", x), np.array(0, dtype=np.int64)), one - 1)
    rows = m.add("Shape", x, start=1, end=2)
    flat = m.add("Reshape", x, m.add("Concat", batch, rows, -one, axis=0))
    m.add("MatMul", flat, m.weight(weights(12, 3), 0.25), out="y")
    assert read_qonnx(m.build("y")).values["y"].shape == (2, 3) and compare(m.build("y")) >= 2


@pytest.mark.parametrize("kind", ["Mul", "Add"])
def test_a_number_of_events_is_no_constant(kind: str) -> None:
    """The size of the batch is 1 in no reading of the file: what is computed from it is refused."""
    m = Model(x=(8,))
    x = m.quant("x", 0.25, 6)
    events = m.add("Gather", m.add("Shape", x), np.array(0, dtype=np.int64))
    m.add(kind, x, m.add("Cast", events, to=TensorProto.FLOAT), out="y")
    with pytest.raises(UnsupportedError, match="depends on the number of events"):
        read_qonnx(m.build("y"))


def test_what_is_the_same_for_every_number_of_events_is_a_constant() -> None:
    m = Model(x=(8,))
    x = m.quant("x", 0.25, 6)
    features = m.add("Gather", m.add("Shape", x), np.array(1, dtype=np.int64))
    m.add("Div", x, m.add("Cast", features, to=TensorProto.FLOAT), out="y")
    assert compare(m.build("y")) == 2
