"""Vectors that reach the goals of `levelone.stimuli.coverage`: picked from a pool, then searched for."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ir import Graph
from levelone.graph.values import Codes
from levelone.stimuli.coverage import FARTHEST, Goals, choose, goals
from levelone.stimuli.effort import events_to_try, in_chunks, joined

SINGLES = 1024
"""Input elements that are tried alone, per port."""

ROUNDS = 30
CHANGES = 3
"""Input elements of a port that are changed at once, at most."""
HIT_BYTES = 2**27


def covering_vectors(graph: Graph, start: Mapping[str, Codes], limit: int, seed: int) -> dict[str, Codes]:
    """At most `limit` events that together reach as many goals as a search of bounded work finds.

    Parameters
    ----------
    start
        Input codes by value name, int64 [event, *shape]: the pool to begin with, beside single elements.
    seed
        The same seed gives the same events.
    """
    wanted = goals(graph)
    total = sum(family.size for family in wanted)
    if limit < 1 or total == 0:
        return {name: codes[:0] for name, codes in start.items()}
    rng = np.random.default_rng(seed)
    events = min(events_to_try(graph) // 4, max(64, HIT_BYTES // total))
    pool = joined(start, _singles(graph, rng, max(0, events - len(next(iter(start.values()))))))
    pool = {name: codes[:events] for name, codes in pool.items()}
    more = events - len(next(iter(pool.values())))
    if more > 0:
        pool = joined(pool, _noise(graph, more, rng))
    hits, nearest = _evaluate(graph, wanted, pool, np.ones(total, dtype=bool))
    picked = choose(hits, limit)
    best = {name: codes[picked] for name, codes in pool.items()}
    reached = hits[picked].any(axis=0)
    sought = np.concatenate([np.full(family.size, family.sought) for family in wanted])
    children = max(16, 2 * events // ROUNDS)
    for _ in range(min(ROUNDS, 2 * events_to_try(graph) // children)):
        room = limit - len(next(iter(best.values())))
        missing = ~reached & sought
        if room < 1 or not missing.any():
            break
        pool = _children(graph, pool, nearest, missing, children, rng)
        found, nearest = _evaluate(graph, wanted, pool, missing)
        found[:, reached] = False
        new = choose(found, room)
        best = joined(best, {name: codes[new] for name, codes in pool.items()})
        reached |= found[new].any(axis=0)
    return best


def _evaluate(
    graph: Graph, wanted: list[Goals], codes: Mapping[str, Codes], missing: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """(hits [event, goal], of each goal that is missing and that nothing hits the nearest event, else -1)."""
    hits: list[NDArray[np.bool_]] = []
    nearest = np.full(len(missing), -1)
    distance = np.full(len(missing), FARTHEST + 1)
    for start, values in in_chunks(graph, codes, [name for family in wanted for name in family.reads]):
        hits.append(np.concatenate([family.hits(values) for family in wanted], axis=1))
        at = 0
        for family in wanted:
            mine = slice(at, at + family.size)
            open_here = np.flatnonzero(~hits[-1][:, mine].any(axis=0) & missing[mine])
            for goals_, events, away in family.nearest(values, open_here):
                closer = away < distance[mine][goals_]
                nearest[mine][goals_[closer]] = start + events[closer]
                distance[mine][goals_[closer]] = away[closer]
            at += family.size
    return np.concatenate(hits), nearest


def _children(
    graph: Graph,
    pool: Mapping[str, Codes],
    nearest: NDArray[np.int64],
    missing: NDArray[np.bool_],
    count: int,
    rng: np.random.Generator,
) -> dict[str, Codes]:
    """The events nearest to missing goals, themselves and with a few input elements changed."""
    found = nearest[missing]
    known = np.unique(found[found >= 0]) if (found >= 0).any() else np.zeros(1, dtype=np.int64)
    kept = rng.permutation(known)[: count // 2]  # as they are: the next children may come from them, too
    parents = np.concatenate([kept, rng.choice(known, count - len(kept))])
    result = {}
    rows = np.arange(len(kept), count)[:, None]
    shape = (len(rows), CHANGES)
    for port in graph.inputs:
        codes = pool[port.value.name][parents]
        flat = codes.reshape(count, -1)
        low, high = port.value.range.lo, port.value.range.hi
        at = rng.integers(0, flat.shape[1], shape)
        moved = flat[rows, at] + rng.integers(-2, 3, shape)
        fresh = rng.integers(low, high, shape, endpoint=True)
        changed = np.clip(np.where(rng.random(shape) < 0.5, moved, fresh), low, high)
        few = np.arange(CHANGES) < rng.integers(0, CHANGES + 1, (len(rows), 1))
        events, places = np.nonzero(few)
        flat[rows[events, 0], at[events, places]] = changed[events, places]
        result[port.value.name] = flat.reshape(codes.shape)
    return result


def _noise(graph: Graph, count: int, rng: np.random.Generator) -> dict[str, Codes]:
    """Codes at random: from nearly all at rest to none."""
    made = {}
    for port in graph.inputs:
        value = port.value
        codes = rng.integers(value.range.lo, value.range.hi, (count, *value.shape), endpoint=True)
        share = rng.choice([0.1, 0.5, 1.0], (count, *(1,) * len(value.shape)))
        rest = min(max(0, value.range.lo), value.range.hi)
        made[value.name] = np.where(rng.random(codes.shape) < share, codes, rest)
    return made


def _singles(graph: Graph, rng: np.random.Generator, most: int) -> dict[str, Codes]:
    """At most `most` events: one input element at an end of its range, all others at rest."""
    chosen: dict[str, list[tuple[int, int]]] = {}
    for port in graph.inputs:
        value = port.value
        rest = min(max(0, value.range.lo), value.range.hi)
        ends = [end for end in (value.range.lo, value.range.hi) if end != rest] or [rest]
        elements = rng.permutation(value.size)[: SINGLES // len(ends)].tolist()
        chosen[value.name] = [(element, end) for element in elements for end in ends]
    count = min(most, max(map(len, chosen.values())))
    made = {}
    for port in graph.inputs:
        value = port.value
        events = np.full((count, value.size), min(max(0, value.range.lo), value.range.hi))
        for event, (element, end) in zip(events, itertools.cycle(chosen[value.name]), strict=False):
            event[element] = end
        made[value.name] = events.reshape(-1, *value.shape)
    return made
