"""Input codes that provoke: corners, saturation, one channel against all others, then random ones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.ir import Graph, GraphInput
from levelone.graph.values import Codes
from levelone.stimuli.chosen import covering_vectors
from levelone.stimuli.effort import events_to_try, joined
from levelone.stimuli.extremes import extreme_vectors

SPARSE_FRACTION = 0.08
"""Share of non-zero codes in a sparse event; charges and energies leave most of an image empty."""

ALIKE = 5
"""Corners that do not single out a channel or an edge."""

SEARCH_START = 256
"""Events that the search for extreme sums begins with, fewer where an event is much work."""


def random_vectors(graph: Graph, count: int, seed: int) -> dict[str, Codes]:
    """Input codes for `count` events.

    The first events, at most a quarter of all, are corners (all zero, all lowest, all highest, checkerboards,
    one channel extreme, one edge of the image). Of the others, up to a quarter drive accumulators to the ends
    of their ranges, and up to a half reach what a fault would change: codes on both sides of every rounding
    step, entries of tables, operands that are not zero. The rest alternates between uniform, sparse and
    extreme-valued noise.

    Parameters
    ----------
    graph
        Its inputs say which codes are possible.
    count
        Number of events, at least 1.
    seed
        The same seed gives the same codes.

    Returns
    -------
    dict
        By input value name: int64 [count, *shape], channels last.
    """
    if count < 1:
        raise LeveloneError(f"{count} vectors asked for; at least 1 is needed")
    rng = np.random.default_rng(seed)
    result: dict[str, Codes] = {}
    corners = {port.value.name: list(_corners(port)) for port in graph.inputs}
    deepest = max((len(events) for events in corners.values()), default=0)
    kept = _spread(deepest, max(1, count // 4))
    for number, port in enumerate(graph.inputs):
        own = corners[port.value.name]
        # Ports cycle through their corners at different speeds, so that different corners meet.
        events = [own[(i * (number + 1)) % len(own)] for i in kept]
        kinds = (_uniform, _sparse, _extreme)
        events += [kinds[i % 3](port, rng) for i in range(count - len(events))]
        result[port.value.name] = np.stack(events).astype(np.int64)
    room = (count - len(kept)) // 4  # for the ends of sums; twice as much for all else
    if room > 0:
        first = min(SEARCH_START, events_to_try(graph))
        start = {name: codes[:first] for name, codes in result.items()}
        ends = extreme_vectors(graph, start, room, seed)
        some = events_to_try(graph) // 4
        known = joined(ends, {name: codes[:some] for name, codes in result.items()})
        shown = covering_vectors(graph, known, 3 * room - len(next(iter(ends.values()))), seed)
        for name, codes in joined(ends, shown).items():
            result[name][len(kept) : len(kept) + len(codes)] = codes
    return result


def _spread(corners: int, most: int) -> list[int]:
    """Which corners are taken: all, or first those in which all channels are alike, and some of the rest."""
    if corners <= most:
        return list(range(corners))
    first = min(ALIKE, most)
    return [*range(first), *np.linspace(ALIKE, corners - 1, most - first).astype(int).tolist()]


def _corners(port: GraphInput) -> Iterator[NDArray[np.int64]]:
    shape, low, high = port.value.shape, port.value.range.lo, port.value.range.hi
    zero = min(max(0, low), high)
    for level in (zero, low, high):
        yield np.full(shape, level)
    parity = np.indices(shape).sum(axis=0) % 2
    yield np.where(parity == 0, low, high)
    yield np.where(parity == 0, high, low)
    for channel in range(min(shape[-1], 32)):
        for inside, outside in ((high, zero), (low, high), (high, low)):
            event = np.full(shape, outside)
            event[..., channel] = inside
            yield event
    if len(shape) > 1:
        for axis in range(len(shape) - 1):
            for edge in (0, -1):
                event = np.full(shape, zero)
                event[(slice(None),) * axis + (edge,)] = high
                yield event


def _uniform(port: GraphInput, rng: np.random.Generator) -> NDArray[np.int64]:
    bounds = port.value.range
    return rng.integers(bounds.lo, bounds.hi, size=port.value.shape, endpoint=True)


def _sparse(port: GraphInput, rng: np.random.Generator) -> NDArray[np.int64]:
    event = _uniform(port, rng)
    zero = min(max(0, port.value.range.lo), port.value.range.hi)
    return np.where(rng.random(port.value.shape) < SPARSE_FRACTION, event, zero)


def _extreme(port: GraphInput, rng: np.random.Generator) -> NDArray[np.int64]:
    bounds = port.value.range
    levels = np.unique(np.clip([bounds.lo, bounds.lo + 1, 0, bounds.hi - 1, bounds.hi], bounds.lo, bounds.hi))
    return rng.choice(levels, size=port.value.shape)
