"""``--json``: exactly one JSON object on standard output; the exit code is the verdict."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from .conftest import MODEL, ROOT, Levelone


def documented_keys() -> set[str]:
    """First column of the table in docs/continuous-integration.md."""
    text = (ROOT / "docs" / "continuous-integration.md").read_text()
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {key for row in rows for key in re.findall(r"`(\w+)`", row)}


def one_object(text: str) -> dict[str, object]:
    assert text.count("\n") == 1
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


def test_exact_project(levelone: Levelone, project: Path) -> None:
    done = levelone("csim", project, "--vectors", 60, "--seed", 3, "--json")
    found = one_object(done.stdout)
    assert done.returncode == 0, done.stderr
    assert found.keys() == documented_keys()
    assert found["edited_files"] == []
    assert found["verdict"] == "exact"
    assert found["vectors"] == 60
    assert found["first_mismatch"] is None
    layers = found["layers"]
    assert isinstance(layers, list)
    assert {"conv1", "act1", "image_fc", "fc1", "logit"} <= {layer["name"] for layer in layers}
    assert all(layer["compared"] > 0 and layer["mismatches"] == layer["max_lsb"] == 0 for layer in layers)


def test_golden_vectors_and_module_are_the_default(levelone: Levelone, project: Path) -> None:
    done = levelone("csim", project, "--json")
    found = one_object(done.stdout)
    assert (done.returncode, found["verdict"]) == (0, "exact")
    assert "module" in json.dumps(found)


def test_broken_project(levelone: Levelone, broken_project: Path) -> None:
    done = levelone("csim", broken_project, "--vectors", 60, "--json")
    found = one_object(done.stdout)
    assert (done.returncode, found["verdict"]) == (1, "mismatch")
    first = found["first_mismatch"]
    assert isinstance(first, dict)
    assert first["layer"] == "evidence"
    assert first["expected"] != first["found"]
    assert found["edited_files"] == ["firmware/weights/evidence_weight.h"]


def test_model_in_the_project_that_is_another(levelone: Levelone, project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "other"
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns("build"))
    path = copy / "levelone" / "model.onnx"
    path.write_bytes(path.read_bytes() + b"\n")
    done = levelone("csim", copy, "--vectors", 10, "--json")
    assert done.returncode == 2
    assert one_object(done.stdout)["verdict"] == "not comparable"


def test_failure_is_an_object_too(levelone: Levelone, tmp_path: Path) -> None:
    done = levelone("csim", tmp_path, "--json")
    found = one_object(done.stdout)
    assert done.returncode == 2
    assert found["verdict"] == "not comparable"
    assert found["error"]
    assert found.keys() - {"error", "hint"} < documented_keys()


@pytest.mark.parametrize("words", [["list"], ["doctor"]])
def test_reports_on_the_machine(words: list[str], levelone: Levelone) -> None:
    done = levelone(*words, "--json")
    assert done.returncode == 0
    one_object(done.stdout)


def test_convert_and_emulate(levelone: Levelone, tmp_path: Path) -> None:
    done = levelone("convert", MODEL, "-o", tmp_path / "p", "--io", "stream", "--clock", 5, "--json")
    found = one_object(done.stdout)
    assert (found["hls"]["io"], found["hls"]["clock_ns"]) == ("stream", 5.0)
    rng = np.random.default_rng(1)
    np.savez(
        tmp_path / "in.npz",
        images=rng.random((20, 2, 4, 16), np.float32) * 20,
        features=rng.normal(size=(20, 35)).astype(np.float32),
        pair=np.eye(21, dtype=np.float32)[rng.integers(0, 21, 20)],
    )
    done = levelone("emulate", MODEL, "--input", tmp_path / "in.npz", "-o", tmp_path / "y.npy", "--json")
    one_object(done.stdout)
    assert done.returncode == 0, done.stderr
    assert np.load(tmp_path / "y.npy").shape == (20, 1)


def test_inspect(levelone: Levelone) -> None:
    done = levelone("inspect", MODEL, "--json")
    found = one_object(done.stdout)
    assert done.returncode == 0
    layers = found["layers"]
    totals = found["totals"]
    assert isinstance(layers, list)
    assert isinstance(totals, dict)
    convolution = next(layer for layer in layers if layer["name"] == "conv1")
    # 1 x 4 positions, 8 filters, kernels of 4 x 4 over 2 channels
    assert convolution["macs"] == 4 * 8 * 4 * 4 * 2
    assert totals["macs"] == sum(layer["macs"] for layer in layers)
    assert totals["saved_bits"] > 0
    assert "conv1" in levelone("inspect", MODEL).stdout
