"""What is distributed: the wheel holds every file of the package, and runs where there is no clone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from .conftest import ROOT

SMALL: dict[str, object] = {
    "rtl": "false",
    "data.max_train": 1000,
    "data.max_validation": 500,
    "data.max_test": 500,
    "model.image_dense": 4,
    "model.dense": "[4]",
    "train.float_epochs": 1,
    "train.quantised_epochs": 1,
    "verify.events": 20,
    "verify.random": 20,
}
SETTINGS = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
OFFLINE = ["--no-deps", "--no-index"]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as it is in the clone, without what earlier builds left there."""
    folder = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src" / "levelone", folder / "src" / "levelone", ignore=ignored)
    return folder


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    words = ["wheel", *OFFLINE, "--no-build-isolation", "--wheel-dir", str(folder), str(source)]
    subprocess.run([*PIP, *words], check=True, timeout=300)
    (found,) = folder.iterdir()
    return found


def test_every_file_of_the_package_is_in_the_wheel(source: Path, wheel: Path) -> None:
    package = source / "src" / "levelone"
    wanted = {path.relative_to(package.parent).as_posix() for path in package.rglob("*") if path.is_file()}
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.split("/")[0].endswith(".dist-info")}
    assert held == wanted
    assert {Path(name).suffix for name in held} >= {
        ".py",
        ".typed",
        ".toml",
        ".h",
        ".sv",
        ".cpp",
        ".h5",
        ".html",
    }


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with nothing but the wheel; its dependencies are found where the tests find them.

    A line of a .pth file adds that folder to the path without reading the .pth files inside: what is
    installed there in editable form, levelone itself above all, is not seen.
    """
    folder = tmp_path_factory.mktemp("venv") / "env"
    venv.create(folder, symlinks=True, with_pip=False)
    python = folder / "bin" / "python"
    subprocess.run([*PIP, "--python", str(python), "install", *OFFLINE, str(wheel)], check=True, timeout=300)
    (packages,) = folder.glob("lib/python*/site-packages")
    dependencies = dict.fromkeys(sysconfig.get_paths()[kind] for kind in ("purelib", "platlib"))
    (packages / "dependencies.pth").write_text("\n".join(dependencies) + "\n")
    return folder


@pytest.mark.slow
def test_the_wheel_runs_pixelseed_outside_a_clone(installed: Path, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment.pop("VIRTUAL_ENV", None)

    def program(name: str, *words: object) -> str:
        done = subprocess.run(
            [str(installed / "bin" / name), *map(str, words)],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=500,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    place = program("python", "-c", "import levelone; print(levelone.__file__)")
    assert Path(place.strip()).is_relative_to(installed)
    told = json.loads(program("levelone", "run", "pixelseed", "--json", *SETTINGS))
    assert told["verdict"] == "exact"
    run = tmp_path / "runs" / "pixelseed"
    assert "exact" in (run / "report.html").read_text()
    # what a run does not reach: the blocks of SystemVerilog
    program("levelone", "rtl", run / "model.onnx", "-o", tmp_path / "rtl")
    assert list((tmp_path / "rtl").rglob("*.sv"))
