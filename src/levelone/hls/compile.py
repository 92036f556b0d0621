"""Compiling a project with g++, unless the very same sources were compiled before."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from levelone.errors import LeveloneError
from levelone.files import atomic_path
from levelone.hls.overlay import overlay
from levelone.hls.toolchain import HINT, Compiler

FLAGS = ("-std=c++17", "-O2", "-fPIC", "-w")
BUILD = "build"


def compiled(project: Path, top: str, compiler: Compiler) -> tuple[Path, bool]:
    """The shared object of a project's firmware as it lies there, and whether it was there before.

    Parameters
    ----------
    top
        Name of the top function.

    Raises
    ------
    LeveloneError
        If a source is missing or does not compile.
    """
    units = (Path("firmware") / f"{top}.cpp", Path(f"{top}_bridge.cpp"))
    for unit in units:
        if not (project / unit).is_file():
            raise LeveloneError(f"{project} is incomplete: {unit} is missing", hint="convert the model again")
    target = project.resolve() / BUILD / _key(project, units, compiler) / "csim.so"
    if target.is_file():
        return target, True
    _compile(project.resolve(), units, compiler, target)
    for other in target.parent.parent.iterdir():
        if other != target.parent and (other / "csim.so").is_file():
            shutil.rmtree(other, ignore_errors=True)
    return target, False


def _key(project: Path, units: tuple[Path, ...], compiler: Compiler) -> str:
    """Digest of everything that the library depends on."""
    sources = sorted(
        path.relative_to(project) for path in (project / "firmware").rglob("*") if path.is_file()
    )
    digest = hashlib.sha256(json.dumps([compiler.version, FLAGS]).encode())
    for path in dict.fromkeys([*sources, *units]):
        content = (project / path).read_bytes()
        digest.update(f"\0{path.as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def _compile(project: Path, units: tuple[Path, ...], compiler: Compiler, target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="levelone-csim-") as folder:
        objects = [Path(folder) / f"{unit.stem}.o" for unit in units]
        weights = Path(folder) / "weights.h"
        weights.write_text(overlay(sorted((project / "firmware" / "weights").glob("*.h"))), encoding="utf-8")
        # quoted: a project called "math" has a firmware/math.h, which is not what <math.h> means
        includes = ["-I", "firmware/ap_types", "-iquote", "firmware"]
        extra = [["-include", str(weights)], []]  # the first unit is the firmware itself
        commands = [
            [str(compiler.path), *FLAGS, *includes, *more, "-c", str(unit), "-o", str(made)]
            for unit, made, more in zip(units, objects, extra, strict=True)
        ]
        with ThreadPoolExecutor(len(commands)) as pool:
            list(pool.map(lambda command: _call(command, project), commands))
        with atomic_path(target) as scratch:
            _call([str(compiler.path), "-shared", *map(str, objects), "-o", str(scratch)], project)


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
