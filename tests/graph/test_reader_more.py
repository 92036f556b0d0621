"""Before the port, around the network and in other layouts: what others' files hold beside plain layers."""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import onnx
import pytest
from onnx_models import DOMAIN, Model, compare, real_inputs, run_qonnx, weights

from levelone.errors import LeveloneError
from levelone.graph import IntRange, execute, quantise_inputs, read_qonnx, to_onnx_layout
from levelone.graph.inputs import real_inputs as inputs_for
from levelone.graph.ops import Conv, Dense, Transpose
from levelone.graph.rounding import round_fraction
from levelone.graph.values import Rounding
from levelone.hls import HlsConfig
from levelone.hls.lower import lower


def ops(model) -> list[str]:
    return [type(node.op).__name__ for node in read_qonnx(model)]


# ports


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (3, 1, 1), (1, 1, 1, 5)])
def test_a_scale_per_channel_on_an_input(shape) -> None:
    m = Model(x=(3, 4, 5))
    scale = 2.0 ** -np.arange(max(shape)).reshape(shape)
    model = m.build(m.quant(m.quant("x", scale, 4, out="x_q"), 0.5, 3))
    graph = read_qonnx(model)
    assert len(graph.inputs[0].quantiser.scales) == max(shape)
    assert graph.inputs[0].channels_first == (shape[-1] == 1)
    assert compare(model) == 2


def test_a_bipolar_input() -> None:
    m = Model(x=(3, 4))
    model = m.build(m.add("BipolarQuant", "x", np.array([0.5, 1, 2]).reshape(1, 3, 1), domain=DOMAIN))
    graph = read_qonnx(model)
    assert graph.inputs[0].value.range == IntRange(0, 1)
    assert ops(model) == ["Affine"]
    assert compare(model) == 1
    tiny = np.full((1, 3, 4), -1e-38, np.float32)  # rounds to nothing beside 1, but is negative
    assert (quantise_inputs(graph, {"x": tiny})[graph.inputs[0].value.name] == 0).all()


@pytest.mark.parametrize("zero", [0.25, -1.5, [[[0.5], [2], [-3]]], [[[1], [2], [4]]]])
def test_zero_points_of_any_kind_on_inputs_activations_and_weights(zero) -> None:
    m = Model(x=(3, 8))
    numbers = np.asarray(zero, np.float32)
    parameters = (np.float32(0.25), numbers, np.float32(6))
    x = m.add("Quant", "x", *parameters, domain=DOMAIN, signed=1, narrow=0, rounding_mode="ROUND")
    y = m.add("Quant", m.add("Neg", x), *parameters, domain=DOMAIN, signed=1, narrow=0, rounding_mode="FLOOR")
    w = m.add("Quant", m.constant(weights(3, 3, 2)), np.float32(0.125),
              numbers if numbers.ndim == 0 else numbers.reshape(3, 1, 1), np.float32(5), domain=DOMAIN,
              signed=1, narrow=0, rounding_mode="ROUND")  # fmt: skip
    model = m.build(m.quant(m.add("Conv", m.quant(y, 0.25, 7), w), 0.5, 6))
    assert compare(model, events=10) >= 4


def test_what_the_host_does_before_the_quantiser() -> None:
    m = Model(x=(4, 6, 2))
    x = m.add("Transpose", "x", perm=[0, 3, 1, 2])
    x = m.add("Div", m.add("Sub", x, m.constant(0.3)), m.constant(np.array([0.7, 1.3]).reshape(2, 1, 1)))
    x = m.add("Clip", m.add("Pad", x, m.constant([0, 0, 1, 0, 0, 0, 0, 2], np.int64)), -1.0, 1.5)
    x = m.add("Slice", x, *(m.constant([v], np.int64) for v in (1, 9, 2)))
    x = m.quant(m.add("Neg", x), 0.0625, 6, out="x_q")
    model = m.build(m.quant(m.add("Conv", x, m.weight(weights(3, 2, 2, 2), 0.125)), 0.25, 6))
    graph = read_qonnx(model)
    assert graph.inputs[0].source_shape == (4, 6, 2)
    assert compare(model, events=10, spread=1.0) == 3


