"""Compiling a project with g++, unless the very same sources were compiled before."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from levelone.errors import LeveloneError
from levelone.files import atomic_path, sha256, write_text
from levelone.hls.overlay import overlay
from levelone.hls.toolchain import HINT, Compiler

# -w shows no warning, but the pass that looks for wrong calls of free and delete runs unless each of its
# warnings is off. It takes a fifth to a half of the time of a unit and changes nothing of what is made.
UNWATCHED = ("-Wno-free-nonheap-object", "-Wno-mismatched-dealloc", "-Wno-mismatched-new-delete")
FLAGS = ("-std=c++17", "-O2", "-fPIC", "-w", *UNWATCHED)
BUILD = "build"
LIBRARY = "csim.so"


def compiled(project: Path, top: str, compiler: Compiler) -> tuple[Path, bool]:
    """The shared object of a project's firmware as it lies there, and whether it was there before.

    What is compiled is a copy, and the digest is the copy's: sources that change meanwhile can neither end up
    in the library nor under its key. ``sources.json`` beside the library says which ones it is made of.

    Parameters
    ----------
    top
        Name of the top function.

    Raises
    ------
    LeveloneError
        If a source is missing or does not compile.
    """
    project = project.resolve()
    units = units_of(top)
    library = _place(project, _digests(project, units), compiler)
    if library.is_file():
        return library, True
    with tempfile.TemporaryDirectory(prefix="levelone-csim-") as folder:
        copy = Path(folder) / project.name
        _copy(project, units, copy)
        digests = _digests(copy, units)
        library = _place(project, digests, compiler)
        if library.is_file():
            return library, True
        made = _compile(copy, units, compiler, Path(folder))
        write_text(library.with_name("sources.json"), json.dumps(digests, indent=1) + "\n")
        with atomic_path(library) as scratch:
            shutil.copyfile(made, scratch)
    for other in library.parent.parent.iterdir():
        if other != library.parent and (other / LIBRARY).is_file():
            shutil.rmtree(other, ignore_errors=True)
    return library, False


def _sources(project: Path, units: tuple[Path, ...]) -> list[Path]:
    """Everything that the library may depend on, by its path in the project."""
    for unit in units:
        if not (project / unit).is_file():
            raise LeveloneError(f"{project} is incomplete: {unit} is missing", hint="convert the model again")
    found = (path.relative_to(project) for path in (project / "firmware").rglob("*") if path.is_file())
    return list(dict.fromkeys([*sorted(found), *units]))


def _digests(project: Path, units: tuple[Path, ...]) -> dict[str, str]:
    return {path.as_posix(): sha256(project / path) for path in _sources(project, units)}


def _copy(project: Path, units: tuple[Path, ...], target: Path) -> None:
    for path in _sources(project, units):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(project / path, target / path)


def _place(project: Path, digests: Mapping[str, str], compiler: Compiler) -> Path:
    """Where the library of these sources lies in the project."""
    text = json.dumps([compiler.version, [*FLAGS, *compiler.flags], digests])
    return project / BUILD / hashlib.sha256(text.encode()).hexdigest()[:16] / LIBRARY


def _compile(project: Path, units: tuple[Path, ...], compiler: Compiler, folder: Path) -> Path:
    """The library of the sources in `project`, made in `folder`."""
    library = folder / LIBRARY
    weights = folder / "weights.h"
    weights.write_text(overlay(_weights(project / "firmware")), encoding="utf-8")
    words = [*FLAGS, *compiler.flags, *one_unit(weights, *units), "-shared", "-o", str(library)]
    _call([str(compiler.path), *words], project)
    return library


def one_unit(*sources: Path) -> list[str]:
    """Arguments that compile sources of a project as one, in its folder.

    Most of the time goes into the templates of ap_fixed, which firmware and bridge both need.
    """
    *before, last = map(str, sources)
    # quoted: a project called "math" has a firmware/math.h, which is not what <math.h> means
    search = ["-I", "firmware/ap_types", "-iquote", "firmware"]
    return [*search, *(word for path in before for word in ("-include", path)), last]


def units_of(top: str) -> tuple[Path, Path]:
    """Firmware and bridge of the top function, by their paths in the project."""
    return Path("firmware") / f"{top}.cpp", Path(f"{top}_bridge.cpp")


def _weights(firmware: Path) -> list[Path]:
    """The parameter headers that the firmware includes; there may be copies beside them."""
    parameters = firmware / "parameters.h"
    included = parameters.read_text(encoding="utf-8", errors="replace") if parameters.is_file() else ""
    return [
        path for path in sorted((firmware / "weights").glob("*.h")) if f'weights/{path.name}"' in included
    ]


def _call(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as error:
        raise LeveloneError(f"{command[0]} does not run: {error}") from error
    if done.returncode < 0:
        ended = signal.Signals(-done.returncode).name
        raise LeveloneError(
            f"{command[0]} was ended by {ended} while compiling {folder.name}",
            hint="it may have needed more memory than there is; run the command again",
        )
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
        shown = "\n".join(errors[:10]) or f"exit status {done.returncode}"
        raise LeveloneError(
            f"{folder.name} does not compile:\n{shown}",
            hint="if the firmware was edited by hand, undo it or convert the model again",
        )
    made = Path(command[-1])
    if not made.is_file():
        raise LeveloneError(f"{command[0]} ended without an error and without {made.name}", hint=HINT)
