"""The file's outputs: their names, order and shapes, and the float tail behind some of them."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx_models import Model, run_qonnx, weights

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph import Graph, execute, file_outputs, output_shapes, quantise_inputs, read_qonnx

f32 = np.float32


def inputs(graph: Graph, events: int = 5) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    shapes = {p.source: p.source_shape or graph.layouts[p.value.name].shape for p in graph.inputs}
    return {name: (3 * rng.standard_normal((events, *shape))).astype(f32) for name, shape in shapes.items()}


def emulated(model: onnx.ModelProto, *, codes: bool = False) -> tuple[Graph, dict[str, np.ndarray], dict]:
    """(graph, its outputs, what qonnx gives for the same inputs, event by event)."""
    graph = read_qonnx(model)
    given = inputs(graph)
    found = file_outputs(graph, execute(graph, quantise_inputs(graph, given)), codes=codes)
    return graph, found, run_qonnx(model, given)


def check(model: onnx.ModelProto) -> Graph:
    """Names, order and shapes are the file's; numbers are qonnx's, those of a float tail nearly so."""
    graph, found, wanted = emulated(model)
    assert list(found) == [info.name for info in model.graph.output] == list(output_shapes(graph))
    for name, array in found.items():
        assert array.dtype == np.float64 and array.shape[1:] == output_shapes(graph)[name]
        expected = wanted[name].reshape(array.shape).astype(np.float64)
        assert wanted[name].shape[2:] == array.shape[1:]  # stacked from batches of one
        exact = name in {output.name for output in graph.computed}
        assert (
            np.array_equal(array, expected) if exact else np.allclose(array, expected, rtol=1e-5, atol=1e-6)
        )
        assert len(np.unique(expected)) > 1
    return graph


def dense(m: Model, x: str, n: int, out: str | None = None, features: int = 6) -> str:
    return m.add("MatMul", x, m.weight(weights(features, n), 0.25), out=out)


NAMED = {
    "last time step": lambda m, x: [m.add("Gather", x, np.array(-1, dtype=np.int64), axis=1, out="y")],
    "squeezed": lambda m, x: [m.add("Squeeze", dense(m, x, 1), np.array([2], dtype=np.int64), out="y")],
    "identity": lambda m, x: [m.add("Identity", dense(m, x, 3), out="y")],
    "digits first": lambda m, x: [dense(m, x, 3, "20")],
    "a slash": lambda m, x: [dense(m, x, 3, "/head/out:0")],
    "one tensor twice": lambda m, x: [dense(m, x, 3, "a"), m.add("Identity", "a", out="b")],
    "another order": lambda m, x: [dense(m, x, 2, "z"), dense(m, x, 3, "a")][::-1],
    "transposed": lambda m, x: [m.add("Transpose", dense(m, x, 3), perm=[0, 2, 1], out="y")],
    "an input's codes": lambda m, x: [m.add("Identity", x, out="y")],
    "no axis left": lambda m, x: [m.add("ReduceMax", x, axes=[1, 2], keepdims=0, out="y")],
}


@pytest.mark.parametrize("kind", NAMED)
def test_outputs_keep_names_order_and_shapes(kind: str) -> None:
    m = Model(x=(4, 6))
    assert check(m.build(*NAMED[kind](m, m.quant("x", 0.25, 6)))).tail is None


def top(m: Model, x: str) -> list[str]:
    m.nodes.append(helper.make_node("TopK", [x, m.constant([2], np.int64)], ["best", "which"], name="top"))
    return ["best"]


TAILS = {
    "sigmoid": lambda m, fc: [m.add("Sigmoid", fc, out="y")],
    "scaled sigmoid": lambda m, fc: [m.add("Mul", m.add("Sigmoid", fc), f32(100), out="y")],
    "energy from its logarithm": lambda m, fc: [m.add("Exp", fc, out="y")],
    "one minus softmax": lambda m, fc: [m.add("Sub", f32(1), m.add("Softmax", fc, axis=1), out="y")],
    "swish": lambda m, fc: [m.add("Mul", fc, m.add("Sigmoid", fc), out="y")],
    "logits and probabilities": lambda m, fc: [m.add("Softmax", fc, axis=1, out="p"), fc],
    "the two best": top,
    "normalised": lambda m, fc: [m.add("Div", fc, m.add("ReduceL2", fc, axes=[1], keepdims=1), out="y")],
    "a choice": lambda m, fc: [m.add("Where", m.add("Greater", fc, f32(0.5)), fc, f32(-1), out="y")],
    "root of a sum of squares": lambda m, fc: [
        m.add("Sqrt", m.add("ReduceSum", m.add("Mul", fc, fc), np.array([1], dtype=np.int64)), out="y")
    ],
    "a shape for one event": lambda m, fc: [
        m.add("Reshape", m.add("Exp", fc), np.array([1, 2, 2], dtype=np.int64), out="y")
    ],
}


@pytest.mark.parametrize("kind", TAILS)
def test_float_tails_are_computed_by_the_host(kind: str) -> None:
    m = Model(x=(8,))
    fc = dense(m, m.quant("x", 0.25, 6), 4, "fc", features=8)
    graph = check(m.build(*TAILS[kind](m, fc)))
    assert graph.tail is not None and graph.left_off
    assert "fc" in graph.tail.operands or kind.startswith("root")


def test_classes_and_energy_in_one_tensor() -> None:
    m = Model(x=(8,))
    x = m.quant("x", 0.25, 6)
    classes = m.add("Softmax", dense(m, x, 2, "logits", features=8), axis=1)
    model = m.build(m.add("Concat", classes, dense(m, x, 1, "energy", features=8), axis=1, out="y"))
    graph = check(model)
    assert graph.outputs == ("logits", "energy")
    _, codes, _ = emulated(model, codes=True)
    assert {name: array.shape for name, array in codes.items()} == {"logits": (5, 2), "energy": (5, 1)}
    assert all(array.dtype == np.int64 for array in codes.values())


def test_too_wide_a_tail_is_the_hosts() -> None:
    """A normalisation of general scale before a pool, and no quantiser behind it: the sums are the output."""
    m = Model(x=(2, 8, 8))
    conv = m.add("Conv", m.quant("x", 0.0317, 6), m.weight(weights(4, 2, 3, 3), 0.071, 5), out="conv")
    numbers = np.random.default_rng(5).uniform(0.5, 2, (4, 4))
    t = m.add("BatchNormalization", conv, *numbers)
    model = m.build(m.add("MaxPool", t, kernel_shape=[2, 2], strides=[2, 2], out="y"))
    graph, found, wanted = emulated(model)
    assert graph.outputs == ("conv",) and "MaxPool" in graph.left_off[0]
    assert np.allclose(found["y"], wanted["y"].reshape(found["y"].shape), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["MatMul", "Conv"])
def test_a_layer_is_no_tail(kind: str) -> None:
    m = Model(x=(3, 4))
    soft = m.add("Softmax", m.quant("x", 0.25, 6))
    w = m.weight(weights(4, 2), 0.25) if kind == "MatMul" else m.weight(weights(2, 3, 1), 0.25)
    with pytest.raises(UnsupportedError, match="Softmax"):
        read_qonnx(m.build(m.add(kind, soft, w)))


def test_weights_that_nobody_quantised_are_refused_at_the_end_too() -> None:
    m = Model(x=(3,))
    with pytest.raises(UnsupportedError, match="are not quantised"):
        read_qonnx(m.build(m.add("Relu", m.add("MatMul", m.quant("x", 0.25, 4), np.full((3, 2), np.pi)))))


def test_what_the_host_cannot_compute_is_refused() -> None:
    m = Model(x=(3,))
    fc = dense(m, m.quant("x", 0.25, 4), 2, features=3)
    with pytest.raises(LeveloneError, match="NoSuchOperator"):
        read_qonnx(m.build(m.add("NoSuchOperator", fc)))


def test_no_events_give_empty_outputs() -> None:
    m = Model(x=(8,))
    graph = read_qonnx(m.build(m.add("Softmax", dense(m, m.quant("x", 0.25, 6), 4, features=8), out="y")))
    codes = execute(graph, quantise_inputs(graph, {"x": np.zeros((0, 8), f32)}))
    assert file_outputs(graph, codes)["y"].shape == (0, 4)


def test_numbered_tensors_are_called_after_their_nodes() -> None:
    """As TorchScript's exporter numbers tensors through and names nodes by modules."""
    m = Model(x=(8,))
    fc = dense(m, m.quant("x", 0.25, 6, out="12"), 4, "20", features=8)
    m.nodes[-1].name = "/head/fc/MatMul"
    graph = check(m.build(m.quant(fc, 0.5, 4, out="y")))
    assert [node.name for node in graph] == ["head_fc_MatMul", "y"] and graph.inputs[0].value.name == "n12"
    assert graph.layouts["head_fc_MatMul"].tensor == "20"