def test_codes_can_be_turned_back_into_inputs() -> None:
    m = Model(x=(4, 3))
    x = m.add("Sub", m.add("Mul", m.add("Transpose", "x", perm=[0, 2, 1]), m.constant(2.0)), m.constant(1.0))
    graph = read_qonnx(m.build(m.quant(x, 0.25, 4, out="q")))
    codes = {"q": np.random.default_rng(1).integers(-8, 8, size=(20, *graph.values["q"].shape))}
    real = inputs_for(graph, codes)
    assert real["x"].shape == (20, 4, 3)
    assert (quantise_inputs(graph, real)["q"] == codes["q"]).all()


def test_steps_that_lose_the_number_are_noticed() -> None:
    m = Model(x=(2,))
    x = m.add("Mul", m.add("Mul", "x", m.constant(1e38)), m.constant(0.0))
    graph = read_qonnx(m.build(m.quant(x, 0.25, 4)))
    with pytest.raises(LeveloneError, match="make NaN of it"):
        quantise_inputs(graph, {"x": np.full((1, 2), 1e30)})


def test_no_input_makes_codes_that_a_clamp_hides() -> None:
    m = Model(x=(4,))
    graph = read_qonnx(m.build(m.quant(m.add("Relu", "x"), 0.25, 4, out="q")))
    with pytest.raises(LeveloneError, match="cannot reach the quantiser"):
        inputs_for(graph, {"q": np.full((1, 4), -3)})


def test_one_input_with_several_quantisers_and_one_without_readers() -> None:
    m = Model(x=(5,), unused=(7,))
    a, b = m.quant("x", 0.25, 4), m.quant("x", 0.5, 6, signed=0, zero=3.0)
    m.quant("unused", 0.25, 4)
    graph = read_qonnx(m.build(m.add("Add", a, b)))
    assert [port.source for port in graph.inputs] == ["x", "x"]
    assert compare(m.build(m.add("Add", a, b), m.quant("unused", 0.5, 3))) == 5


@pytest.mark.parametrize(("text", "lo", "hi", "scale"), [
    ("int8", -128, 127, 1), ("UINT4", 0, 15, 1), ("fixed<16,6>", -(2**15), 2**15 - 1, Fraction(1, 1024)),
    ("ap_ufixed<8, 0>", 0, 255, Fraction(1, 256)), ("FIXED<8,10>", -128, 127, 4),
])  # fmt: skip
def test_declared_and_annotated_ports(text, lo, hi, scale) -> None:
    m = Model(x=(6,))
    fc = m.add("MatMul", m.add("Identity", "x"), m.weight(weights(6, 3), 0.125))
    model = m.build(m.quant(fc, 0.25, 5))
    declared = read_qonnx(model, {"x": text}).inputs[0].value
    assert (declared.range, declared.scale) == (IntRange(lo, hi), (Fraction(scale),))
    annotation = model.graph.quantization_annotation.add(tensor_name="x")
    annotation.quant_parameter_tensor_names.add(key="finn_datatype", value=text)
    assert read_qonnx(model).inputs[0].value == declared


@pytest.mark.parametrize("text", ["float32", "int", "int0", "int99", "fixed<8>", "fixed<0,0>", "uint-3", ""])
def test_types_that_are_none(text: str) -> None:
    m = Model(x=(6,))
    with pytest.raises(LeveloneError, match=r"is no type of a port|bits are possible"):
        read_qonnx(m.build(m.quant("x", 0.25, 5)), {"x": text})


# layouts


