"""How deep the FIFOs between the layers of a stream are: a whole tensor only in front of a join.

Each layer reads, event after event, the whole of every input and writes the whole of every output. In which
order is its own affair: windows lag behind, pools and transposes give nothing before they have seen enough,
a concatenation reads one operand after the other. A layer waits only where a FIFO that it reads is empty or
one that it writes is full.

Why nothing stops for ever: suppose it did. A layer that waits for data waits for the maker of that FIFO, one
that waits for room waits for its reader. The outside gives and takes, so these arrows close to a ring. Those
for data point upstream, those for room downstream, and a network has no directed cycle: the ring turns round.
Where it turns upstream again there is a layer with one FIFO full before it that waits for data from another:
a *join*, a layer of several inputs.

Now count events. Who needs data in event n waits for a layer in event n or earlier, or the data would be
there. Who needs room in event n waits for a layer that has not read what was written before, so that one is
in event n or earlier, too. Events never grow along the arrows, which come back to where they began: the whole
ring is in one event. But a full FIFO with room for a whole tensor begins with a beat from an earlier event
than the one being written, so its reader is in an earlier event than its maker. With a whole tensor in front
of every join there is no such ring, however short all other FIFOs are.

What happens outside is not known, so all input ports count as one layer, and all output ports as another, a
join. Ports have no FIFO of ours: the one in front of a layer that gives an output holds a whole tensor
instead. FIFOs on no undirected cycle lie on no ring. ``docs/streams.md`` says what the outside has to do, and
``tests/hls/test_fifos.py`` replays layers as their C++ reads and writes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

SHORTEST = 16
"""Beats; a shift register of a look-up table holds as many."""

LINES = 2
"""Lines of a tensor that a short FIFO holds: layers that pause between lines should not slow each other."""

INPUTS, OUTPUTS = "<inputs>", "<outputs>"
"""The outside: the layer that gives all input ports, and the one that takes all output ports."""

Edge = tuple[str, str]
"""(maker, reader) of a FIFO."""


def depth(shape: Iterable[int]) -> int:
    """Beats of a short FIFO for a tensor of `shape`, channels last."""
    *positions, _ = shape
    return max(SHORTEST, LINES * int(positions[-1]) if positions else 1)


def whole(edges: Mapping[str, Edge]) -> set[str]:
    """Names of the edges whose FIFO has to hold a whole tensor; see the module for the proof."""
    inputs = Counter(reader for _, reader in edges.values())
    joins = {layer for layer, number in inputs.items() if number > 1}
    joins |= {maker for maker, reader in edges.values() if reader == OUTPUTS}
    return {name for name, (_, reader) in edges.items() if reader in joins} - bridges(edges)


def bridges(edges: Mapping[str, Edge]) -> set[str]:
    """Names of the edges that lie on no undirected cycle."""
    return {name for name in edges if not _connected(edges, name)}


def _connected(edges: Mapping[str, Edge], without: str) -> bool:
    """Whether the ends of an edge are connected without it."""
    start, goal = edges[without]
    seen, left = {start}, [start]
    while left:
        here = left.pop()
        for name, (a, b) in edges.items():
            if name != without and here in (a, b):
                there = b if here == a else a
                if there not in seen:
                    seen.add(there)
                    left.append(there)
    return goal in seen
