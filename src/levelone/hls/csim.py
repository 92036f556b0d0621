"""The C simulation: compile what lies in a project folder, run it, record the integers of every layer."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from queue import Queue
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.files import atomic_path
from levelone.graph.values import Codes
from levelone.hardware.body import Chunk, OutOfStepError
from levelone.hls.manifest import Manifest, Port, read_manifest
from levelone.hls.overlay import overlay
from levelone.hls.toolchain import HINT, Compiler, find_compiler

FLAGS = ("-std=c++17", "-O2", "-fPIC", "-w")
BUILD = "build"
STREAM_WARNING = "WARNING: Hls::stream"
_CHUNK_BYTES = 16 << 20
_TAIL = 4000
_PLAIN_EXPONENT = 500  # far from where float64 ends


@dataclass(frozen=True)
class BuiltCsim:
    """A compiled project.

    Attributes
    ----------
    library
        The shared object.
    manifest
        The project's `levelone.json`.
    build_seconds
        Wall time of the build; nearly nothing if `reused`.
    reused
        Whether an earlier build of the very same sources was found.
    """

    library: Path
    manifest: Manifest
    build_seconds: float
    reused: bool

    def run(self, codes: Mapping[str, Codes], *, workers: int | None = None) -> Iterator[Chunk]:
        """See `run_chunks`."""
        return run_chunks(self, codes, workers=workers)


def build(project: Path, *, compiler: Compiler | None = None) -> BuiltCsim:
    """Compile the firmware that is in `project`, as it is, unless the very same sources were compiled before.

    Raises
    ------
    LeveloneError
        If `project` is not a levelone project, there is no compiler, or the sources do not compile.
    """
    start = time.perf_counter()
    manifest = read_manifest(project)
    compiler = compiler or find_compiler()
    units = _units(manifest)
    key = _key(manifest.project, units, compiler)
    target = manifest.project.resolve() / BUILD / key / "csim.so"
    reused = target.is_file()
    if not reused:
        _compile(manifest.project.resolve(), units, compiler, target)
        for other in target.parent.parent.iterdir():
            if other != target.parent and (other / "csim.so").is_file():
                shutil.rmtree(other, ignore_errors=True)
    return BuiltCsim(target, manifest, time.perf_counter() - start, reused)


def _units(manifest: Manifest) -> tuple[Path, ...]:
    units = (Path("firmware") / f"{manifest.name}.cpp", Path(f"{manifest.name}_bridge.cpp"))
    for unit in units:
        if not (manifest.project / unit).is_file():
            raise LeveloneError(
                f"{manifest.project} is incomplete: {unit} is missing", hint="convert the model again"
            )
    return units


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


def run(built: BuiltCsim, codes: Mapping[str, Codes], *, workers: int | None = None) -> dict[str, Codes]:
    """Integer codes of every recorded layer.

    Parameters
    ----------
    codes
        Input codes by value name, int [event, *shape], channels last.
    workers
        Processes that share the events; by default one per core.

    Returns
    -------
    dict
        int64 [event, *shape] by value name, in the order of computation.

    Raises
    ------
    LeveloneError
        If inputs do not fit the ports, the simulation crashes, or a recorded number is not on its layer's
        grid (only possible in firmware edited by hand).
    """
    parts: dict[str, list[Codes]] = {trace.name: [] for trace in built.manifest.traces}
    for chunk in run_chunks(built, codes, workers=workers):
        for name, found in chunk.found.items():
            if not np.array_equal(found, np.rint(found)):
                raise LeveloneError(
                    f"{name}: the C simulation gives numbers between the integers of this layer"
                )
            parts[name].append(found.astype(np.int64))
    return {name: np.concatenate(found) for name, found in parts.items()}


def run_chunks(
    built: BuiltCsim, codes: Mapping[str, Codes], *, workers: int | None = None
) -> Iterator[Chunk]:
    """Like `run`, in chunks of bounded size and in order.

    Raises
    ------
    LeveloneError
        See `run`.
    OutOfStepError
        After the last chunk, if a stream of the dataflow was read while empty or left unread.
    """
    manifest = built.manifest
    events = check_inputs(manifest.inputs, codes)
    count = len(next(iter(events.values())))
    numbers = sum(size for _, size in manifest.recorded)
    numbers += sum(math.prod(port.shape) for port in (*manifest.inputs, *manifest.outputs))
    per_event = 8 * numbers
    workers = max(1, min(workers or len(os.sched_getaffinity(0)), count))
    step = max(1, min(_CHUNK_BYTES // per_event, -(-count // workers)))
    chunks = [slice(at, min(at + step, count)) for at in range(0, count, step)]
    with ExitStack() as stack:
        team: Queue[_Worker] = Queue()
        for _ in range(workers):
            team.put(stack.enter_context(_Worker(built)))
        pool = stack.enter_context(ThreadPoolExecutor(workers))

        def answer(chunk: slice) -> NDArray[np.float64]:
            worker = team.get()  # as many threads as workers: one is always free
            try:
                return worker.ask(_rows(manifest.inputs, events, chunk))
            finally:
                team.put(worker)  # even if it crashed: then it says so again, and nobody waits for it

        asked: deque[Future[NDArray[np.float64]]] = deque()
        ahead = iter(chunks)
        for chunk in chunks:
            # one chunk more than are being computed: nobody waits, and memory stays bounded
            asked.extend(pool.submit(answer, new) for new in islice(ahead, workers + 1 - len(asked)))
            rows = asked.popleft().result()
            yield Chunk(chunk, _recorded(manifest, rows), _left(manifest, rows))
        while not team.empty():
            team.get().finish()


def check_inputs(ports: tuple[Port, ...], codes: Mapping[str, Codes]) -> dict[str, Codes]:
    """The codes by port, shapes and integer type checked.

    Raises
    ------
    LeveloneError
        Naming the port.
    """
    names = [port.name for port in ports]
    if set(codes) != set(names):
        raise LeveloneError(f"inputs {sorted(codes)} given, the project has {sorted(names)}")
    counts = {len(found) for found in codes.values()}
    if len(counts) != 1 or 0 in counts:
        raise LeveloneError(f"inputs must have the same, non-zero number of events, not {sorted(counts)}")
    for port in ports:
        found = codes[port.name]
        if tuple(found.shape[1:]) != port.shape:
            raise LeveloneError(f"{port.name}: shape {list(found.shape[1:])}, expected {list(port.shape)}")
        if found.dtype.kind not in "iu":
            raise LeveloneError(f"{port.name}: {found.dtype}, expected integer codes")
    return {name: codes[name] for name in names}


def _rows(ports: tuple[Port, ...], events: Mapping[str, Codes], chunk: slice) -> NDArray[np.float64]:
    parts = []
    for port in ports:
        reals = _shifted(events[port.name][chunk].astype(np.float64), port.exponent)
        parts.append(reals.reshape(len(reals), -1))
    return np.concatenate(parts, axis=1)


def _recorded(manifest: Manifest, rows: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """What the firmware recorded of its layers, float64 in units of each layer's least significant bit."""
    starts, at = {}, 0
    for name, size in manifest.recorded:
        starts[name] = at
        at += size
    result = {}
    for trace in manifest.traces:
        begin = starts[trace.layer]
        part = rows[:, begin : begin + math.prod(trace.shape)]
        result[trace.name] = _shifted(part, -trace.exponent).reshape(len(rows), *trace.shape)
    return result