@pytest.mark.parametrize("rank", [1, 2])
def test_networks_that_qonnx_has_made_channels_last(rank: int) -> None:
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.transformation.channels_last import ConvertToChannelsLastAndClean
    from qonnx.util.cleanup import cleanup_model

    m = Model(x=(2, *(8, 6)[:rank]))
    x = m.quant("x", 0.25, 4)
    conv = m.add("Conv", x, m.weight(weights(4, 2, *[3] * rank), 0.125), pads=[1] * 2 * rank,
                 kernel_shape=[3] * rank, strides=[1] * rank, dilations=[1] * rank, group=1)  # fmt: skip
    norm = m.add("BatchNormalization", conv, m.constant([1, 2, -1, 0.5]), m.constant([0.25, 0, 1, -1]),
                 m.constant([0, 0.5, 1, 0]), m.constant([1, 4, 1, 0.25]), epsilon=0.0)  # fmt: skip
    act = m.quant(m.add("Relu", norm), 0.25, 4, signed=0)
    pool = m.add("MaxPool", act, kernel_shape=[2] * rank, strides=[2] * rank, pads=[0] * 2 * rank)
    fc = m.add("MatMul", m.add("Flatten", pool), m.weight(weights(16 if rank == 1 else 48, 3), 0.125))
    model = m.build(fc, output_dims=[1, 3])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrapper = cleanup_model(ModelWrapper(model)).transform(ConvertToChannelsLastAndClean())
    kinds = {(n.op_type, n.domain) for n in wrapper.graph.node}
    assert ("Conv", "qonnx.custom_op.channels_last") in kinds
    assert ("MaxPool", "qonnx.custom_op.channels_last") in kinds
    converted = wrapper.model
    assert compare(converted, events=4) >= 4
    graph = read_qonnx(converted)
    real = (np.random.default_rng(2).standard_normal((5, *(2, 8, 6)[: rank + 1])) * 2).astype(np.float32)
    (info,) = real_inputs(converted)
    shape = [d.dim_value for d in info.type.tensor_type.shape.dim[1:]]
    given = real if shape == list(real.shape[1:]) else np.moveaxis(real, 1, -1)
    last = execute(graph, quantise_inputs(graph, {info.name: given}))[graph.outputs[0]]
    plain = read_qonnx(model)
    first = execute(plain, quantise_inputs(plain, {"x": real}))[plain.outputs[0]]
    assert (last * float(graph.values[graph.outputs[0]].scale[0])
            == first * float(plain.values[plain.outputs[0]].scale[0])).all()  # fmt: skip


@pytest.mark.parametrize("mode", ["CRD", "DCR"])
def test_pixel_shuffle(mode: str) -> None:
    m = Model(x=(8, 3, 2))
    shuffled = m.add("DepthToSpace", m.quant("x", 0.25, 5), blocksize=2, mode=mode)
    conv = m.add("Conv", shuffled, m.weight(weights(2, 2, 2, 2), 0.125))
    model = m.build(m.add("SpaceToDepth", m.quant(conv, 0.5, 4), blocksize=1))
    assert sum(isinstance(node.op, Transpose) for node in read_qonnx(model)) == 1
    assert compare(model) >= 3


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(
    ("kernel", "stride", "pads", "dilation", "extra"),
    [(2, 2, 0, 1, 0), (4, 2, 1, 1, 0), (3, 2, 1, 1, 1), (3, 1, 1, 1, 0), (2, 3, 0, 1, 0), (3, 2, 0, 2, 0),
     (1, 2, 0, 1, 0)],
)  # fmt: skip
def test_transposed_convolution(
    rank: int, kernel: int, stride: int, pads: int, dilation: int, extra: int, groups: int
) -> None:
    m = Model(x=(4, *(3, 4, 2)[:rank]))
    w = m.weight(weights(4, 3, *[kernel] * rank), 2.0 ** -np.arange(1, 4).reshape(1, 3, *[1] * rank))
    bias = np.array([0.5, -1, 0.25, 2, 0.75, -0.5])[: 3 * groups]
    y = m.add("ConvTranspose", m.quant("x", 0.25, 4), w, m.constant(bias), group=groups,
              strides=[stride] * rank, pads=[pads] * 2 * rank, dilations=[dilation] * rank,
              output_padding=[extra] * rank, kernel_shape=[kernel] * rank)  # fmt: skip
    model = m.build(m.quant(y, 0.25, 6))
    assert sum(isinstance(node.op, Conv) for node in read_qonnx(model)) == 1
    assert compare(model, events=3) >= 3


def test_split_gather_and_crop() -> None:
    m = Model(x=(4, 6))
    x = m.quant("x", 0.25, 5)
    m.nodes.append(onnx.helper.make_node("Split", [x, m.constant([1, 3], np.int64)], ["a", "b"], axis=1))
    one = m.add("Gather", "b", m.constant(np.array(1), np.int64), axis=1)
    cropped = m.add("Pad", "b", m.constant([0, 0, -1, 0, -1, 2], np.int64))
    model = m.build(m.add("Neg", "a"), m.quant(one, 0.5, 4), m.quant(cropped, 0.5, 4))
    assert compare(model) >= 4


