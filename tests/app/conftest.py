"""The command line as a user runs it: another process, its exit code, its two streams."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "hls_projects" / "pixelseed" / "model.onnx"
TINY = {
    "data.max_train": 3000,
    "data.max_validation": 1000,
    "data.max_test": 1500,
    "train.float_epochs": 2,
    "train.quantised_epochs": 1,
    "verify.events": 200,
    "verify.random": 100,
    "rtl": "false",
}
"""Recipe keys that make the whole chain run in a minute."""

Levelone = Callable[..., subprocess.CompletedProcess[str]]


def tiny(**changes: object) -> list[str]:
    """``--set`` options of the tiny recipe."""
    settings = TINY | {key.replace("__", "."): value for key, value in changes.items()}
    return [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]


def command(*words: object) -> list[str]:
    """The installed program beside this interpreter."""
    return [str(Path(sys.executable).with_name("levelone")), *map(str, words)]


@pytest.fixture(scope="session")
def levelone() -> Levelone:
    def run(
        *words: object, env: dict[str, str] | None = None, **options: object
    ) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"COLUMNS": "200"} | (env or {})
        return subprocess.run(
            command(*words), capture_output=True, text=True, timeout=500, env=environment, **options
        )

    return run


@pytest.fixture(scope="session")
def project(levelone: Levelone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed model as a project; the golden vectors and the trained module come along."""
    folder = tmp_path_factory.mktemp("cli") / "project"
    done = levelone("convert", MODEL, "-o", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def broken_project(project: Path, tmp_path: Path) -> Path:
    """A copy with one weight changed."""
    copy = tmp_path / "broken"
    shutil.copytree(project, copy)
    weights = copy / "firmware" / "weights" / "evidence_weight.h"
    text = weights.read_text()
    head, body = text[: text.index("= {") + 3], text[text.index("= {") + 3 :]
    first, rest = body.split(",", 1)
    weights.write_text(f"{head}{-float(first) if float(first) else 0.25},{rest}")
    return copy
