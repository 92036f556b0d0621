"""Reading, looking at, computing with, saving and converting a model from Python."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx_models import Model

import levelone
from levelone.graph import execute, quantise_inputs, to_onnx_layout

from .conftest import FILE

PAIR = np.zeros((1, 21))


def test_inputs_and_outputs(model: levelone.Model) -> None:
    assert model.inputs == {"images": (2, 4, 16), "features": (35,), "pair": (21,)}
    assert model.outputs == {"logit": (1,)}
    assert model.path == FILE


def test_layers_are_a_table(model: levelone.Model) -> None:
    layers = model.inspect()
    rows = list(layers)
    assert [layer["name"] for layer in rows] == [node.name for node in model.graph]
    assert len(layers) == len(model.graph.nodes)
    # 4 x 4 positions, 8 filters, kernels of 4 x 4 over 2 channels
    assert layers["conv1"]["macs"] == 4 * 8 * 4 * 4 * 2
    assert (layers[0], layers[np.int64(-1)], layers[1:3]) == (rows[0], rows[-1], rows[1:3])
    assert list(reversed(layers)) == rows[::-1]
    with pytest.raises(IndexError):
        layers[len(layers)]
    assert "conv1" in str(layers)
    assert f"{layers.to_dict()['totals']['macs']:,} multiply-accumulates" in str(layers)
    assert "<table>" in layers._repr_html_()
    with pytest.raises(levelone.LeveloneError, match="did you mean 'conv1'"):
        layers["conv"]


def test_emulation_is_the_reference(model: levelone.Model, arrays: dict[str, np.ndarray]) -> None:
    expected = execute(model.graph, quantise_inputs(model.graph, arrays), keep="all")
    codes = model.emulate(arrays, codes=True)
    assert isinstance(codes, np.ndarray)
    assert codes.dtype == np.int64
    assert (codes == expected["logit"]).all()
    real = model.emulate(*arrays.values())
    assert (real == codes * float(model.graph.values["logit"].scale[0])).all()
    every = model.emulate(arrays, codes=True, every=True)
    assert every.keys() == model.graph.values.keys()
    assert (every["conv1"] == to_onnx_layout(model.graph, "conv1", expected["conv1"])).all()


def test_tensors_and_lists_will_do(model: levelone.Model, arrays: dict[str, np.ndarray]) -> None:
    expected = model.emulate(arrays)
    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in arrays.items()}
    assert (model.emulate(tensors) == expected).all()
    features = arrays["features"].tolist()
    assert (model.emulate(arrays["images"], features, arrays["pair"]) == expected).all()
    assert model.emulate(*(array[:0] for array in arrays.values())).shape == (0, 1)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([np.zeros((1, 2, 4, 16))], r"each input \(images, features, pair\) expected, found 1"),
        ([{"images": np.zeros((1, 2, 4, 16))}], "'features' is missing"),
        ([{"pictures": np.zeros(1)}], "no input is called 'pictures'"),
        (
            [np.zeros((1, 2, 8, 8)), np.zeros((1, 35)), PAIR],
            r"shape \(1, 2, 8, 8\), expected \(events, 2, 4",
        ),
        ([np.zeros((1, 2, 4, 16)), np.full((1, 35), np.nan), PAIR], "nan in event 0"),
        ([np.zeros((1, 2, 4, 16)), np.full((1, 35), "x"), PAIR], "numbers expected"),
        ([np.zeros((1, 2, 4, 16)), np.zeros((2, 35)), PAIR], "different numbers of events"),
        ([np.zeros((1, 2, 4, 16)), [[1.0], [2.0, 3.0]], PAIR], "'features': no array can be made of it"),
        ([{}, np.zeros(1)], "one mapping, or one array per input"),
    ],
)
def test_inputs_that_cannot_be_used(model: levelone.Model, inputs: list[object], message: str) -> None:
    with pytest.raises(levelone.LeveloneError, match=message):
        model.emulate(*inputs)


def test_saved_and_read_again(model: levelone.Model, tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    copy = levelone.read(model.save(tmp_path / "deep" / "copy.onnx"))
    assert (copy.emulate(arrays, codes=True) == model.emulate(arrays, codes=True)).all()
    with pytest.raises(levelone.LeveloneError, match=r"ends in \.onnx"):
        model.save(tmp_path / "copy.txt")


def test_a_project_folder_is_read_too(project: levelone.Project) -> None:
    assert levelone.read(project.folder).name == "pixelseed"


def test_a_file_that_changed_is_not_converted(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    shutil.copy(FILE, path)
    model = levelone.read(path)
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(levelone.LeveloneError, match="has changed since it was read"):
        model.convert(tmp_path / "project")
    assert not (tmp_path / "project").exists()


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(levelone.LeveloneError, match="cannot read"):
        levelone.read(tmp_path / "no.onnx")
    with pytest.raises(levelone.LeveloneError, match=r"no model\.onnx"):
        levelone.read(tmp_path)


def test_choices_that_are_none(model: levelone.Model, tmp_path: Path) -> None:
    with pytest.raises(levelone.LeveloneError, match=r"hls\.io = \"both\": input should be 'parallel'"):
        model.convert(tmp_path / "p", io="both")
    with pytest.raises(levelone.LeveloneError, match=r"unknown key hls\.layers\.conv1\.reuse"):
        model.convert(tmp_path / "p", layers={"conv1": {"reuse": 2}})
    assert not (tmp_path / "p").exists()


def test_ports_are_declared(tmp_path: Path) -> None:
    """A network whose input no quantiser follows."""
    made = Model(x=(4,))
    made.add("MatMul", "x", made.weight(np.eye(4), 0.25), out="y")
    path = tmp_path / "bare.onnx"
    path.write_bytes(made.build("y").SerializeToString())
    with pytest.raises(levelone.LeveloneError):
        levelone.read(path)
    model = levelone.read(path, ports={"x": "int8"})
    assert (model.emulate([[1, -2, 3, 4]]) == [[1, -2, 3, 4]]).all()
    with pytest.warns(
        levelone.PortWarning, match="2 of 4 values, from -300 to 300, saturate .*; .* 2 of 4"
    ) as told:
        found = model.emulate([[300, -300, 0.4, 0.6]], codes=True)
    assert (found == [[4 * 127, 4 * -128, 0, 4]]).all()
    assert told[0].filename == __file__
    (port,) = model.entering([[300, -300, 0.4, 0.6]])
    assert (port["declared"], port["saturated"], port["rounded"]) == (True, 2, 2)
    project = model.convert(tmp_path / "project")
    assert levelone.read(project.folder).emulate([[5, 6, 7, 8]]).tolist() == [[5, 6, 7, 8]]
