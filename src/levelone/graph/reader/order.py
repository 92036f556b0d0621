"""Topological order of an ONNX graph, whatever order the file has."""

from __future__ import annotations

from heapq import heappop, heappush

import onnx

from levelone.errors import LeveloneError, plain
from levelone.graph.reader.nodes import describe


def in_order(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """The nodes that an output needs, each after those whose results it reads; in file order if that holds.

    Raises
    ------
    LeveloneError
        If nodes form a cycle, compute the same tensor twice, or compute nothing.
    """
    producer: dict[str, int] = {}
    given = {tensor.name for tensor in graph.initializer} | {info.name for info in graph.input}
    for position, node in enumerate(graph.node):
        if not node.output or not node.output[0]:
            raise LeveloneError(f"node '{plain(node.name)}' ({plain(node.op_type)}) has no output")
        for name in node.output:
            if name and (name in producer or name in given):
                raise LeveloneError(f"{describe(node)} computes {name!r}, which exists already")
            if name:
                producer[name] = position
    needed = _needed(graph, producer)
    waiting: list[int] = []
    readers: dict[int, list[int]] = {}
    for position, node in enumerate(graph.node):
        needs = {producer[name] for name in node.input if name in producer}
        waiting.append(len(needs))
        for need in needs:
            readers.setdefault(need, []).append(position)
    ready = [position for position, count in enumerate(waiting) if count == 0]  # a heap: it is sorted
    done: list[int] = []
    while ready:
        position = heappop(ready)
        done.append(position)
        for reader in readers.get(position, []):
            waiting[reader] -= 1
            if waiting[reader] == 0:
                heappush(ready, reader)
    if len(done) < len(graph.node):
        stuck = next(i for i in range(len(graph.node)) if waiting[i])
        raise LeveloneError(f"{describe(graph.node[stuck])} is part of a cycle or reads one")
    return [graph.node[i] for i in done if i in needed]


def _needed(graph: onnx.GraphProto, producer: dict[str, int]) -> set[int]:
    """Positions of the nodes that lead to an output."""
    needed: set[int] = set()
    open_names = [info.name for info in graph.output]
    while open_names:
        position = producer.get(open_names.pop())
        if position is not None and position not in needed:
            needed.add(position)
            open_names.extend(graph.node[position].input)
    return needed
