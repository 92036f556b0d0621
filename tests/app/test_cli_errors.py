"""Bad input ends with exit code 2, one clear message, no traceback, and nothing half-written."""

from __future__ import annotations

import json
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import onnx
import pytest
from doublet_factory import CHARGE_UNIT_KE, detector, event

from levelone.data.doublets import sample_path
from levelone.data.schema import create
from levelone.errors import LeveloneError
from levelone.pipeline.modules import companions

from .conftest import MODEL, Levelone


def refused(done: object, *words: str) -> str:
    """The message, once everything about the refusal is checked."""
    code, out, err = done.returncode, done.stdout, done.stderr  # type: ignore[attr-defined]
    assert code == 2, (code, out, err)
    assert "Traceback" not in err
    assert err.count("error:") == 1, err
    for word in words:
        assert word in err, (word, err)
    return str(err)


def doublets(path: Path) -> Path:
    rng = np.random.default_rng(1)
    with create(path, detector(), CHARGE_UNIT_KE, {"seed": 1}) as writer:
        for split in (0, 0, 1, 2):
            writer.append(event(split, rng))
    return path


def _rewrite(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[h5py.File], None]:
    def apply(file: h5py.File) -> None:
        values = change(file[name][:])
        del file[name]
        file[name] = values

    return apply


def _negative(charge: np.ndarray) -> np.ndarray:
    values = charge.astype(np.int32)
    values[3] = -5
    return values


def _nan(charge: np.ndarray) -> np.ndarray:
    values = charge.astype(np.float32)
    values[3] = np.nan
    return values


DAMAGE: dict[str, tuple[Callable[[h5py.File], None], str]] = {
    "missing dataset": (lambda file: file.__delitem__("doublets/label"), "doublets/label"),
    "wrong shape": (_rewrite("doublets/label", lambda x: x[:, None]), "doublets/label"),
    "wrong type": (_rewrite("doublets/label", lambda x: x.astype(np.float64)), "doublets/label"),
    "negative charge": (_rewrite("pixels/charge", _negative), "pixels/charge"),
    "NaN charge": (_rewrite("pixels/charge", _nan), "pixels/charge"),
    "empty class": (_rewrite("doublets/label", lambda x: x * 0), "class"),
    "foreign": (lambda file: file.attrs.__delitem__("format"), "levelone"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_event_files(damage: str, levelone: Levelone, tmp_path: Path) -> None:
    path = doublets(tmp_path / "events.h5")
    change, word = DAMAGE[damage]
    with h5py.File(path, "r+") as file:
        change(file)
    out = tmp_path / "run"
    refused(levelone("run", "pixelseed", "--data", path, "--out", out), "events.h5", word)
    assert not (out / "float").exists()


def test_truncated_event_file(levelone: Levelone, tmp_path: Path) -> None:
    path = tmp_path / "short.h5"
    path.write_bytes(sample_path().read_bytes()[:100_000])
    refused(levelone("run", "pixelseed", "--data", path, "--out", tmp_path / "run"), "short.h5")


def test_missing_event_file(levelone: Levelone, tmp_path: Path) -> None:
    refused(
        levelone("run", "pixelseed", "--data", tmp_path / "none.h5", "--out", tmp_path / "run"), "none.h5"
    )


def test_unknown_recipe_key_names_the_nearest(levelone: Levelone, tmp_path: Path) -> None:
    done = levelone("run", "pixelseed", "--out", tmp_path / "run", "--set", "train.batchsize=512")
    refused(done, "train.batchsize", "batch_size")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("system = \n", "line 1"),
        ('system = "pixelseed"\n[train]\nbatch_size = "many"\n', "train.batch_size"),
        ('system = "pixelseed"\n[model]\nconvolution = []\n', "convolutions"),
        ('system = "pixelsee"\n', "pixelsee"),
    ],
)
def test_bad_recipes(text: str, word: str, levelone: Levelone, tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text(text)
    refused(levelone("run", "pixelseed", "--recipe", recipe, "--out", tmp_path / "run"), word)
    assert not (tmp_path / "run").exists()


def test_model_without_quantisers(levelone: Levelone, tmp_path: Path) -> None:
    x = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 4])
    y = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 4])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"], name="act")], "g", [x], [y])
    onnx.save(onnx.helper.make_model(graph), tmp_path / "float.onnx")
    refused(levelone("convert", tmp_path / "float.onnx", "-o", tmp_path / "p"), "float.onnx", "Quant")
    assert not (tmp_path / "p").exists()


def test_unsupported_node_is_named(levelone: Levelone, tmp_path: Path) -> None:
    model = onnx.load(MODEL)
    node = next(node for node in model.graph.node if node.op_type == "Relu")
    node.op_type, node.name = "NonZero", "strange"
    onnx.save(model, tmp_path / "odd.onnx")
    refused(levelone("convert", tmp_path / "odd.onnx", "-o", tmp_path / "p"), "NonZero")
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--reuse-layer=image_fcc=2", ("hls.layers.image_fcc", "'image_fc'")),
        ("--reuse-layer=flatten=2", ("flatten multiplies nothing", "image_fc")),
        ("--reuse-layer=conv1=0", ("hls.layers.conv1.reuse_factor = 0", "greater than 0")),
        ("--reuse-layer=conv1", ("--reuse-layer", "conv2=7")),
        ("--strategy-layer=fc1=fast", ("--strategy-layer fc1=fast", "resource")),
    ],
)
def test_choices_for_layers_that_make_no_sense(
    option: str, words: tuple[str, ...], levelone: Levelone, tmp_path: Path
) -> None:
    refused(levelone("convert", MODEL, "-o", tmp_path / "p", option), *words)
    assert not (tmp_path / "p").exists()


