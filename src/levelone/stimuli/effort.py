"""How much searching a graph of a given size allows: counted in work, not in time, so that results repeat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np

from levelone.graph import Executor
from levelone.graph.cost import layer_table, totals
from levelone.graph.ir import Graph
from levelone.graph.values import Codes

WORK = 2_500_000_000
"""Multiplications and codes in a whole search: a few seconds."""

EVENTS = (24, 24_000)
"""Fewest and most events that are evaluated in a whole search."""

CHUNK_CODES = 2**24
"""Codes that are held at the same time."""


def affordable(graph: Graph, events: tuple[int, int], work: int) -> int:
    """How many events are so much work in all: between the fewest and the most of `events`."""
    fewest, most = events
    return max(fewest, min(most, work // work_per_event(graph)))


def events_to_try(graph: Graph) -> int:
    """Events that a search may evaluate in all."""
    return affordable(graph, EVENTS, WORK)


@lru_cache(maxsize=4)
def work_per_event(graph: Graph) -> int:
    """Multiplications of one event, and what its codes cost beside them."""
    codes = sum(value.size for value in graph.values.values())
    return int(totals(layer_table(graph))["macs"]) + 20 * codes


def in_chunks(
    graph: Graph, codes: Mapping[str, Codes], keep: Sequence[str]
) -> Iterator[tuple[int, dict[str, Codes]]]:
    """(number of the first event, codes of the kept values), some events at a time."""
    executor = _executor(graph, tuple(dict.fromkeys(keep)))
    events = len(next(iter(codes.values())))
    step = max(1, CHUNK_CODES // max(1, sum(graph.values[name].size for name in executor.keep)))
    for start in range(0, events, step):
        yield start, executor.run({name: c[start : start + step] for name, c in codes.items()})


@lru_cache(maxsize=4)
def _executor(graph: Graph, keep: tuple[str, ...]) -> Executor:
    """A search asks for the same values of the same graph again and again, and a plan takes its time."""
    return Executor(graph, keep=keep)


def joined(first: Mapping[str, Codes], *others: Mapping[str, Codes]) -> dict[str, Codes]:
    """Events one after the other."""
    return {name: np.concatenate([codes, *(o[name] for o in others)]) for name, codes in first.items()}
