"""The exact reference: integer codes in, integer codes at every value out."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped,unused-ignore]

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph.ir import Codes, Graph, Node
from levelone.graph.kernels import KERNELS, Kernel
from levelone.graph.kernels.carrier import Array, carrier, events_first, events_last

Keep = Literal["all", "outputs"] | Collection[str]

BLOCK_BYTES = 2**20
"""Working memory that a block of events should fit in: about a core's cache."""
BLOCK_EVENTS = (16, 1024)
"""Fewest and most events of a block."""


@dataclass(frozen=True)
class Step:
    """One node, ready to run, and the values that nobody needs after it."""

    node: Node
    kernel: Kernel
    dead: tuple[str, ...]


class Executor:
    """A graph prepared for running on many events: make it once, call it often.

    Parameters
    ----------
    graph
        What to evaluate.
    keep
        Values to return: "all" (inputs included), "outputs", or names.
    threads
        Blocks of events evaluated at the same time; by default one per available core.

    Raises
    ------
    UnsupportedError
        If a value that is to be returned exceeds 64 bits.
    """

    def __init__(self, graph: Graph, keep: Keep = "outputs", threads: int | None = None) -> None:
        names = {"all": tuple(graph.values), "outputs": graph.outputs}
        self.graph = graph
        self.keep = names[keep] if isinstance(keep, str) else tuple(keep)
        self.threads = threads or len(os.sched_getaffinity(0))
        for name in self.keep:
            if name not in graph.values:
                raise LeveloneError(f"graph {graph.name} has no value called {name!r}")
            value = graph.values[name]
            if value.range.lo < -(2**63) or value.range.hi >= 2**63:
                raise UnsupportedError(f"{name} needs {value.width} bits; codes are returned as int64")
        self._steps = _steps(graph)
        self._blas = ThreadpoolController().select(user_api="blas")
        scratch = max(
            [step.kernel.scratch for step in self._steps] + [8 * v.size for v in graph.values.values()]
        )
        low, high = BLOCK_EVENTS
        self.block = max(low, min(high, BLOCK_BYTES // scratch // low * low))

    def run(self, codes: Mapping[str, NDArray[Any]]) -> dict[str, Codes]:
        """Codes of the kept values, int64 [event, *shape], from codes of the inputs (see `execute`)."""
        checked = check_codes(self.graph, codes)
        events = len(next(iter(checked.values())))
        results = {
            name: np.empty((events, *self.graph.values[name].shape), dtype=np.int64) for name in self.keep
        }
        starts = range(0, events, self.block)
        # Blocks are the unit of parallelism; matrix products of this size only lose by threads of their own.
        with self._blas.limit(limits=1):
            self._all_blocks(starts, checked, results)
        return results

    def _all_blocks(self, starts: range, checked: dict[str, Array], results: dict[str, Codes]) -> None:

        def one(start: int) -> None:
            span = slice(start, start + self.block)
            self._block({name: array[span] for name, array in checked.items()}, results, span)

        if self.threads == 1 or len(starts) < 2:
            for start in starts:
                one(start)
        else:
            with ThreadPoolExecutor(self.threads) as pool:
                list(pool.map(one, starts))

    def _block(self, codes: Mapping[str, Array], results: dict[str, Codes], span: slice) -> None:
        live: dict[str, Array] = {}
        for name, array in codes.items():
            if name in results:
                results[name][span] = array
            live[name] = events_last(array).astype(carrier(self.graph.values[name]), order="C")
        for step in self._steps:
            name = step.node.name
            live[name] = step.kernel.run(*(live[i] for i in step.node.inputs))
            if name in results:
                results[name][span] = events_first(live[name])
            for dead in step.dead:
                del live[dead]


def execute(graph: Graph, codes: Mapping[str, NDArray[Any]], keep: Keep = "all") -> dict[str, Codes]:
    """Evaluate the graph exactly.

    Parameters
    ----------
    codes
        By input value name: integers [event, *shape], channels last, within the port's range
        (`quantise_inputs` makes them from real numbers).
    keep
        Values to return: "all" (inputs included), "outputs" (fast, bounded memory), or names.

    Returns
    -------
    dict
        By value name: int64 codes [event, *shape], channels last.

    Raises
    ------
    LeveloneError
        If an input is missing, unknown, not integer, of the wrong shape or out of range.
    """
    return Executor(graph, keep).run(codes)


def check_codes(graph: Graph, codes: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The codes of every input port, after checking names, types, shapes, ranges and numbers of events."""
    known = [port.value.name for port in graph.inputs]
    for name in codes:
        if name not in known:
            raise LeveloneError(f"no input port is called {name!r}; the graph has {', '.join(known)}")
    checked = {}
    for port in graph.inputs:
        value = port.value
        if value.name not in codes:
            raise LeveloneError(f"codes of input port {value.name!r} are missing")
        array = np.asarray(codes[value.name])
        if array.dtype.kind not in "iu":
            raise LeveloneError(f"port {value.name!r}: integer codes expected, found dtype {array.dtype}")
        if array.ndim != len(value.shape) + 1 or array.shape[1:] != value.shape:
            raise LeveloneError(
                f"port {value.name!r}: codes of shape {array.shape}, expected (events, "
                f"{', '.join(map(str, value.shape))})"
            )
        if array.size and not (value.range.lo <= array.min() and array.max() <= value.range.hi):
            raise LeveloneError(
                f"port {value.name!r}: codes from {array.min()} to {array.max()}, but it carries "
                f"{value.range.lo} to {value.range.hi}"
            )
        checked[value.name] = array
    if len({len(array) for array in checked.values()}) > 1:
        counts = ", ".join(f"{name}: {len(array)}" for name, array in checked.items())
        raise LeveloneError(f"input ports hold different numbers of events ({counts})")
    return checked


def _steps(graph: Graph) -> tuple[Step, ...]:
    last: dict[str, str] = {}
    for node in graph:
        last[node.name] = node.name
        last.update(dict.fromkeys(node.inputs, node.name))
    steps = []
    for node in graph:
        dead = tuple(name for name, user in last.items() if user == node.name)
        steps.append(Step(node, kernel_for(graph, node), dead))
    return tuple(steps)


def kernel_for(graph: Graph, node: Node) -> Kernel:
    """The fast kernel of a node, or its meaning where there is none."""
    inputs = tuple(graph.values[name] for name in node.inputs)
    output = graph.values[node.name]
    maker = KERNELS.get(type(node.op))
    # Kernels compute in floats; operands that need more have only the meaning.
    floating = all(carrier(v) in (np.float32, np.float64) for v in (*inputs, output))
    kernel = maker(node.op, inputs, output) if maker is not None and floating else None
    if kernel is not None:
        return kernel
    dtype = carrier(output)

    def meaning(*arrays: Array) -> Array:
        exact = [events_first(a).astype(object if a.dtype == object else np.int64, order="C") for a in arrays]
        return events_last(node.op.evaluate(*exact)).astype(dtype, order="C")

    return Kernel(meaning, scratch=32 * max(v.size for v in (*inputs, output)))
