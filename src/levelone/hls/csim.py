"""The C simulation: run what was compiled, and give the integers of every layer."""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from queue import Queue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.values import Codes
from levelone.hardware.body import Chunk, between_codes
from levelone.hardware.document import ValueEntry
from levelone.hls.compile import compiled
from levelone.hls.manifest import HlsInput, Manifest, read_manifest
from levelone.hls.process import Worker
from levelone.hls.toolchain import Compiler, find_compiler
from levelone.hls.words import joined

_CHUNK_BYTES = 16 << 20
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
    library, reused = compiled(manifest.project, manifest.name, compiler or find_compiler())
    return BuiltCsim(library, manifest, time.perf_counter() - start, reused)


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
    parts: dict[str, list[Codes]] = {layer.name: [] for _, layer in built.manifest.traces}
    for chunk in run_chunks(built, codes, workers=workers):
        for name, found in chunk.found.items():
            if between_codes(found).any():
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
    numbers += sum(math.prod(port.shape) for port in manifest.inputs) + sum(manifest.given)
    per_event = 8 * numbers
    workers = max(1, min(workers or len(os.sched_getaffinity(0)), count))
    step = max(1, min(_CHUNK_BYTES // per_event, -(-count // workers)))
    chunks = [slice(at, min(at + step, count)) for at in range(0, count, step)]
    with ExitStack() as stack:
        team: Queue[Worker] = Queue()
        for _ in range(workers):
            team.put(stack.enter_context(Worker(built.library, manifest)))
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


def check_inputs(ports: tuple[HlsInput, ...], codes: Mapping[str, Codes]) -> dict[str, Codes]:
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


def _rows(ports: tuple[HlsInput, ...], events: Mapping[str, Codes], chunk: slice) -> NDArray[np.float64]:
    parts = []
    for port in ports:
        reals = _shifted(events[port.name][chunk].astype(np.float64), port.exponent)
        parts.append(reals.reshape(len(reals), -1))
    return np.concatenate(parts, axis=1)


def _recorded(manifest: Manifest, rows: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """What the firmware recorded of its layers, in units of the least significant bit; see `_numbers`."""
    parts, at = {}, 0
    for name, size in manifest.recorded:
        parts[name] = rows[:, at : at + size]
        at += size
    return {layer.name: _numbers(parts[record], layer) for record, layer in manifest.traces}


def _left(manifest: Manifest, rows: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """What left the output ports, likewise."""
    result, at = {}, sum(size for _, size in manifest.recorded)
    for port, size in zip(manifest.outputs, manifest.given, strict=True):
        result[port.name] = _numbers(rows[:, at : at + size], port)
        at += size
    return result


def _numbers(part: NDArray[np.float64], value: ValueEntry) -> NDArray[Any]:
    """Doubles of a record in units of the value's least significant bit.

    float64 where each is a number; where there are two for each number, int64, or Python's fractions if these
    are not all codes of 64 bits.
    """
    shape, size = (len(part), *value.shape), math.prod(value.shape)
    shifted = _shifted(part, -value.exponent)
    if part.shape[1] == size:
        return shifted.reshape(shape)
    return joined(shifted[:, :size], shifted[:, size:]).reshape(shape)


def _shifted(numbers: NDArray[np.float64], exponent: int) -> NDArray[np.float64]:
    """``numbers * 2**exponent``, exactly; a product is several times quicker than NumPy's `ldexp`."""
    if abs(exponent) > _PLAIN_EXPONENT:
        return np.ldexp(numbers, exponent)
    return numbers * 2.0**exponent
