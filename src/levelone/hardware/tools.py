"""Programs of others that levelone runs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from levelone.errors import LeveloneError


def run_tool(
    command: Sequence[str],
    failure: str,
    *,
    folder: Path | None = None,
    results: Iterable[Path] = (),
    environment: Mapping[str, str] | None = None,
    lines: int = 10,
) -> None:
    """Run a program, quietly unless it fails.

    Parameters
    ----------
    failure
        What is said if it does.
    folder
        Where it runs; by default here.
    results
        Files that it has to leave.
    environment
        Variables that it needs besides.
    lines
        Of the last that it said, how many are shown if it fails.

    Raises
    ------
    LeveloneError
        If it fails, or leaves a file out.
    """
    variables = {**os.environ, **(environment or {})}
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    if done.returncode or not all(path.is_file() for path in results):
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-lines:])
        raise LeveloneError(f"{failure}:\n{said}")
