"""The exact reference: integer codes in, integer codes at every value out."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped,unused-ignore]

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph.ir import Graph
from levelone.graph.kernels.carrier import TRANSPOSED, Array, carrier
from levelone.graph.plan import plan
from levelone.graph.values import Codes, Value

Keep = Literal["all", "outputs"] | Collection[str]

BLOCK_BYTES = 2**23
"""The largest value of a block should fit in this: a fraction of the cache that cores share."""
BLOCK_EVENTS = (128, 1024)
"""Fewest and most events of a block: fewer cost more in calls than they compute."""
BLOCK_LIMIT = 2**28
"""All values of a block fit in this, however large an event is, as long as one event does."""


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
            if not value.range.in_int64:
                raise UnsupportedError(f"{name} needs {value.width} bits; codes are returned as int64")
        self._plan = plan(graph, self.keep)
        self._blas = ThreadpoolController().select(user_api="blas")
        self.block = self._block_events()

    def _block_events(self) -> int:
        sizes = [4 * value.size for value in self.graph.values.values()]
        scratch = sum(sizes) + max((step.scratch for step in self._plan.steps), default=0)
        low, high = BLOCK_EVENTS
        fitting = BLOCK_BYTES // max(sizes) // TRANSPOSED * TRANSPOSED
        return max(1, min(max(low, fitting), high, BLOCK_LIMIT // scratch))

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
            block = {name: array[span] for name, array in checked.items()}
            for name, array in block.items():
                value = self.graph.values[name]
                if not in_range(value, array):
                    whole = checked[name]
                    raise LeveloneError(
                        f"port {name!r}: codes from {whole.min()} to {whole.max()}, but it carries "
                        f"{value.range.lo} to {value.range.hi}"
                    )
            self._block(block, results, span)

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
            live[name] = self._plan.arrangement.enter(array, carrier(self.graph.values[name]))
        for step in self._plan.steps:
            live[step.name] = step.run(*(live[name] for name in step.inputs))
            if step.name in results:
                self._plan.arrangement.leave(live[step.name], results[step.name][span])
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
    """The codes of every input port, after checking names, types, shapes and numbers of events.

    Ranges are checked block by block, where the codes are in the cache anyway (`in_range`).
    """
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
        checked[value.name] = array
    if len({len(array) for array in checked.values()}) > 1:
        counts = ", ".join(f"{name}: {len(array)}" for name, array in checked.items())
        raise LeveloneError(f"input ports hold different numbers of events ({counts})")
    return checked


def in_range(value: Value, codes: NDArray[Any]) -> bool:
    """Whether all codes are within the port's range."""
    return not codes.size or bool(value.range.lo <= codes.min() and codes.max() <= value.range.hi)
