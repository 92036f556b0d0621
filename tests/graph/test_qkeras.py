"""Networks that QKeras made and qonnx converted: equal to qonnx's execution and to Keras itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx_models import run_qonnx

from levelone.errors import LeveloneError
from levelone.graph import execute, quantise_inputs, read_qonnx, to_onnx_layout

FOLDER = Path(__file__).parent / "qkeras"
PORT = {"global_in": "fixed<8,3>"}
"""Of the inputs beside the networks: multiples of 1/32 from -4 to 4. QKeras networks do not say."""


def real(name: str, numbers: np.ndarray, graph, value: str) -> np.ndarray:
    scale = np.array([float(s) for s in graph.values[value].scale])
    return to_onnx_layout(graph, value, numbers * scale)


@pytest.mark.parametrize("name", ["dense", "images"])
def test_every_tensor_equals_qonnx_and_the_output_equals_keras(name: str) -> None:
    model, beside = onnx.load(FOLDER / f"{name}.onnx"), np.load(FOLDER / f"{name}.npz")
    graph = read_qonnx(FOLDER / f"{name}.onnx", PORT)
    layers = execute(graph, quantise_inputs(graph, {"global_in": beside["real"]}))
    few = run_qonnx(model, {"global_in": beside["real"][:5]})
    compared = 0
    for value, layout in graph.layouts.items():
        if layout.tensor and layout.tensor in few:
            found = real(name, layers[value][:5], graph, value)
            assert (found == few[layout.tensor].reshape(found.shape)).all(), value
            compared += 1
    assert compared >= 5
    found = real(name, layers[graph.outputs[0]], graph, graph.outputs[0])
    assert (found == beside["predicted"]).all()
    assert len(np.unique(found)) > 10


def test_the_input_needs_a_type() -> None:
    with pytest.raises(LeveloneError, match=r"--port 'global_in=fixed<16,6>'"):
        read_qonnx(FOLDER / "images.onnx")


def test_what_follows_the_network_is_left_off() -> None:
    graph = read_qonnx(FOLDER / "dense.onnx", PORT)
    assert [text.split("(")[1].split(")")[0] for text in graph.left_off] == [
        "Softmax",
        "Identity",
        "Identity",
    ]
    assert [type(node.op).__name__ for node in graph] == ["Dense", "Relu", "Requantise", "Dense"]


def test_the_port_is_channels_last() -> None:
    graph = read_qonnx(FOLDER / "images.onnx", PORT)
    assert graph.inputs[0].value.shape == (8, 8, 2)
    assert not graph.inputs[0].channels_first
    assert not any(type(node.op).__name__ == "Transpose" for node in graph)
