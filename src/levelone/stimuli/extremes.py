"""Inputs that drive every accumulator towards both ends of its range, found by search on the reference.

Random inputs meet the middle of a sum's range and never its ends, where a type one bit too narrow wraps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ir import Graph
from levelone.graph.values import Codes
from levelone.stimuli.effort import events_to_try, in_chunks, joined

ROUNDS = 24


def extreme_vectors(graph: Graph, start: Mapping[str, Codes], limit: int, seed: int) -> dict[str, Codes]:
    """The most extreme events found for each channel of each layer that adds or multiplies, at most `limit`.

    Parameters
    ----------
    graph
        The reference that judges.
    start
        Input codes by value name, int64 [event, *shape]: where the search begins.
    limit
        Number of events at most.
    seed
        The same seed gives the same events.
    """
    rng = np.random.default_rng(seed)
    sums = [node.name for node in graph if node.op.grows]
    population = max(4, events_to_try(graph) // 8 // ROUNDS)
    if not sums or limit < 1:
        return {name: codes[:0] for name, codes in start.items()}
    elite = {
        name: np.concatenate([codes, *(event[name] for event in _aimed(graph))])
        for name, codes in start.items()
    }
    reached = _reached(graph, sums, elite)
    best = _best(reached)
    elite, reached = {name: codes[best] for name, codes in elite.items()}, reached[best]
    rounds = min(ROUNDS, events_to_try(graph) // population)
    for number in range(rounds):
        children = _mutate(graph, elite, population, rng, wide=number < rounds // 2)
        both, reached = joined(elite, children), np.concatenate([reached, _reached(graph, sums, children)])
        best = _best(reached)
        elite, reached = {name: codes[best] for name, codes in both.items()}, reached[best]
    return {name: codes[:limit] for name, codes in elite.items()}


def _reached(graph: Graph, sums: list[str], codes: Mapping[str, Codes]) -> NDArray[np.int64]:
    """What each event reaches [event, end]: of each channel of each sum, the deepest first, up and down."""
    found = []
    for _, layers in in_chunks(graph, codes, sums):
        ends = []
        for name in reversed(sums):
            channels = layers[name].reshape(len(layers[name]), -1, layers[name].shape[-1])
            ends += [channels.max(axis=1), -channels.min(axis=1)]
        found.append(np.concatenate(ends, axis=1))
    return np.concatenate(found)


def _best(reached: NDArray[np.int64]) -> NDArray[np.int64]:
    """The events that hold a record of some end; those of the deepest layers first."""
    return np.array(list(dict.fromkeys(reached.argmax(axis=0).tolist())), dtype=np.int64)


def _mutate(
    graph: Graph, elite: Mapping[str, Codes], count: int, rng: np.random.Generator, *, wide: bool
) -> dict[str, Codes]:
    """Children of random parents: some inputs moved to an end of their range, or one patch of an image."""
    parents = rng.integers(0, len(next(iter(elite.values()))), count)
    share = rng.choice([0.5, 0.2, 0.1] if wide else [0.1, 0.03, 0.01], count)
    children = {}
    for port in graph.inputs:
        codes = elite[port.value.name][parents]
        chosen = rng.random(codes.shape) < share.reshape(-1, *(1,) * (codes.ndim - 1))
        ends = rng.choice([port.value.range.lo, port.value.range.hi], codes.shape)
        children[port.value.name] = np.where(chosen, ends, codes)
    return children


def _aimed(graph: Graph) -> Iterator[dict[str, Codes]]:
    """For sums of input ports alone, the very inputs that reach their ends, at one position in the middle."""
    ports = {port.value.name: port.value for port in graph.inputs}
    rest = {name: np.full((1, *v.shape), min(max(0, v.range.lo), v.range.hi)) for name, v in ports.items()}
    for node in graph:
        if not (node.op.grows and node.op.linear and ports.keys() >= set(node.inputs)):
            continue
        read = [ports[name] for name in node.inputs]
        shape = graph.values[node.name].shape
        for channel in range(shape[-1]):
            terms = node.op.terms((*(n // 2 for n in shape[:-1]), channel), *(value.shape for value in read))
            for sign in (1, -1):
                event = {name: codes.copy() for name, codes in rest.items()}
                for number, value in enumerate(read):
                    mine = terms.operand == number
                    wanted = np.where(sign * terms.weights[mine] > 0, value.range.hi, value.range.lo)
                    event[value.name].reshape(-1)[terms.at[mine]] = wanted
                yield event
