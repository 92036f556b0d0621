"""The whole chain on a tiny recipe: from events to verdict and report; skipping; going on after a kill."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from .conftest import Levelone, command, tiny

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(levelone: Levelone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "out"
    done = levelone("run", "pixelseed", "--out", folder, "--json", *tiny())
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"] == "exact"
    return folder


def test_everything_is_there(finished: Path) -> None:
    names = (
        "module.pt",
        "model.onnx",
        "vectors.h5",
        "csim.json",
        "metrics.json",
        "report.html",
        "recipe.toml",
    )
    assert [name for name in names if not (finished / name).is_file()] == []
    page = (finished / "report.html").read_text()
    assert "exact" in page
    assert "http-equiv" not in page
    assert 'src="http' not in page
    csim = json.loads((finished / "csim.json").read_text())
    assert csim["verdict"] == "exact"
    assert csim["vectors"] >= 300


def test_second_run_skips_everything(finished: Path, levelone: Levelone) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.glob("*.*") if path.name != "state.json"}
    done = levelone("run", "pixelseed", "--out", finished, *tiny())
    assert done.returncode == 0, done.stderr
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_changed_hardware_does_not_train_again(finished: Path, levelone: Levelone) -> None:
    module = finished / "module.pt"
    before = module.stat().st_mtime_ns
    done = levelone("run", "pixelseed", "--out", finished, *tiny(hls__clock_ns=4.0))
    assert done.returncode == 0, done.stderr
    assert module.stat().st_mtime_ns == before
    assert json.loads((finished / "project" / "levelone.json").read_text())["hls"]["clock_ns"] == 4.0


def test_killed_run_ends_with_the_same_weights(finished: Path, levelone: Levelone, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    words = command("run", "pixelseed", "--out", folder, *tiny())
    process = subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    for _ in range(1200):
        if (folder / "float" / "last.ckpt").exists() or process.poll() is not None:
            break
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (folder / "module.pt").exists(), "the run was over before it was killed"
    done = levelone("run", "pixelseed", "--out", folder, *tiny())
    assert done.returncode == 0, done.stderr
    digests = [hashlib.sha256((run / "model.onnx").read_bytes()).hexdigest() for run in (finished, folder)]
    assert digests[0] == digests[1]
