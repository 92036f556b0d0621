"""From arrays on disk through the exact reference to arrays on disk, in bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError, listed, plain
from levelone.graph import (
    Executor,
    Graph,
    file_outputs,
    layout_of,
    output_shapes,
    to_onnx_layout,
)
from levelone.graph.inputs import enter, single
from levelone.graph.outputs import real_numbers
from levelone.graph.port_counts import PortCount, merged, port_notes
from levelone.pipeline.arrays import writing
from levelone.rows import HDF5, FileRows, Rows, open_rows

MEMORY_BYTES = 2**27
"""For the arrays of all chunks in memory, inputs and results: as many chunks as cores, and one more."""

Watch = Callable[[int], AbstractContextManager[Callable[[int], None]]]
"""Number of events -> a function that takes how many of them are done."""
Arrays = dict[str, NDArray[Any]]


class ArrayRows:
    """An array in memory, [event, ...], as `Rows`."""

    def __init__(self, array: NDArray[Any]) -> None:
        self.shape, self.dtype = array.shape, array.dtype
        self._array, self._at = array, 0

    def take(self, count: int) -> NDArray[Any]:
        """The next `count` events."""
        self._at += count
        return self._array[self._at - count : self._at]


def emulate_files(
    graph: Graph,
    inputs: Sequence[str],
    output: Path,
    *,
    codes: bool = False,
    every: bool = False,
    watch: Watch | None = None,
) -> dict[str, Any]:
    """Run the reference on arrays from files.

    Parameters
    ----------
    graph
        The network.
    inputs
        ``FILE.npz`` or ``FILE.h5`` with one array per input, or ``NAME=FILE`` for each input (``FILE`` alone
        if there is only one).
    output
        ``.npy`` for a model with one output, else ``.npz`` or HDF5; arrays are in ONNX layout.
    codes
        Write int64 codes; otherwise float64 values, code times scale.
    every
        Write every value of the graph.
    watch
        Shows the progress.

    Returns
    -------
    dict
        ``events``, ``outputs`` (name -> shape), ``file``, ``left_off``: what the host has yet to do, and
        ``ports``: how many values saturated or were rounded at each (`PortCount`); the same in words under
        ``notes``, and under ``warnings`` where a declared port changed them.

    Raises
    ------
    LeveloneError
        If an array is not usable, or the output cannot be written; nothing is left then.
    """
    outputs = _shapes(graph, codes, every)
    allowed = {".npz", *HDF5} | ({".npy"} if len(outputs) == 1 else set())
    if output.suffix not in allowed:
        raise LeveloneError(f"{output}: expected a name that ends in {', '.join(sorted(allowed))}")
    with ExitStack() as stack:
        sources = open_inputs(graph, inputs, stack)
        events = check_sources(graph, sources)
        shapes = {name: (events, *shape) for name, shape in outputs.items()}
        advance = stack.enter_context(watch(events) if watch else nullcontext(lambda done: None))
        with writing(output, shapes, np.int64 if codes else np.float64) as writer:
            done, counts = 0, []
            threads = len(os.sched_getaffinity(0))
            parts = chunks(graph, sources, events, MEMORY_BYTES // (threads + 1), every=every)
            for part, count in emulated(graph, parts, codes=codes, every=every, threads=threads):
                counts.append(count)
                for name, array in part.items():
                    writer.put(name, array)
                done += len(next(iter(part.values())))
                advance(done)
    entered = merged(counts)
    return {
        "file": str(output),
        "events": events,
        "outputs": {name: list(shape) for name, shape in shapes.items()},
        "left_off": list(graph.left_off) if codes or every else [],
        "ports": [count.to_dict() for count in entered],
        "notes": [line for count in entered if not count.changed for line in port_notes(count)],
        "warnings": [line for count in entered if count.changed for line in port_notes(count)],
    }


def emulated_arrays(
    graph: Graph, sources: Mapping[str, Rows], *, codes: bool, every: bool = False
) -> tuple[Arrays, tuple[PortCount, ...]]:
    """The same from arrays in memory to arrays in memory, [event, *ONNX shape] by name; counts at the ports.

    Raises
    ------
    LeveloneError
        If an array is not usable.
    """
    events = check_sources(graph, sources)
    threads = len(os.sched_getaffinity(0))
    parts = chunks(graph, sources, events, MEMORY_BYTES // (threads + 1), every=every)
    found = list(emulated(graph, parts, codes=codes, every=every, threads=threads))
    arrays = {name: np.concatenate([part[name] for part, _ in found]) for name in found[0][0]}
    return arrays, merged(entered for _, entered in found)


def entered_arrays(graph: Graph, sources: Mapping[str, Rows]) -> tuple[PortCount, ...]:
    """What becomes of arrays in memory at the ports, without computing the network.

    Raises
    ------
    LeveloneError
        If an array is not usable.
    """
    parts = chunks(graph, sources, check_sources(graph, sources), MEMORY_BYTES)
    return merged(enter(graph, part)[1] for part in parts)


def _shapes(graph: Graph, codes: bool, every: bool) -> dict[str, tuple[int, ...]]:
    """Shape of every array of the result by name, without the axis of the events."""
    if every:
        return {name: layout_of(graph, name).shape for name in graph.values}
    return output_shapes(graph, codes=codes)


def emulated(
    graph: Graph, parts: Iterator[Arrays], *, codes: bool, every: bool = False, threads: int
) -> Iterator[tuple[Arrays, tuple[PortCount, ...]]]:
    """Results of consecutive parts of the inputs and counts at the ports, in order, on several cores.

    Parameters
    ----------
    parts
        Real numbers [event, *ONNX shape] by ONNX input name.
    every
        Every value of the graph by its own name, instead of the outputs of the file by theirs.
    """
    executor = Executor(graph, tuple(graph.values) if every else graph.outputs, threads=1)

    def one(part: Arrays) -> tuple[Arrays, tuple[PortCount, ...]]:
        entering, counts = enter(graph, part)
        found = executor.run(entering)
        if not every:
            return file_outputs(graph, found, codes=codes), counts
        told = found if codes else {name: real_numbers(graph, name, found[name]) for name in found}
        return {name: to_onnx_layout(graph, name, numbers) for name, numbers in told.items()}, counts

    ahead: deque[Future[tuple[Arrays, tuple[PortCount, ...]]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for part in parts:
                ahead.append(pool.submit(one, part))
                if len(ahead) > threads:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for waiting in ahead:
                waiting.cancel()


def chunks(
    graph: Graph, sources: Mapping[str, Rows], events: int, memory: int, *, every: bool = False
) -> Iterator[Arrays]:
    """The inputs, as many events at a time as `memory` bytes allow; at least one part, if an empty one."""
    sizes = [graph.values[name].size for name in (graph.values if every else graph.outputs)]
    sizes += [2 * port.value.size for port in graph.inputs]  # real numbers and codes
    step = max(1, memory // (8 * sum(sizes)))
    for start in range(0, max(events, 1), step):
        count = min(step, events - start)
        yield {name: single(_told(name, rows), rows.take(count), start) for name, rows in sources.items()}


def open_inputs(graph: Graph, named: Sequence[str], stack: ExitStack) -> dict[str, Rows]:
    """The array of each ``--input``, by ONNX input name.

    Raises
    ------
    LeveloneError
        If a file cannot be read, or it is not clear which input an array is for.
    """
    known = list(input_shapes(graph))
    found: dict[str, Rows] = {}
    for text in named:
        name, equals, file = text.partition("=")
        path = Path(file if equals else text)
        arrays = open_rows(path, stack)
        if equals:
            found[name] = _only(path, name, arrays)
        elif path.suffix != ".npy" and set(known) <= set(arrays):
            found |= {name: arrays[name]() for name in known}
        elif len(known) == 1:
            found[known[0]] = _only(path, known[0], arrays)
        else:
            raise LeveloneError(
                f"--input {text}: the model has inputs {', '.join(known)}; which one is this?",
                hint=f"--input {known[0]}={text}, or one .npz or HDF5 file with arrays of these names",
            )
    for name in known:
        if name not in found:
            raise _missing(graph, name, f"--input {name}=FILE, ")
    return found


def _only(path: Path, name: str, arrays: Mapping[str, Callable[[], Rows]]) -> Rows:
    if name in arrays:
        return arrays[name]()
    if len(arrays) != 1:
        held = listed(arrays) or "nothing"
        raise LeveloneError(f"{path}: no array is called {name!r}; the file holds {held}")
    (opened,) = arrays.values()
    return opened()


def check_sources(graph: Graph, sources: Mapping[str, Rows]) -> int:
    """The number of events, after a look at names, types and shapes.

    Raises
    ------
    LeveloneError
        Naming the input.
    """
    known = input_shapes(graph)
    for name, rows in sources.items():
        if name not in known:
            raise LeveloneError(f"no input is called {name!r}; the graph has {', '.join(sorted(known))}")
        if rows.dtype.kind not in "fiub":
            raise LeveloneError(f"{_told(name, rows)}: numbers expected, found dtype {plain(rows.dtype)}")
        if tuple(rows.shape[1:]) != tuple(known[name]):
            expected = ", ".join(map(str, known[name]))
            raise LeveloneError(f"{_told(name, rows)}: shape {rows.shape}, expected (events, {expected})")
    for name in known:
        if name not in sources:
            raise _missing(graph, name, "give ")
    counts = {name: rows.shape[0] for name, rows in sources.items()}
    if len(set(counts.values())) != 1:
        shown = ", ".join(f"{name}: {count}" for name, count in counts.items())
        raise LeveloneError(f"inputs hold different numbers of events ({shown})")
    return next(iter(counts.values()))


def _told(name: str, rows: Rows) -> str:
    """An input for a message, with the file that it comes from."""
    return f"{rows.path}: input {name!r}" if isinstance(rows, FileRows) else f"input {name!r}"


def input_shapes(graph: Graph) -> dict[str, tuple[int, ...]]:
    """Shape of every ONNX input by name, without the axis of the events."""
    return {
        port.source: tuple(port.source_shape or layout_of(graph, port.value.name).shape)
        for port in graph.inputs
    }


def _missing(graph: Graph, name: str, how: str) -> LeveloneError:
    shape = ", ".join(map(str, ("events", *input_shapes(graph)[name])))
    return LeveloneError(f"input {name!r} is missing", hint=f"{how}real numbers of shape ({shape})")


def model_file(model: Path) -> Path:
    """The QONNX file behind a file, a project or a run folder.

    Raises
    ------
    LeveloneError
        If there is none.
    """
    if model.is_dir():
        for name in ("model.onnx", "levelone/model.onnx"):
            if (model / name).is_file():
                return model / name
        raise LeveloneError(
            f"{model}: no model.onnx in this folder", hint="levelone export RUN -o model.onnx"
        )
    return model
