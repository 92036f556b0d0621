"""Quantisers behind poolings and moves of what only they make integers of: applied first, and exact."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from onnx_models import Model, compare, weights

from levelone.errors import LeveloneError
from levelone.graph import Graph, execute, quantise_inputs, read_qonnx, to_onnx_layout
from levelone.graph.ops import Concat, Conv, Lookup, MaxPool, Requantise
from levelone.graph.rounding import Rounding, round_fraction

POOL = {"kernel_shape": [2, 2], "strides": [2, 2]}
SCALE, OUT = 0.0317, 0.113  # no powers of two: constants of float32 and these have no common grid in 62 bits


def normalised(m: Model, x: str, channels: int) -> tuple[str, np.ndarray, np.ndarray]:
    """(BatchNormalization of x with some negative factors, its factor, its term), the last two as read."""
    rng = np.random.default_rng(5)
    gamma, beta, mean = (rng.normal(size=channels).astype(np.float32) for _ in range(3))
    variance = rng.uniform(0.5, 2, channels).astype(np.float32)
    epsilon = np.float64(np.float32(1e-5))
    factor = (gamma.astype(np.float64) / np.sqrt(variance.astype(np.float64) + epsilon)).astype(np.float32)
    exact = [(Fraction(float(f)), -Fraction(float(n)) * Fraction(float(f)) + Fraction(float(b)))
             for f, n, b in zip(factor, mean, beta, strict=True)]  # fmt: skip
    out = m.add("BatchNormalization", x, gamma, beta, mean, variance)
    return out, np.array([f for f, _ in exact]), np.array([t for _, t in exact])


def block(m: Model) -> tuple[str, np.ndarray, np.ndarray]:
    """Conv and BatchNormalization with general scales, 6 channels of 8 x 8."""
    x = m.quant("x", SCALE, 6)
    conv = m.add("Conv", x, m.weight(weights(6, 2, 3, 3), 0.071, 5), pads=[1, 1, 1, 1], out="conv")
    return normalised(m, conv, 6)


def run(graph: Graph, events: int = 5) -> dict[str, np.ndarray]:
    port = graph.inputs[0]
    shape = port.source_shape or graph.layouts[port.value.name].shape
    x = np.random.default_rng(3).normal(size=(events, *shape)).astype(np.float32)
    return execute(graph, quantise_inputs(graph, {port.source: x}))


def reals(graph: Graph, codes: np.ndarray, name: str) -> np.ndarray:
    """Exact real numbers of a value, in ONNX layout."""
    scale = np.array([s for s in graph.values[name].scale], dtype=object)
    return to_onnx_layout(graph, name, codes.astype(object) * scale)


def pooled(y: np.ndarray) -> np.ndarray:
    """Largest of 2 x 2."""
    n, c, h, w = y.shape
    return y.reshape(n, c, h // 2, 2, w // 2, 2).max(axis=(3, 5))


def quantised(y: np.ndarray, scale: float, lo: int, hi: int) -> np.ndarray:
    step = Fraction(float(np.float32(scale)))
    code = np.frompyfunc(lambda r: min(max(round_fraction(r / step, Rounding.ROUND), lo), hi), 1, 1)
    return code(y).astype(np.int64)


@pytest.mark.parametrize("order", ["relu, pool", "pool, relu", "pool"])
def test_the_usual_block_with_general_scales(order: str) -> None:
    """Conv, BatchNormalization, Relu, MaxPool, Quant: 83 bits if it were computed in the file's order."""
    m = Model(x=(2, 8, 8))
    t, factor, term = block(m)
    for step in order.split(", "):
        t = m.add("Relu", t) if step == "relu" else m.add("MaxPool", t, **POOL)
    graph = read_qonnx(m.build(m.quant(t, OUT, 4, signed=0, out="y")))
    assert [type(node.op) for node in graph] == [Conv, Requantise, MaxPool]
    found = run(graph)
    y = reals(graph, found["conv"], "conv") * factor[:, None, None] + term[:, None, None]
    wanted = quantised(pooled(np.maximum(y, 0) if "relu" in order else y), OUT, 0, 15)
    assert (to_onnx_layout(graph, "y", found["y"]) == wanted).all()
    assert len(np.unique(wanted)) > 8 and graph.layouts["y"].tensor == "y"


