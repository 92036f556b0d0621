"""How deep the FIFOs between the layers of a stream are: a whole tensor only where that is needed.

A dataflow whose layers read and write a fixed number of beats can only stop for want of room in a FIFO if
layers wait for each other in a ring, some for data and some for room. Such a ring is an undirected cycle of
the network: branches that part and meet again. A FIFO that lies on no cycle may therefore be as short as one
likes; every other one holds its whole tensor, so that nothing ever waits for room there. What happens outside
is not known, so all input ports count as one place, and all output ports as another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

SHORTEST = 16
"""Beats; a shift register of a look-up table holds as many."""

LINES = 2
"""Lines of a tensor that a short FIFO holds: layers that pause between lines should not slow each other."""

Edge = tuple[str, str]


def set_depths(model: Any) -> None:
    """Shorten the FIFOs of an hls4ml `ModelGraph` whose stream variables hold a whole tensor each."""
    makers = {name: layer for layer in model.get_layers() for name in layer.outputs}
    edges: dict[str, Edge] = {}
    for layer in model.get_layers():
        if layer.name in model.inputs:
            edges[f"{layer.name} <- outside"] = ("<inputs>", layer.name)
            continue
        edges |= {name: (makers[name].name, layer.name) for name in layer.inputs}  # one reader each
    for name in model.outputs:
        edges[f"{name} -> outside"] = (makers[name].name, "<outputs>")
    short = bridges(edges)
    for name in short & makers.keys():
        variable = makers[name].get_output_variable(name)
        pragma = getattr(variable, "pragma", None)
        if isinstance(pragma, tuple) and pragma[0] == "stream":
            variable.pragma = ("stream", min(int(pragma[1]), depth(variable.shape)))


def depth(shape: Iterable[int]) -> int:
    """Beats of a short FIFO for a tensor of `shape`, channels last."""
    *positions, _ = shape
    return max(SHORTEST, LINES * int(positions[-1]) if positions else 1)


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
