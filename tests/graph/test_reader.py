"""Reading QONNX: the integer graph equals qonnx's own execution, exactly, operator by operator."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from onnx_models import DOMAIN, Model, compare, weights

from levelone.graph import IntRange, execute, quantise_inputs, read_qonnx
from levelone.graph.ops import Affine, AveragePool, Concat, Conv, Dense, MaxPool, Requantise, Transpose


def ops(model) -> list[str]:
    return [type(node.op).__name__ for node in read_qonnx(model)]


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("variant", ["plain", "strided", "asymmetric", "grouped", "dilated"])
def test_convolution(rank: int, variant: str) -> None:
    groups = 2 if variant == "grouped" else 1
    m = Model(x=(4, *(6, 5, 7)[:rank]))
    x = m.quant("x", 0.25, 4)
    attributes = {
        "plain": {},
        "strided": {"strides": [2, 1, 3][:rank], "pads": [1] * 2 * rank},
        "asymmetric": {"pads": [*[1, 0, 2][:rank], *[0, 2, 1][:rank]]},
        "grouped": {"group": 2},
        "dilated": {"dilations": [2, 1, 2][:rank]},
    }[variant]
    w = m.weight(weights(6, 4 // groups, *(3, 2, 3)[:rank]), 0.125)
    b = m.quant(m.constant(weights(6)), 2.0**-5, 8)
    y = m.quant(m.add("Conv", x, w, b, **attributes), 0.5, 5)
    model = m.build(y)
    assert ops(model) == ["Conv", "Requantise"]
    assert compare(model) == 3


@pytest.mark.parametrize("auto", ["SAME_UPPER", "SAME_LOWER", "VALID"])
def test_automatic_padding(auto: str) -> None:
    m = Model(x=(2, 6, 5))
    x = m.quant("x", 0.25, 4)
    conv = m.add("Conv", x, m.weight(weights(3, 2, 2, 3), 0.125), auto_pad=auto, strides=[1, 2])
    assert compare(m.build(m.add("Relu", conv))) == 3


@pytest.mark.parametrize(
    "mode", ["ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN", "half_even"]
)
@pytest.mark.parametrize(("signed", "narrow"), [(1, 0), (1, 1), (0, 0), (0, 1)])
def test_quantisers_of_activations(mode: str, signed: int, narrow: int) -> None:
    m = Model(x=(64,))
    x = m.quant("x", 0.25, 6, mode=mode)
    y = m.quant(x, 1.0, 3, signed=signed, narrow=narrow, mode=mode, op="IntQuant")
    z = m.quant(y, 0.125, 7, signed=1, mode=mode)
    assert compare(m.build(z)) == 3


@pytest.mark.parametrize("mode", ["ROUND", "FLOOR", "HALF_UP"])
def test_zero_points(mode: str) -> None:
    m = Model(x=(64,))
    x = m.quant("x", 0.25, 5, signed=0, zero=9.0, mode=mode)
    y = m.quant(m.add("Relu", x), 0.5, 4, signed=0, zero=3.0, mode=mode)
    model = m.build(y)
    assert compare(model) == 3
    assert read_qonnx(model).values[x].range == IntRange(-9, 22)


def test_bipolar_activations_and_weights() -> None:
    m = Model(x=(32,))
    x = m.quant("x", 0.25, 5)
    sign = m.add("BipolarQuant", x, np.float32(0.5), domain=DOMAIN)
    w = m.add("BipolarQuant", weights(32, 6), np.float32(0.25), domain=DOMAIN)
    model = m.build(m.quant(m.add("MatMul", sign, w, out="fc"), 0.5, 1))
    assert compare(model) == 4
    assert set(np.unique(read_qonnx(model).node("fc").op.weights)) == {-1, 1}


def test_gemm_with_and_without_transposition() -> None:
    m = Model(x=(10,))
    x = m.quant("x", 0.25, 4)
    a = m.add("Gemm", x, m.weight(weights(7, 10), 0.125), m.constant([0.5] * 7), transB=1)
    b = m.add("Gemm", m.quant(a, 0.25, 5), m.weight(weights(7, 3), 0.125))
    model = m.build(b)
    assert ops(model) == ["Dense", "Requantise", "Dense"]
    assert compare(model) == 4


def test_bias_finer_than_products_makes_a_finer_accumulator() -> None:
    m = Model(x=(10,))
    x = m.quant("x", 0.25, 4)
    odd = np.array([-35, 66, 79])  # one odd code: a coarser grid would do for even ones
    bias = m.quant(m.constant(odd * 2.0**-9), 2.0**-9, 10)
    model = m.build(m.add("Gemm", x, m.weight(weights(10, 3), 0.125), bias, out="fc"))
    graph = read_qonnx(model)
    assert graph.node("fc").op.step == 2**4
    assert graph.values["fc"].exponent == -9
    assert compare(model) == 2


def test_added_bias_of_matmul_and_convolution() -> None:
    m = Model(x=(3, 5, 5))
    x = m.quant("x", 0.25, 4)
    conv = m.add("Conv", x, m.weight(weights(4, 3, 2, 2), 0.125))
    biased = m.add("Add", conv, m.constant(np.arange(4).reshape(4, 1, 1) / 32), out="biased")
    flat = m.add("Flatten", m.quant(biased, 0.25, 4))
    fc = m.add("MatMul", flat, m.weight(weights(64, 5), 0.125))
    model = m.build(m.add("Add", m.constant(np.arange(5) / 64), fc, out="logits"))
    graph = read_qonnx(model)
    assert ops(model) == ["Conv", "Requantise", "Reshape", "Dense"]
    assert {"biased", "logits"} <= set(graph.values)
    assert compare(model) == 5


def test_per_channel_power_of_two_weights_share_the_finest_grid() -> None:
    m = Model(x=(4, 6, 6))
    x = m.quant("x", 0.25, 4)
    scale = np.array([0.5, 0.125, 0.25, 0.03125]).reshape(4, 1, 1, 1)
    conv = m.add("Conv", x, m.weight(weights(4, 4, 3, 3), scale), out="conv")
    model = m.build(m.quant(conv, 0.5, 6))
    graph = read_qonnx(model)
    assert graph.node("conv").op.weight_scale == (Fraction(1, 32),)
    assert graph.values["conv"].exponent == -7
    assert compare(model) == 3


@pytest.mark.parametrize("ceil", [0, 1])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_max_pool(rank: int, ceil: int) -> None:
    m = Model(x=(2, *(7, 6, 5)[:rank]))
    x = m.quant("x", 0.25, 5)
    y = m.add(
        "MaxPool", x, kernel_shape=[3, 2, 2][:rank], strides=[2, 3, 2][:rank], ceil_mode=ceil,
        pads=[1, 0, 1, 0, 1, 0][: 2 * rank] if rank > 1 else [1, 0],
    )  # fmt: skip
    assert compare(m.build(y)) == 2


@pytest.mark.parametrize("include", [0, 1])
def test_average_pool_with_powers_of_two(include: int) -> None:
    m = Model(x=(2, 8, 8))
    x = m.quant("x", 0.25, 5)
    y = m.add("AveragePool", x, kernel_shape=[2, 4], strides=[2, 2], count_include_pad=include)
    z = m.quant(m.add("GlobalAveragePool", x), 0.125, 5)
    model = m.build(m.quant(y, 0.5, 5), z)
    assert compare(model) == 5


def test_average_pool_that_leaves_padding_out() -> None:
    m = Model(x=(1, 4))
    x = m.quant("x", 0.25, 5)
    y = m.add("AveragePool", x, kernel_shape=[2], strides=[2], pads=[1, 1], count_include_pad=0)
    model = m.build(y)
    assert read_qonnx(model).values[y].exponent == -3
    assert compare(model) == 2


def test_flatten_is_absorbed_into_the_next_weights() -> None:
    m = Model(x=(3, 4, 5))
    x = m.quant("x", 0.25, 4)
    model = m.build(m.add("MatMul", m.add("Flatten", x), m.weight(weights(60, 7), 0.125)))
    assert ops(model) == ["Reshape", "Dense"]
    assert compare(model) == 3


def test_flatten_then_concat_then_dense() -> None:
    m = Model(x=(3, 4, 5), f=(6,))
    flat = m.add("Reshape", m.quant("x", 0.25, 4), m.constant([0, -1], np.int64))
    joined = m.add("Concat", flat, m.quant("f", 0.0625, 6), m.quant("f", 0.5, 3), axis=1)
    model = m.build(m.add("MatMul", joined, m.weight(weights(72, 7), 0.125)))
    graph = read_qonnx(model)
    assert not any(isinstance(n.op, Transpose) for n in graph)
    concat = next(n for n in graph if isinstance(n.op, Concat))
    assert {graph.values[i].exponent for i in concat.inputs} == {-4}
    assert [i.source for i in graph.inputs] == ["x", "f", "f"]
    assert compare(model) >= 6


def test_concat_of_channels_and_of_positions() -> None:
    m = Model(x=(3, 4, 5), y=(2, 4, 5))
    a, b = m.quant("x", 0.25, 4), m.quant("y", 0.5, 4)
    channels = m.add("Concat", a, b, axis=1)
    rows = m.add("Concat", channels, channels, axis=-2)
    assert compare(m.build(rows)) >= 4


def test_residual_addition_aligns_scales() -> None:
    m = Model(x=(3, 4, 5))
    x = m.quant("x", 0.25, 4)
    y = m.quant(m.add("Conv", x, m.weight(weights(3, 3, 1, 1), 0.125)), 0.0625, 6)
    total = m.add("Add", x, y, out="total")
    model = m.build(m.quant(m.add("Relu", total), 0.125, 5))
    assert read_qonnx(model).values["total"].exponent == -4
    assert compare(model) >= 5


def test_residual_addition_of_differently_laid_out_tensors() -> None:
    m = Model(x=(3, 4, 5))
    x = m.quant("x", 0.25, 4)
    back = m.add("Reshape", m.add("Flatten", x), m.constant([-1, 3, 4, 5], np.int64))
    model = m.build(m.add("Add", x, m.quant(back, 0.5, 4), out="total"))
    assert compare(model) >= 3


def test_transposes_and_reshapes_are_followed() -> None:
    m = Model(x=(3, 4, 5))
    x = m.quant("x", 0.25, 4)
    last = m.add("Transpose", x, perm=[0, 2, 3, 1])
    mixed = m.add("MatMul", m.quant(last, 0.25, 3), m.weight(weights(3, 6), 0.25), out="mixed")
    flat = m.add("Flatten", mixed)
    model = m.build(m.add("MatMul", flat, m.weight(weights(120, 2), 0.125)))
    assert not any(isinstance(n.op, Transpose) for n in read_qonnx(model))
    assert compare(model) >= 4


def test_dense_then_unflatten_then_convolution() -> None:
    m = Model(x=(10,))
    fc = m.add("MatMul", m.quant("x", 0.25, 4), m.weight(weights(10, 24), 0.125))
    image = m.add("Reshape", m.quant(fc, 0.25, 4), m.constant([-1, 2, 3, 4], np.int64))
    conv = m.add("Conv", image, m.weight(weights(3, 2, 2, 2), 0.125))
    model = m.build(m.quant(conv, 0.5, 4))
    assert any(isinstance(n.op, Transpose) for n in read_qonnx(model))
    assert compare(model) >= 4


def test_flattened_image_as_output_keeps_the_onnx_order() -> None:
    m = Model(x=(3, 4, 5))
    x = m.quant("x", 0.25, 4)
    pooled = m.add("MaxPool", x, kernel_shape=[2, 2])
    assert compare(m.build(m.add("Transpose", pooled, perm=[0, 3, 1, 2]), m.add("Flatten", pooled))) >= 3


def test_squeeze_unsqueeze_and_mean() -> None:
    m = Model(x=(3, 4, 8))
    x = m.quant("x", 0.25, 4)
    mean = m.add("ReduceMean", x, axes=[2, 3], keepdims=0)
    fc = m.add("MatMul", mean, m.weight(weights(3, 4), 0.25))
    shaped = m.add("Unsqueeze", m.quant(fc, 0.25, 5), m.constant([2, 3], np.int64))
    conv = m.add("Conv", shaped, m.weight(weights(2, 4, 1, 1), 0.25))
    model = m.build(m.add("Squeeze", conv, m.constant([2, 3], np.int64), out="squeezed"))
    assert compare(model) >= 5


def test_constants_wait_for_the_quantiser() -> None:
    m = Model(x=(3, 4, 4))
    x = m.quant("x", 0.25, 4)
    y = m.add("Mul", x, m.constant(np.array([0.5, -2.0, 0.25]).reshape(3, 1, 1)))
    y = m.add("Sub", m.add("Add", m.constant(0.375), y), m.constant(np.full((1, 3, 1, 1), 0.125)))
    y = m.add("Relu", m.add("Div", y, m.constant(2.0)))
    model = m.build(m.quant(y, 0.125, 4, signed=0, mode="FLOOR"))
    assert ops(model) == ["Requantise"]
    assert compare(model, events=20) == 2


def test_constants_without_a_quantiser_become_integers() -> None:
    m = Model(x=(3, 4, 4))
    y = m.add("Mul", m.quant("x", 0.25, 4), m.constant(np.array([0.5, -2.0, 0.25]).reshape(3, 1, 1)))
    y = m.add("Relu", m.add("Add", y, m.constant(0.375)))
    y = m.add("MaxPool", y, kernel_shape=[2, 2])
    model = m.build(m.add("Neg", y, out="negative"))
    assert ops(model) == ["Affine", "Relu", "MaxPool", "Affine"]
    assert compare(model) >= 3


def test_batch_normalisation_with_exact_roots() -> None:
    m = Model(x=(3, 4, 4))
    x = m.quant("x", 0.25, 4)
    conv = m.add("Conv", x, m.weight(weights(3, 3, 1, 1), 0.125))
    y = m.add(
        "BatchNormalization", conv, m.constant([1, -0.5, 2]), m.constant([0.25, 0, -1]),
        m.constant([0.5, 0.125, 0]), m.constant([4, 0.25, 1]), epsilon=0.0,
    )  # fmt: skip
    model = m.build(m.quant(m.add("Relu", y), 0.25, 4, signed=0))
    assert ops(model) == ["Conv", "Requantise"]
    assert compare(model, events=20) >= 3


def test_constant_folding_between_parameters_and_their_use() -> None:
    m = Model(x=(4, 3, 3))
    x = m.quant("x", 0.25, 4)
    w = m.add("Transpose", m.weight(weights(4, 36), 0.125), perm=[1, 0])
    shape = m.add("Concat", m.add("Slice", m.add("Shape", x), m.constant([0], np.int64),
                  m.constant([1], np.int64)), m.constant([-1], np.int64), axis=0)  # fmt: skip
    m.nodes.append(onnx_constant("half", 0.5))
    y = m.add("MatMul", m.add("Reshape", x, shape), w)
    model = m.build(m.add("Mul", m.add("Identity", y), "half"), m.quant(y, 0.25, 4))
    assert compare(model) >= 4


def onnx_constant(name: str, number: float):
    from onnx import helper, numpy_helper

    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.float32(number)))


def test_general_scales_are_exact_rationals() -> None:
    """Float execution may differ at ties, but the multiplier must be the exact quotient of the floats."""
    m = Model(x=(8,))
    x = m.quant("x", 0.3, 5)
    scale = np.array([[0.01, 0.02, 0.7]])
    fc = m.add("MatMul", x, m.weight(weights(8, 3), scale), out="fc")
    model = m.build(m.quant(fc, 0.9, 4, out="y"))
    graph = read_qonnx(model)
    exact = [Fraction(float(np.float32(s))) for s in (0.3, 0.01, 0.02, 0.7, 0.9)]
    assert graph.values["fc"].scale == tuple(exact[0] * s for s in exact[1:4])
    assert graph.node("y").op.multiplier == tuple(exact[0] * s / exact[4] for s in exact[1:4])
    real = np.random.default_rng(0).standard_normal((200, 8)) * 3
    layers = execute(graph, quantise_inputs(graph, {"x": real}))
    expected = [
        [
            min(max(round(int(total) * k), -8), 7)
            for total, k in zip(row, graph.node("y").op.multiplier, strict=True)
        ]
        for row in layers["fc"].reshape(-1, 3)
    ]
    assert np.array_equal(layers["y"].reshape(-1, 3), expected)


def test_fixed_and_symbolic_batch_axes_read_the_same() -> None:
    def model(batch):
        rng = np.random.default_rng(1)
        m = Model(x=(2, 3, 3))
        x = m.quant("x", 0.25, 4, out="x_q")
        target = [batch if isinstance(batch, int) else 0, 18]
        flat = m.add("Reshape", x, m.constant(target, np.int64), out="flat")
        w = m.weight(rng.standard_normal((18, 2)), 0.125)
        return m.build(m.add("MatMul", flat, w, out="y"), batch=batch)

    real = np.random.default_rng(2).standard_normal((5, 2, 3, 3))
    outputs = []
    for batch in (1, 8, "batch"):
        graph = read_qonnx(model(batch))
        outputs.append(execute(graph, quantise_inputs(graph, {"x": real}), keep="outputs")["y"])
    assert (outputs[0] == outputs[1]).all() and (outputs[0] == outputs[2]).all()


def test_node_order_in_the_file_does_not_matter() -> None:
    m = Model(x=(2, 6, 6))
    x = m.quant("x", 0.25, 4)
    y = m.add("Conv", x, m.weight(weights(3, 2, 3, 3), 0.125), out="y")
    model = m.build(m.add("Relu", y, out="z"))
    before = [n.name for n in read_qonnx(model)]
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(reversed(nodes))
    assert [n.name for n in read_qonnx(model)] == before == ["y", "z"]


def test_operation_types_of_a_typical_network() -> None:
    m = Model(x=(2, 8, 8))
    x = m.quant("x", 0.25, 4)
    y = m.add("Conv", x, m.weight(weights(3, 2, 3, 3), 0.125))
    y = m.quant(m.add("Relu", y), 0.25, 4, signed=0)
    y = m.add("AveragePool", m.add("MaxPool", y, kernel_shape=[2, 2], strides=[2, 2]), kernel_shape=[3, 3])
    graph = read_qonnx(m.build(y))
    kinds = [type(n.op) for n in graph]
    assert kinds[0] is Conv and kinds[-2:] == [MaxPool, AveragePool] and Requantise in kinds
    assert Dense not in kinds and Affine not in kinds