def test_choices_for_layers_reach_the_project(levelone: Levelone, tmp_path: Path) -> None:
    done = levelone(
        *("convert", MODEL, "-o", tmp_path / "p", "--io", "stream", "--json"),
        *("--reuse-layer", "fc1=47", "--strategy-layer", "fc1=resource", "--reuse-layer", "conv1=2"),
    )
    assert done.returncode == 0, done.stderr
    layers = {layer["name"]: layer["reuse_factor"] for layer in json.loads(done.stdout)["layers"]}
    assert (layers["conv1"], layers["fc1"], layers["fc2"]) == (2, 47, 1)


def test_recipes_name_the_layers_that_there_are(levelone: Levelone, tmp_path: Path) -> None:
    for system, name, near in (("pixelseed", "fc11", "'fc1'"), ("next", "conv22", "'conv2'")):
        done = levelone(
            "run", system, "--out", tmp_path / "run", "--set", f"hls.layers.{name}.reuse_factor=2"
        )
        refused(done, f"hls.layers.{name}", near)
        assert not (tmp_path / "run").exists()


def test_file_that_is_not_onnx(levelone: Levelone, tmp_path: Path) -> None:
    (tmp_path / "noise.onnx").write_bytes(np.random.default_rng(1).bytes(5000))
    refused(levelone("convert", tmp_path / "noise.onnx", "-o", tmp_path / "p"), "noise.onnx")


def test_missing_compiler(levelone: Levelone, project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "p"
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns("build"))
    refused(levelone("csim", copy, "--vectors", 10, env={"PATH": str(tmp_path), "LEVELONE_CXX": ""}), "g++")


def test_folder_that_is_not_a_project(levelone: Levelone, tmp_path: Path) -> None:
    refused(levelone("csim", tmp_path), "levelone.json")


def test_foreign_output_folder_is_left_alone(levelone: Levelone, tmp_path: Path) -> None:
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter1.tex").write_text("precious")
    refused(levelone("convert", MODEL, "-o", folder), "thesis")
    assert [path.name for path in folder.iterdir()] == ["chapter1.tex"]


def test_output_that_cannot_be_written(levelone: Levelone, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused(levelone("convert", MODEL, "-o", tmp_path / "file" / "project"), "file")


def test_full_disk_leaves_nothing(levelone: Levelone, tmp_path: Path) -> None:
    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = levelone("convert", MODEL, "-o", tmp_path / "project", preexec_fn=no_room)
    refused(done, "project")
    assert list(tmp_path.iterdir()) == []


def test_inputs_of_the_wrong_shape(levelone: Levelone, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((3, 2, 16, 15), np.float32))
    np.save(tmp_path / "f.npy", np.full((3, 35), np.nan, np.float32))
    np.save(tmp_path / "p.npy", np.zeros((3, 21), np.float32))
    files = {"images": "x.npy", "features": "f.npy", "pair": "p.npy"}
    given = [word for name, file in files.items() for word in ("--input", f"{name}={tmp_path / file}")]
    words = ("emulate", MODEL, *given, "-o", tmp_path / "y.npy")
    refused(levelone(*words), "images")
    np.save(tmp_path / "x.npy", np.zeros((3, 2, 4, 16), np.float32))
    refused(levelone(*words), "features")
    assert not (tmp_path / "y.npy").exists()


def test_damaged_golden_vectors_beside_a_model_are_refused(levelone: Levelone, tmp_path: Path) -> None:
    """Left out in silence, the project would be compared with less than whoever put them there expects."""
    shutil.copy(MODEL, tmp_path / "model.onnx")
    whole = (MODEL.parent / "vectors.h5").read_bytes()
    (tmp_path / "vectors.h5").write_bytes(whole[:-1000])
    refused(
        levelone("convert", tmp_path / "model.onnx", "-o", tmp_path / "project"),
        "vectors.h5",
        "export the model again",
    )
    assert not (tmp_path / "project").exists()


@pytest.mark.parametrize("put", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("elsewhere.h5")])
def test_golden_vectors_that_are_no_file_are_refused(put: Callable[[Path], object], tmp_path: Path) -> None:
    """A link that leads nowhere is what is left of a large file that was not fetched."""
    shutil.copy(MODEL, tmp_path / "model.onnx")
    put(tmp_path / "vectors.h5")
    message = r"vectors\.h5: (not a regular|no such) file[\s\S]*move it elsewhere"
    with pytest.raises(LeveloneError, match=message):
        companions(tmp_path / "model.onnx")


@pytest.mark.parametrize("verb", ["csim", "diff"])
def test_a_project_whose_golden_vectors_are_no_file_is_refused(
    verb: str, levelone: Levelone, project: Path, tmp_path: Path
) -> None:
    """Else its verdict would be one on random vectors alone."""
    copy = tmp_path / "project"
    shutil.copytree(project, copy)
    vectors = copy / "levelone" / "vectors.h5"
    vectors.unlink()
    vectors.symlink_to("elsewhere.h5")
    refused(levelone(verb, copy), "vectors.h5")
