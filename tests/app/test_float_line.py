"""What float32 makes of anyone's model: counted, shown, and kept apart from the verdict on the firmware."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx_models import Model

from levelone.graph import Graph, execute, quantise_inputs, read_qonnx
from levelone.graph.inputs import real_inputs
from levelone.pipeline import floats
from levelone.pipeline.floats import float_codes, float_line, run_qonnx
from levelone.report.words import float_in_words
from levelone.verify import random_vectors
from levelone.verify.ties import FloatTies, compare_module

from .conftest import Levelone


def dense(folder: Path, bias: bool, sign: int = 1, mode: str = "ROUND") -> Path:
    """Scales whose product is nearly half of the last one: ties everywhere."""
    m = Model(x=(6,))
    rng = np.random.default_rng(3)
    weights = rng.integers(-31, 32, (6, 5)).astype(np.float32) * np.float32(0.05) * sign
    sums = m.add("MatMul", m.quant("x", 0.1, 6), m.weight(weights, 0.05, bits=6))
    act = m.quant(sums, 0.01, 9, mode=mode)
    last = m.add("MatMul", act, m.weight(weights[:5, :3], 0.03, bits=6))
    if bias:
        last = m.add("Add", last, np.array([0.1, -0.7, 0.3], np.float32))
    path = folder / f"dense{bias}{sign}{mode}.onnx"
    onnx.save(m.build(last), path)
    return path


def codes_of(path: Path, events: int = 500) -> tuple[Graph, dict[str, np.ndarray]]:
    graph = read_qonnx(path)
    return graph, random_vectors(graph, events, seed=2)


def test_ties_are_counted_with_an_example(tmp_path: Path) -> None:
    path = dense(tmp_path, bias=False)
    graph, codes = codes_of(path)
    line = float_line(path, graph, codes)
    assert line["events"] == 500 and line["compared"] == 500 * (5 + 5 + 3)
    assert line["other"] == {"count": 0, "layers": {}}
    ties = line["ties"]
    tensors = run_qonnx(onnx.load(path), real_inputs(graph, codes))
    (name,) = ties["layers"]
    theirs, ours = float_codes(graph, tensors)[name], execute(graph, codes, keep="all")[name]
    assert ties["count"] == np.count_nonzero(theirs != ours) > 0
    shown = ties["example"]
    at = (shown["event"], *shown["position"], shown["channel"])
    assert (ours[at], theirs[at]) == (shown["expected"], shown["found"])


def test_numbers_too_wide_for_float32_are_not_compared(tmp_path: Path) -> None:
    m = Model(x=(4,))
    sums = m.add("MatMul", m.quant("x", 0.25, 6), m.weight(np.eye(4) * 0.5, 0.5))
    path = tmp_path / "wide.onnx"
    onnx.save(m.build(m.add("Add", sums, np.full(4, 2.0**-30, np.float32))), path)
    graph, codes = codes_of(path, 50)
    assert graph.values[graph.outputs[0]].width > 24
    line = float_line(path, graph, codes)
    assert line["other"]["count"] == line["ties"]["count"] == 0


@pytest.mark.parametrize("other", [{"sign": -1}, {"mode": "FLOOR"}])
def test_a_file_that_means_something_else_is_not_excused(other: dict, tmp_path: Path) -> None:
    graph, codes = codes_of(dense(tmp_path, bias=False))
    line = float_line(dense(tmp_path, bias=False, **other), graph, codes)
    assert line["other"]["count"] > 200


def test_a_file_that_qonnx_cannot_execute_has_a_reason(tmp_path: Path) -> None:
    path = dense(tmp_path, bias=False)
    graph, codes = codes_of(path)
    model = onnx.load(path)
    model.graph.node[-1].op_type = "NoSuchOperator"
    onnx.save(model, path)
    line = float_line(path, graph, codes)
    assert line["compared"] == 0 and "qonnx cannot execute it" in line["reason"]


def test_a_fault_of_ours_is_no_reason_of_qonnx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what qonnx itself raises is a reason not to compare; anything else must not be swallowed."""
    path = dense(tmp_path, bias=False)
    graph, codes = codes_of(path, 5)

    def broken(*_: object) -> None:
        raise TypeError("a fault of levelone")

    monkeypatch.setattr(floats, "real_inputs", broken)
    with pytest.raises(TypeError, match="a fault of levelone"):
        float_line(path, graph, codes)


def test_constants_too_fine_for_hardware_end_on_the_host(levelone: Levelone, tmp_path: Path) -> None:
    """A float bias after sums of general scale: the sums are the output, emulate adds the bias."""
    path = dense(tmp_path, bias=True)
    graph, codes = codes_of(path, 40)
    (name,) = graph.outputs
    assert graph.values[name].width < 30 and name in graph.ends and "left to the host" in graph.left_off[0]
    real = np.ascontiguousarray(real_inputs(graph, codes)["x"], np.float32)
    np.save(tmp_path / "x.npy", real)
    done = levelone("emulate", path, "--input", tmp_path / "x.npy", "-o", tmp_path / "y.npy")
    assert done.returncode == 0, done.stderr
    bare = read_qonnx(dense(tmp_path, bias=False))
    sums = execute(bare, quantise_inputs(bare, {"x": real}))[bare.outputs[0]]
    expected = sums * float(bare.values[bare.outputs[0]].scale[0]) + np.float32([0.1, -0.7, 0.3]).astype(
        float
    )
    found = np.load(tmp_path / "y.npy")
    assert np.abs(found - expected).max() < 1e-12  # the host's float64, no codes


