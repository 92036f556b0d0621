"""The C++ compiler: found once, its version checked, an error that says what to do."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from levelone.errors import LeveloneError

OVERRIDE = "LEVELONE_CXX"
MORE_FLAGS = "LEVELONE_CXXFLAGS"
OLDEST = (9, 0)
HINT = f"install g++ (Debian, Ubuntu: apt install g++), or point {OVERRIDE} at a C++17 compiler"


@dataclass(frozen=True)
class Compiler:
    """A C++ compiler that can build csim.

    Attributes
    ----------
    path
        The executable.
    version
        First line of its ``--version``.
    flags
        What it is told behind levelone's own flags: ``-O0`` compiles faster and runs slower.
    """

    path: Path
    version: str
    flags: tuple[str, ...] = ()


def find_compiler() -> Compiler:
    """The compiler named by ``LEVELONE_CXX``, else ``g++`` on the PATH; ``LEVELONE_CXXFLAGS`` holds flags.

    Raises
    ------
    LeveloneError
        If there is none, it does not run, it is too old, or a quote in the flags is not closed.
    """
    wanted = os.environ.get(OVERRIDE) or "g++"
    found = shutil.which(wanted)
    if found is None:
        where = f"{OVERRIDE}={wanted}" if os.environ.get(OVERRIDE) else "g++ on the PATH"
        raise LeveloneError(f"no C++ compiler: {where} was not found", hint=HINT)
    try:
        shown = subprocess.run(
            [found, "--version"], capture_output=True, text=True, errors="replace", timeout=60, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise LeveloneError(f"{found} does not run: {error}", hint=HINT) from error
    first = shown.splitlines()[0] if shown else ""
    number = re.search(r"(\d+)\.(\d+)(?:\.\d+)?", re.sub(r"\(.*?\)", "", first))
    if number is None:
        raise LeveloneError(f"{found} --version says {first!r}: no version number in it", hint=HINT)
    version = (int(number[1]), int(number[2]))
    if "clang" not in first and version < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise LeveloneError(f"{found} is version {number[0]}, csim needs at least {oldest}", hint=HINT)
    return Compiler(Path(found), first, _more_flags())


def _more_flags() -> tuple[str, ...]:
    said = os.environ.get(MORE_FLAGS, "")
    try:
        return tuple(shlex.split(said))
    except ValueError as error:
        raise LeveloneError(f"{MORE_FLAGS}={said!r}: {error}", hint="close the quote") from error
