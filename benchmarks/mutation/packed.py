"""Graphs side by side in one project, and the vectors that judge them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from benchmarks.mutation.graphs import pack
from levelone.graph.ir import Graph
from levelone.graph.values import Codes
from levelone.stimuli import random_vectors

STANDARD = 1000
"""Random vectors that `levelone csim` takes by default; with seed 1."""

MANY = 20_000
"""Vectors of another kind that stand in for every input where there are too many."""


def standard_vectors(graph: Graph) -> dict[str, Codes]:
    """The random vectors of `levelone csim`."""
    return random_vectors(graph, STANDARD, seed=1)


def every_input(graph: Graph, limit: int = 2**17) -> dict[str, Codes] | None:
    """Every combination of codes of all ports; None if there are more than `limit`."""
    sizes = [port.value.size for port in graph.inputs]
    levels = [range(port.value.range.lo, port.value.range.hi + 1) for port in graph.inputs]
    if prod(len(found) ** size for found, size in zip(levels, sizes, strict=True)) > limit:
        return None
    elements = [found for found, size in zip(levels, sizes, strict=True) for _ in range(size)]
    codes = np.array(list(itertools.product(*elements)), dtype=np.int64)
    parts = np.split(codes, np.cumsum(sizes)[:-1], axis=1)
    return {
        port.value.name: part.reshape(-1, *port.value.shape)
        for port, part in zip(graph.inputs, parts, strict=True)
    }


def many_inputs(graph: Graph, count: int, seed: int) -> dict[str, Codes]:
    """Noise of all densities and levels, and every input element alone at every end of its range.

    Made without `random_vectors`, so that it shares none of its blind spots.
    """
    rng = np.random.default_rng(seed)
    result = {}
    for port in graph.inputs:
        low, high, shape = port.value.range.lo, port.value.range.hi, port.value.shape
        rest = min(max(0, low), high)
        noise = rng.integers(low, high, (count, *shape), endpoint=True)
        density = rng.choice([0.02, 0.1, 0.3, 0.6, 1.0], (count, *(1,) * len(shape)))
        noise = np.where(rng.random(noise.shape) < density, noise, rest)
        extreme = rng.random((count, *(1,) * len(shape))) < 0.3
        noise = np.where(extreme, np.where(noise > (low + high) / 2, high, low), noise)
        single = np.full((2 * port.value.size, port.value.size), rest)
        for i in range(port.value.size):
            single[2 * i, i], single[2 * i + 1, i] = low, high
        result[port.value.name] = np.concatenate([noise, single.reshape(-1, *shape)])
    return _cycled(result)


@dataclass(frozen=True)
class Packed:
    """A graph of copies, and vectors: the standard ones of each graph alone, and the thorough ones."""

    graph: Graph
    standard: Mapping[str, Codes]
    thorough: Mapping[str, Codes]

    @classmethod
    def of(
        cls, graphs: Sequence[Graph], copies: int, vectors: Callable[[Graph], Mapping[str, Codes]]
    ) -> Packed:
        """`copies` of each graph."""
        standard: dict[str, Codes] = {}
        thorough: dict[str, Codes] = {}
        for number, graph in enumerate(graphs):
            own, deep = vectors(graph), every_input(graph)
            deep = deep if deep is not None else many_inputs(graph, MANY, seed=3)
            for copy in range(copies):
                standard |= {f"g{number}c{copy}_{name}": codes for name, codes in own.items()}
                thorough |= {f"g{number}c{copy}_{name}": codes for name, codes in deep.items()}
        return cls(pack(graphs, copies), _cycled(standard), _cycled(thorough))


def _cycled(codes: Mapping[str, Codes]) -> dict[str, Codes]:
    """As many events for every port, the shorter ones repeated."""
    events = max(map(len, codes.values()))
    return {name: found[np.arange(events) % len(found)] for name, found in codes.items()}