@pytest.mark.parametrize("include", [0, 1])
def test_average_pools_with_a_ceiling(include: int) -> None:
    m = Model(x=(2, 7, 5))
    y = m.add("AveragePool", m.quant("x", 0.25, 5), kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1,
              pads=[1, 0, 0, 1], count_include_pad=include)  # fmt: skip
    model = m.build(y)
    # by hand: qonnx's runtime has counted the part beyond the padding in some versions
    graph = read_qonnx(model)
    real = (np.random.default_rng(3).standard_normal((3, 2, 7, 5)) * 3).astype(np.float32)
    codes = quantise_inputs(graph, {"x": real})
    layers = execute(graph, codes)
    name = graph.outputs[0]
    found = to_onnx_layout(graph, name, layers[name])
    x = to_onnx_layout(graph, graph.inputs[0].value.name, codes[graph.inputs[0].value.name])
    (step,) = graph.values[name].scale
    for i, j in np.ndindex(found.shape[2:]):
        rows, columns = range(2 * i - 1, 2 * i + 1), range(2 * j, 2 * j + 2)
        inside = [(r, c) for r in rows for c in columns if 0 <= r < 7 and 0 <= c < 5]
        counted = [(r, c) for r in rows for c in columns if -1 <= r < 7 and 0 <= c < 6]
        quarters = sum(x[:, :, r, c] for r, c in inside)
        mean = [Fraction(int(total), 4 * len(counted if include else inside)) for total in quarters.flat]
        assert [int(code) * step for code in found[:, :, i, j].flat] == mean


@pytest.mark.parametrize("kind", ["ReduceMean", "ReduceSum", "ReduceMax"])
@pytest.mark.parametrize("keep", [0, 1])
def test_reductions(kind: str, keep: int) -> None:
    for axes in ([2, 3], [3], [-2]):
        m = Model(x=(3, 4, 2))
        named = [m.constant(axes, np.int64)] if kind == "ReduceSum" else []
        extra = {} if named else {"axes": axes}
        y = m.add(kind, m.quant("x", 0.25, 5), *named, keepdims=keep, **extra)
        assert compare(m.build(m.quant(y, 0.5, 6))) >= 3


def test_differences_and_broadcast_sums() -> None:
    m = Model(x=(3, 4), y=(3, 1))
    x, y = m.quant("x", 0.25, 5), m.quant("y", 0.125, 5)
    model = m.build(m.quant(m.add("Sub", m.add("Add", x, y), m.quant("x", 0.5, 3)), 0.25, 5),
                    m.add("Sub", m.constant(1.5), x))  # fmt: skip
    assert compare(model) >= 6


# ends


def test_the_tail_may_branch_and_move() -> None:
    m = Model(x=(6,))
    fc = m.add("MatMul", m.quant("x", 0.25, 5), m.weight(weights(6, 4), 0.125), out="fc")
    soft = m.add("Softmax", fc)
    m.nodes.append(
        onnx.helper.make_node("TopK", [soft, m.constant([2], np.int64)], ["best", "which"], name="top")
    )
    shaped = m.add("Reshape", m.add("Identity", soft), m.constant([0, 2, 2], np.int64))
    graph = read_qonnx(m.build("best", "which", shaped))
    assert graph.outputs == ("fc",)
    assert len(graph.left_off) == 4
    with pytest.raises(LeveloneError, match="Softmax"):  # a layer follows, which the host does not compute
        read_qonnx(m.build(m.add("MatMul", soft, m.weight(weights(4, 2), 0.25))))


def test_wide_weights_stay_integers_of_64_bits() -> None:
    """24 bits of weights and 20 of operands, but only a few of them: the sum has 46."""
    op = Dense(np.full((2, 3), 2**23), np.array([2**44, 0, -(2**44)]), (Fraction(1),))
    found = op.evaluate(np.full((1, 2), 2**19))
    assert found.dtype == np.int64
    assert found.tolist() == [[2**43 + 2**44, 2**43, 2**43 - 2**44]]
    huge = Dense(np.full((2, 1), 2**40), np.zeros(1), (Fraction(1),)).evaluate(np.full((1, 2), 2**40))
    assert huge.tolist() == [[2**81]]


