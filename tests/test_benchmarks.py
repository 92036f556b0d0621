"""Every benchmark is a command with ``--help`` and ``--json``, and benchmarks/README.md names each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "benchmarks"
NAMES = sorted(
    [path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__"]
    + [path.parent.name for path in FOLDER.glob("*/__main__.py")]
)


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_is_a_command(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "--json" in done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_the_page_names_every_benchmark(name: str) -> None:
    assert f"`python -m benchmarks.{name}" in (FOLDER / "README.md").read_text()