@pytest.mark.slow
def test_a_real_brevitas_network_end_to_end(levelone: Levelone, tmp_path: Path) -> None:
    """General scales: csim is exact, ties stand apart, the module itself agrees but for ties."""
    import brevitas.nn as qnn
    import brevitas.quant as quant
    import torch
    from brevitas_chain import integers_of, quantised_values
    from brevitas_export import export, plain

    def activation(largest: float):
        return qnn.QuantIdentity(
            act_quant=quant.Int8ActPerTensorFloat,
            scaling_impl_type="const",
            scaling_init=largest,
            return_quant_tensor=True,
        )

    class Network(torch.nn.Module):
        inputs = ((12,),)

        def __init__(self) -> None:
            super().__init__()
            self.x_q = activation(12.8)
            scheme = quant.Int8WeightPerChannelFloat
            self.fc = qnn.QuantLinear(12, 8, bias=True, weight_quant=scheme, bias_quant=None)
            self.act = activation(1.28)
            self.fc.weight.data *= 0.05 * 127 / self.fc.weight.data.abs().amax(1, keepdim=True)

        def forward(self, x):
            return plain(self.act(torch.relu(plain(self.fc(plain(self.x_q(x)))))))

    torch.manual_seed(3)
    network = Network().eval()
    network.fc.bias.data.zero_()
    path = tmp_path / "m.onnx"
    export(network, path)
    assert levelone("convert", path, "-o", tmp_path / "project").returncode == 0
    done = levelone("csim", tmp_path / "project", "--vectors", 300, "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0 and found["verdict"] == "exact", done.stderr
    line = found["float32"]
    assert line["compared"] > 2000 and line["ties"]["count"] > 0 and line["other"]["count"] == 0
    shown = line["ties"]["example"]
    assert abs(shown["expected"] - shown["found"]) == 1 and shown["border"].endswith("/2")
    told = levelone("csim", tmp_path / "project", "--vectors", 300).stdout
    assert f"float32 rounds {line['ties']['count']} codes" in told and "exact, 300 vectors" in told

    graph, codes = codes_of(path, 2000)
    real = np.ascontiguousarray(real_inputs(graph, codes)[graph.inputs[0].source], np.float32)
    theirs = zip(quantised_values(graph), integers_of(network, real), strict=True)
    own = {name: whole for name, (whole, _) in theirs}
    (name,) = graph.outputs
    ties = FloatTies()
    (part,) = compare_module(graph, codes, {name: own[name]}, execute(graph, codes, keep="all"), ties, 0)
    assert part.mismatches == 0 and ties.count > 0


def swish(m: Model) -> str:
    x = m.quant("x", 0.5, 7)
    return m.quant(m.add("Mul", x, m.add("Sigmoid", x)), 1.0, 7)


def saturated(m: Model) -> str:
    return m.quant(m.add("Sigmoid", m.quant("x", 0.5, 7)), 1 / 16, 5, signed=False, mode="FLOOR")


def leaky(m: Model) -> str:
    return m.quant(m.add("LeakyRelu", m.quant("x", 0.125, 8), alpha=0.1), 0.125, 8)


def stairs(m: Model) -> str:
    """Too many codes for a table: a sum of 24 bits."""
    sums = m.add("MatMul", m.quant("x", 0.1, 12), m.weight(np.full((64, 4), 0.07), 0.01, bits=12))
    return m.quant(m.add("Tanh", sums), 1 / 64, 7)


@pytest.mark.parametrize("made", [swish, saturated, leaky, stairs])
def test_every_operation_that_rounds_is_judged(made, tmp_path: Path) -> None:
    m = Model(x=(64,))
    path = tmp_path / f"{made.__name__}.onnx"
    onnx.save(m.build(made(m)), path)
    graph, codes = codes_of(path, 300)
    line = float_line(path, graph, codes)
    tensors = run_qonnx(onnx.load(path), real_inputs(graph, codes))
    theirs, ours = float_codes(graph, tensors), execute(graph, codes, keep="all")
    (name,) = graph.outputs
    differing = int(np.count_nonzero(theirs[name] != ours[name]))
    assert line["other"] == {"count": 0, "layers": {}} and line["ties"]["count"] == differing
    if made is saturated:
        assert line["ties"]["systematic"][name]["float32"] == "above"
        assert "systematically below what float32 gives" in float_in_words(line)
    if made is not stairs:
        assert differing > 0


def test_a_table_that_is_wrong_is_no_tie(tmp_path: Path) -> None:
    m, other = Model(x=(64,)), Model(x=(64,))
    path, wrong = tmp_path / "right.onnx", tmp_path / "wrong.onnx"
    onnx.save(m.build(saturated(m)), path)
    onnx.save(
        other.build(other.quant(other.add("Sigmoid", other.quant("x", 0.5, 7)), 1 / 16, 5, signed=False)),
        wrong,
    )
    graph, codes = codes_of(path, 300)
    assert float_line(wrong, graph, codes)["other"]["count"] > 1000  # rounded to nearest, not down
