"""Models of others on the command line: what cannot be carried ends with exit code 2 and one message."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx_models import Model

from .conftest import Levelone

QKERAS = Path(__file__).parents[1] / "graph" / "qkeras" / "images.onnx"


def unsupported(path: Path) -> Path:
    m = Model(x=(3, 8))
    x = m.add("LRN", m.quant("x", 0.25, 4), out="normalised", size=3, alpha=0.5)
    onnx.save(m.build(m.quant(x, 0.25, 4)), path)
    return path


@pytest.mark.parametrize("verb", ["inspect", "convert", "emulate"])
def test_an_unsupported_node_is_one_message_and_exit_code_2(
    verb: str, levelone: Levelone, tmp_path: Path
) -> None:
    model = unsupported(tmp_path / "foreign.onnx")
    np.save(tmp_path / "x.npy", np.zeros((2, 3, 8), np.float32))
    options = {
        "inspect": [],
        "convert": ["-o", tmp_path / "project"],
        "emulate": ["--input", tmp_path / "x.npy", "-o", tmp_path / "y.npy"],
    }[verb]
    done = levelone(verb, model, *options)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("error:") == 1
    assert "Traceback" not in done.stderr
    for word in ("n_normalised", "LRN", "size=3", "alpha=0.5", "nearest supported form"):
        assert word in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"foreign.onnx", "x.npy"}


def test_a_port_is_declared_on_the_command_line(levelone: Levelone, tmp_path: Path) -> None:
    beside = np.load(QKERAS.with_suffix(".npz"))
    np.save(tmp_path / "x.npy", beside["real"])
    arguments = ["emulate", QKERAS, "--input", tmp_path / "x.npy", "-o", tmp_path / "y.npy"]
    refused = levelone(*arguments)
    assert refused.returncode == 2
    assert "--port 'global_in=fixed<16,6>'" in refused.stderr
    for wrong, message in (
        ("global_in=float", "no type of a port"),
        ("other=int8", "no input is called 'other'"),
    ):
        done = levelone(*arguments, "--port", wrong)
        assert done.returncode == 2
        assert message in done.stderr
    done = levelone(*arguments, "--port", "global_in=int8", "--port", "global_in=int4")
    assert done.returncode == 2
    assert "global_in has been declared already" in done.stderr
    done = levelone(*arguments, "--port", "global_in=fixed<8,3>")
    assert done.returncode == 0, done.stderr
    assert (np.load(tmp_path / "y.npy") == beside["predicted"]).all()
