"""``.ci/run`` ends with the first of its steps that fails, whichever it is."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "run"
STEPS = re.findall(r"^(?:\.venv/bin|scripts)/.+$", SCRIPT.read_text(), re.MULTILINE)


def test_the_steps_are_found() -> None:
    assert len(STEPS) == 6 and len(set(STEPS)) == 6


@pytest.mark.parametrize("failing", [None, *STEPS])
def test_a_step_that_fails_ends_the_script(failing: str | None, tmp_path: Path) -> None:
    """Each step is a program that writes down how it was called, and fails if it is the one."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(SCRIPT, tmp_path / ".ci" / "run")
    for name in {step.split()[0] for step in STEPS}:
        program = tmp_path / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(
            f'#!/bin/sh\necho "{name}${{*:+ $*}}" >> called\n[ "{name}${{*:+ $*}}" != "{failing}" ]\n'
        )
        program.chmod(0o755)
    done = subprocess.run([tmp_path / ".ci" / "run"], capture_output=True, text=True, check=False)
    called = (tmp_path / "called").read_text().splitlines()
    assert (done.returncode == 0) is (failing is None)
    assert called == (STEPS if failing is None else STEPS[: STEPS.index(failing) + 1])