def _left(manifest: Manifest, rows: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """What left the output ports, likewise."""
    result, at = {}, sum(size for _, size in manifest.recorded)
    for port in manifest.outputs:
        size = math.prod(port.shape)
        result[port.name] = _shifted(rows[:, at : at + size], -port.exponent).reshape(len(rows), *port.shape)
        at += size
    return result


def _shifted(numbers: NDArray[np.float64], exponent: int) -> NDArray[np.float64]:
    """``numbers * 2**exponent``, exactly; a product is several times quicker than NumPy's `ldexp`."""
    if abs(exponent) > _PLAIN_EXPONENT:
        return np.ldexp(numbers, exponent)
    return numbers * 2.0**exponent


class _Worker:
    """One process that runs the compiled project."""

    def __init__(self, built: BuiltCsim) -> None:
        self._manifest = built.manifest
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._process: subprocess.Popen[bytes] = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("worker.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
        )
        self._stdin, self._stdout = (
            cast(IO[bytes], self._process.stdin),
            cast(IO[bytes], self._process.stdout),
        )
        setup: dict[str, Any] = {
            "library": str(built.library),
            "top": self._manifest.name,
            "inputs": [math.prod(port.shape) for port in self._manifest.inputs],
            "outputs": [math.prod(port.shape) for port in self._manifest.outputs],
            "records": self._manifest.recorded,
        }
        self._width = sum(size for _, size in self._manifest.recorded) + sum(setup["outputs"])
        self._send(json.dumps(setup).encode() + b"\n")

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: Any) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for pipe in (self._stdin, self._stdout):
            with suppress(OSError):
                pipe.close()
        self._log.close()

    def ask(self, events: NDArray[np.float64]) -> NDArray[np.float64]:
        """Records and outputs of `events`, one row each."""
        self._send(struct.pack("<q", len(events)) + np.ascontiguousarray(events).tobytes())
        wanted = 8 * len(events) * self._width
        answer = self._stdout.read(wanted)
        if len(answer) != wanted:
            raise self._crashed()
        return np.frombuffer(answer, dtype=np.float64).reshape(len(events), self._width)

    def finish(self) -> None:
        """End the process in good order and look at what the firmware printed."""
        self._stdin.close()
        if self._process.wait() != 0:
            raise self._crashed()
        printed = self._printed()
        if STREAM_WARNING in printed:
            first = next(line for line in printed.splitlines() if STREAM_WARNING in line)
            raise OutOfStepError(
                f"the dataflow of {self._manifest.project.name} is out of step: {first.strip()}",
                hint="a layer reads or writes another number of beats than its neighbour: hardware hangs",
            )

    def _send(self, data: bytes) -> None:
        try:
            self._stdin.write(data)
            self._stdin.flush()
        except OSError:
            raise self._crashed() from None

    def _printed(self) -> str:
        size = self._log.seek(0, os.SEEK_END)
        head = min(size, _TAIL)
        self._log.seek(0)
        start = self._log.read(head)
        self._log.seek(max(head, size - _TAIL))
        return (start + self._log.read()).decode(errors="replace")

    def _crashed(self) -> LeveloneError:
        status = self._process.wait()
        cause = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        printed = self._printed().strip().splitlines()
        detail = "\n".join(printed[-5:])
        return LeveloneError(
            f"the C simulation of {self._manifest.project.name} crashed ({cause})"
            + (f":\n{detail}" if detail else ""),
            hint="if the firmware was edited by hand, undo it or convert the model again",
        )