def test_qonnx_agrees_on_the_float_functions_of_a_network() -> None:
    """The tables are made of float64 values: equal to float32 execution away from ties."""
    m = Model(x=(64,))
    x = m.quant("x", 0.0625, 8)
    model = m.build(*(m.quant(m.add(kind, x), 2.0**-6, 8, out=kind.lower()) for kind in ("Gelu", "Mish")))
    model.opset_import[0].version = 20
    graph = read_qonnx(model)
    real = (np.random.default_rng(4).standard_normal((4, 64)) * 3).astype(np.float32)
    layers = execute(graph, quantise_inputs(graph, {"x": real}))
    executed = run_qonnx(model, {"x": real})
    for name in ("gelu", "mish"):
        assert (layers[name] * 2.0**-6 == executed[name].reshape(4, 64)).all()


def test_groups_of_channels_whose_scales_differ() -> None:
    m = Model(x=(4, 6))
    x = m.quant("x", np.array([0.25, 0.5, 0.125, 1.0], np.float32).reshape(1, 4, 1), 5)
    model = m.build(m.add("Conv", x, m.weight(weights(6, 2, 3), 0.125), group=2))
    assert compare(model) >= 2


@pytest.mark.parametrize("shape", [(), (1, 4), (1,), (4,)])
@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 1.0), (0.5, -2.0), (-4.0, 0.25), (2.0, 0.0)])
def test_gemm_with_factors_and_any_bias(shape, alpha: float, beta: float) -> None:
    m = Model(x=(3,))
    x = m.quant("x", 0.25, 5)
    bias = np.round(weights(*shape) * 16) / 8
    y = m.add("Gemm", x, m.weight(weights(3, 4), 0.125), m.constant(bias), alpha=alpha, beta=beta)
    assert compare(m.build(y)) == 2


@pytest.mark.parametrize("mode", ["FLOOR", "ROUND", "CEIL"])
def test_trunc_rounds_what_is_on_no_step_of_its_scale(mode: str) -> None:
    """As Brevitas' mean over nine elements: an average is finer than the scale that Trunc is given."""
    m = Model(x=(2, 6, 6))
    pooled = m.add("AveragePool", m.quant("x", 0.25, 5), kernel_shape=[3, 3])
    short = [np.float32(v) for v in (0.25, 0, 6, 4)]
    model = m.build(m.add("Trunc", pooled, *short, domain=DOMAIN, rounding_mode=mode, out="y"))
    graph = read_qonnx(model)
    real = {"x": (weights(30, 2, 6, 6) * 6).astype(np.float32)}
    found = execute(graph, quantise_inputs(graph, real))
    for code, total in zip(found["y"].reshape(-1), found[pooled].reshape(-1), strict=True):
        first = round_fraction(Fraction(int(total), 9), Rounding.ROUND)
        assert code == round_fraction(Fraction(first, 4), Rounding(mode))


def test_a_port_that_is_an_output_is_copied() -> None:
    m = Model(x=(2, 3))
    x = m.quant("x", 0.25, 4)
    model = m.build(x, m.add("Relu", x))
    graph = read_qonnx(model)
    ports = {port.value.name for port in graph.inputs}
    assert not ports & set(graph.outputs)
    assert len(lower(graph, HlsConfig())) == 3
    assert compare(model) == 3


def test_what_is_too_wide_names_the_node() -> None:
    m = Model(x=(3,))
    scaled = m.add("Mul", m.quant("x", 0.3, 8), m.constant(np.float32(1e-19)))
    shifted = m.add("Add", scaled, m.constant(np.float32(1 / 3)))
    with pytest.raises(LeveloneError, match=r"node 'n_concat_\d+' \(Concat\): .* needs \d+ bits .*axis=1"):
        joined = m.add("Concat", shifted, shifted, axis=1)
        read_qonnx(m.build(m.add("MatMul", joined, m.weight(weights(6, 2), 0.25))))


def test_a_tensor_cut_along_several_axes_has_its_name_after_the_last_cut() -> None:
    m = Model(x=(2, 6, 5))
    cuts = (m.constant(part, np.int64) for part in ([1, 0], [5, 3], [2, 3]))
    cut = m.add("Slice", m.quant("x", 0.25, 5), *cuts, out="cut")
    model = m.build(m.quant(m.add("Relu", cut), 0.5, 4))
    graph = read_qonnx(model)
    assert (graph.values["cut"].shape, graph.layouts["cut"].tensor) == ((4, 3, 2), "cut")
    assert ops(model)[:2] == ["Take", "Take"]
    assert compare(model) >= 2