MOVES = {
    "slice": (lambda m, t: m.add("Slice", t, i64(1), i64(7), i64(3)), lambda y: y[:, :, :, 1:7]),
    "gather": (lambda m, t: m.add("Gather", t, i64([2, 0, 2]), axis=1), lambda y: y[:, [2, 0, 2]]),
    "split": (
        lambda m, t: (m.nodes.append(split(m, t)), "part_b")[1],
        lambda y: y[:, 4:],
    ),
    "pad": (lambda m, t: m.add("Pad", t, i64([0, 0, 1, 0, 0, 0, 0, 2])), None),
    "resize": (
        lambda m, t: m.add("Resize", t, "", np.array([1, 1, 2, 3], np.float32), mode="nearest",
                           coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
        lambda y: y.repeat(2, axis=2).repeat(3, axis=3),
    ),
    "flatten": (lambda m, t: m.add("Flatten", t), lambda y: y.reshape(len(y), -1)),
    "pool and slice": (
        lambda m, t: m.add("Slice", m.add("MaxPool", t, **POOL), i64(1), i64(3), i64(2)),
        lambda y: pooled(y)[:, :, 1:3],
    ),
    "transposed pool": (
        lambda m, t: m.add("Transpose", m.add("MaxPool", t, **POOL), perm=[0, 2, 3, 1]),
        lambda y: pooled(y).transpose(0, 2, 3, 1),
    ),
}  # fmt: skip


def i64(numbers: object) -> np.ndarray:
    return np.array(numbers, dtype=np.int64).reshape(-1)


def split(m: Model, t: str) -> object:
    from onnx import helper

    return helper.make_node("Split", [t, m.constant([4, 2], np.int64)], ["part_a", "part_b"], axis=1)


@pytest.mark.parametrize("kind", MOVES)
def test_a_move_between_an_affine_and_its_quantiser(kind: str) -> None:
    m = Model(x=(2, 8, 8))
    t, factor, term = block(m)
    move, same = MOVES[kind]
    same = same or (lambda y: np.pad(y, ((0, 0), (0, 0), (1, 0), (0, 2)), constant_values=Fraction(0)))
    graph = read_qonnx(m.build(m.quant(move(m, t), OUT, 5, out="y")))
    found = run(graph)
    y = reals(graph, found["conv"], "conv") * factor[:, None, None] + term[:, None, None]
    wanted = quantised(same(y), OUT, -16, 15)
    assert np.array_equal(to_onnx_layout(graph, "y", found["y"]), wanted) and len(np.unique(wanted)) > 8
    assert graph.layouts["y"].tensor == "y"


@pytest.mark.parametrize("kind", ["Sigmoid", "Tanh", "LeakyRelu", "Softplus"])
def test_a_rising_function_before_a_maximum_is_a_table_before_it(kind: str) -> None:
    m = Model(x=(2, 6, 6))
    t = m.add("MaxPool", m.add(kind, m.quant("x", 0.25, 6)), **POOL)
    model = m.build(m.quant(t, 2**-6, 8, out="y"))
    assert isinstance(read_qonnx(model).nodes[-1].op, MaxPool) and compare(model) >= 2


def test_a_rising_function_behind_a_maximum_of_what_is_too_wide() -> None:
    m = Model(x=(2, 8, 8))
    t, factor, term = block(m)
    t = m.add("Mul", m.add("Relu", m.add("MaxPool", t, **POOL)), np.float32(0.37))
    graph = read_qonnx(m.build(m.quant(t, OUT, 4, signed=0, out="y")))
    found = run(graph)
    y = reals(graph, found["conv"], "conv") * factor[:, None, None] + term[:, None, None]
    wanted = quantised(np.maximum(pooled(y), 0) * Fraction(float(np.float32(0.37))), OUT, 0, 15)
    assert (to_onnx_layout(graph, "y", found["y"]) == wanted).all() and len(np.unique(wanted)) > 8


def test_what_falls_does_not_pass_a_maximum() -> None:
    m = Model(x=(2, 8, 8))
    t = m.add("Neg", m.add("MaxPool", block(m)[0], **POOL))
    with pytest.raises(LeveloneError, match="needs 81 bits"):
        read_qonnx(m.build(m.quant(t, OUT, 4)))


def test_a_maximum_of_a_function_that_nothing_quantises_is_refused_by_name() -> None:
    m = Model(x=(2, 6, 6))
    t = m.add("MaxPool", m.add("Tanh", m.quant("x", 0.25, 6)), **POOL, out="p")
    m.add("MatMul", m.add("Flatten", t), m.weight(weights(18, 2), 0.25), out="z")
    with pytest.raises(LeveloneError, match=r"Tanh of .* is not followed by a quantiser"):
        read_qonnx(m.build("z"))


def test_a_zero_that_moves_does_not_pass_a_padding() -> None:
    m = Model(x=(2, 6, 6))
    t = m.add("Pad", m.add("Sigmoid", m.quant("x", 0.25, 6)), i64([0, 0, 1, 0, 0, 0, 0, 2]))
    with pytest.raises(LeveloneError, match=r"Sigmoid of .* is not followed by a quantiser"):
        read_qonnx(m.build(m.quant(t, 0.25, 4, op="BipolarQuant")))


def test_a_concatenation_of_functions_sums_and_plain_codes() -> None:
    m = Model(x=(2, 6, 6))
    x = m.quant("x", 0.25, 6)
    gate = m.add("Sigmoid", x)
    model = m.build(m.quant(m.add("Concat", gate, x, m.add("Tanh", x), axis=1), 2**-5, 7, out="y"))
    graph = read_qonnx(model)
    assert [type(node.op) for node in graph] == [Lookup, Requantise, Lookup, Concat] and compare(model) == 2


def test_two_readers_of_one_deferred_maximum() -> None:
    """One behind its own quantiser, the other behind another: each travels on its own."""
    m = Model(x=(2, 6, 6))
    t = m.add("MaxPool", m.add("Tanh", m.quant("x", 0.25, 6)), **POOL)
    a, b = m.quant(t, 2**-3, 4, out="a"), m.quant(t, 2**-4, 4, signed=0, out="b")
    model = m.build(a, b)
    assert compare(model) >= 3 and read_qonnx(model).outputs == ("a", "b")


def test_inputs_that_are_joined_before_their_quantiser() -> None:
    m = Model(x=(2, 4, 4), z=(1, 4, 4))
    both = m.add("Concat", "x", m.add("Mul", "z", np.float32(0.5)), axis=1)
    model = m.build(m.quant(m.add("MaxPool", both, **POOL), 0.25, 6, out="y"))
    assert {port.source for port in read_qonnx(model).inputs} == {"x", "z"} and compare(model) >= 1


def test_the_shape_of_what_is_deferred() -> None:
    m = Model(x=(2, 6, 6))
    t = m.add("MaxPool", m.add("Tanh", m.quant("x", 0.25, 6)), **POOL)
    channels = m.add("Gather", m.add("Shape", t), i64(1))
    flat = m.add("Reshape", t, m.add("Concat", i64(1), channels, i64(-1), axis=0))
    model = m.build(m.quant(flat, 2**-4, 6, out="y"))
    graph = read_qonnx(model)
    assert graph.layouts["y"].shape == (2, 9) and compare(model) >= 1


@pytest.mark.parametrize("shape", [(1, 6, 1), (6, 1), (6,), (1, 1, 6, 1), (2, 1, 1), (1, 2, 1, 1)])
def test_constants_along_spatial_axes_do_not_pass_a_maximum(shape: tuple[int, ...]) -> None:
    """Only those of one number or one per channel do; behind a pool of the same size others must stay."""
    m = Model(x=(2, 6, 6))
    t = m.add("MaxPool", m.add("Tanh", m.quant("x", 0.25, 6)), kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    t = m.add("Mul", t, np.random.default_rng(2).integers(1, 9, shape) / 4)
    model = m.build(m.quant(t, 2**-5, 7, out="y"))
    if 2 in shape:
        assert compare(model) >= 1
    else:
        with pytest.raises(LeveloneError, match=r"Tanh of .* is not followed by a quantiser"):
            read_qonnx(model)


@pytest.mark.parametrize("keep", [0, 1])
def test_a_constant_per_channel_does_not_pass_a_maximum_over_channels(keep: int) -> None:
    m = Model(x=(2, 3, 4))
    t = m.add("ReduceMax", m.add("Tanh", m.quant("x", 0.25, 6)), axes=[1], keepdims=keep)
    t = m.add("Mul", t, np.array([2.0, 0.5]).reshape(2, 1, 1) if keep else np.array([2.0, 0.5, 1, 3]))
    with pytest.raises(LeveloneError, match=r"Tanh of .* is not followed by a quantiser"):
        read_qonnx(m.build(m.quant(t, 2**-5, 7, out="y")))


@pytest.mark.parametrize("count", [63, 64, 3000])
def test_how_far_a_quantiser_travels(count: int) -> None:
    m = Model(x=(2, 4))
    t = m.add("Tanh", m.quant("x", 0.25, 6))
    for _ in range(count):
        t = m.add("MaxPool", t, kernel_shape=[1])
    model = m.build(m.quant(t, 2**-5, 7, out="y"))
    if count < 64:
        assert len(read_qonnx(model).nodes) == 64
    else:
        with pytest.raises(LeveloneError, match=r"Tanh of .* is not followed by a quantiser"):
            read_qonnx(model)
