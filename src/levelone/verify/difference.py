"""Where a body first leaves the reference, and which later differences only follow from there.

A layer is at fault if it does not give what its operation means *on the operands that the body itself
recorded*. A layer that does, but on operands that were wrong already, merely follows;
so does one whose operands left the range that they were proven to keep.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.graph import execute
from levelone.graph.ir import Graph, Node
from levelone.graph.values import Codes
from levelone.hardware.body import OutOfStepError, between_codes
from levelone.stimuli.effort import work_per_event
from levelone.verify.body import body_of, read_graph
from levelone.verify.verdict import PORT, LayerComparison, add_part, compare_codes, on_grid

KEPT_EVENTS = 24
"""Differing events, and as many agreeing ones, that are kept per layer: what a cause must explain."""

KEPT_CODES = 2**22
"""Codes of one layer, operands included, that are kept at most (two events always are)."""

ENOUGH = 2**30
"""Multiplications and codes in the events that are run first; no others are if these show a difference."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Some events of a layer that is at fault.

    Attributes
    ----------
    node
        The layer.
    events
        Numbers of the events; the first one holds the first difference.
    operands
        What the body recorded of the layer's operands, int64 [event, *shape].
    expected, found
        What the operation gives on these operands, and what the body gave.
    position
        Index of the first difference in an event, channel last.
    between
        Whether recorded numbers lie between two codes.
    """

    node: Node
    events: tuple[int, ...]
    operands: tuple[Codes, ...]
    expected: Codes
    found: Codes
    position: tuple[int, ...]
    between: bool = False

    @property
    def first(self) -> tuple[int, ...]:
        """Index of the first difference in `expected` and `found`."""
        return (0, *self.position)


@dataclass
class LayerState:
    """One layer over all events.

    Attributes
    ----------
    differing
        Codes that are not the reference's.
    own
        Codes that are not what the operation gives on the recorded operands; with numbers between two codes.
    events
        Events with such codes.
    """

    name: str
    op: str
    compared: int = 0
    differing: int = 0
    own: int = 0
    events: int = 0
    between: bool = False
    recorded: bool = True


@dataclass(frozen=True)
class Difference:
    """What `find_difference` saw.

    Attributes
    ----------
    layers
        Every layer, in the graph's order.
    origins
        Evidence of every layer that is at fault, in the graph's order.
    follows
        Layer that differs without a fault of its own -> the layers at fault before it.
    problem
        Why the simulation may be unusable although codes agree (a dataflow out of step); else empty.
    ports
        Outputs that leave the hardware otherwise than they should on what their layers recorded.
    left_out
        Events that were not run, because those before show enough.
    """

    graph: Graph
    vectors: int
    layers: tuple[LayerState, ...]
    origins: tuple[Evidence, ...]
    follows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problem: str = ""
    ports: tuple[LayerComparison, ...] = ()
    left_out: int = 0


def find_difference(
    project: Path, codes: Mapping[str, Codes], *, graph: Graph | None = None, workers: int | None = None
) -> Difference:
    """Run a project and judge every layer on the operands that it really got.

    Of large networks, no more events are run than it takes: see `ENOUGH`.

    Parameters
    ----------
    project
        Folder that a body wrote, possibly edited since.
    codes
        Input codes by value name, int [event, *shape], channels last.
    graph
        What the project computes; by default read from its ``levelone/model.onnx``.
    workers
        Processes that share the events.

    Raises
    ------
    LeveloneError
        If there is nothing to compare with, or the project cannot be built or run.
    """
    body = body_of(project)
    graph = graph or read_graph(body.read(project))
    states = {node.name: LayerState(node.name, type(node.op).__name__) for node in graph}
    evidence: dict[str, Evidence] = {}
    ports: dict[str, LayerComparison] = {}
    problem, vectors = "", 0
    enough = max(2 * KEPT_EVENTS, ENOUGH // work_per_event(graph))
    count = len(next(iter(codes.values())))
    built = body.build(project)
    try:
        for start, stop in ((0, min(enough, count)), (enough, count)):
            if start >= stop or evidence or any(port.mismatches for port in ports.values()):
                break
            part = {name: np.asarray(found[start:stop]) for name, found in codes.items()}
            for chunk in built.run(part, workers=workers):
                inputs = {name: found[chunk.events] for name, found in part.items()}
                first = start + chunk.events.start
                own = _look(graph, inputs, chunk.found, first, states, evidence)
                for name, left in chunk.outputs.items():
                    same = left == chunk.found.get(name, own[name])  # on any grid
                    codes_left = np.where(same, own[name], on_grid(left, own[name]))
                    add_part(ports, compare_codes(name, own[name], codes_left, PORT), first)
                vectors = start + chunk.events.stop
    except OutOfStepError as error:
        problem = str(error)
    return Difference(
        graph,
        vectors,
        tuple(states.values()),
        tuple(evidence[node.name] for node in graph if node.name in evidence),
        _follows(graph, states),
        problem,
        tuple(port for port in ports.values() if port.mismatches),
        count - vectors,
    )


def _look(
    graph: Graph,
    inputs: Mapping[str, Codes],
    found: Mapping[str, NDArray[Any]],
    start: int,
    states: Mapping[str, LayerState],
    evidence: dict[str, Evidence],
) -> Mapping[str, Codes]:
    """Judge every layer on some events; returns what the body recorded, views of it included."""
    reference = execute(graph, inputs, keep="all")
    own: dict[str, Codes] = {name: codes.astype(np.int64) for name, codes in inputs.items()}
    events = len(next(iter(own.values())))
    # events in which a value's recorded numbers are codes that a reader can be judged on
    usable = {name: np.ones(events, dtype=bool) for name in own}
    for node in graph:
        operands = tuple(own[name] for name in node.inputs)
        judged = np.logical_and.reduce([usable[name] for name in node.inputs])
        for name, codes in zip(node.inputs, operands, strict=True):
            judged &= _in_range(graph, name, codes)
        local = _local(graph, node, operands, judged, reference)
        state = states[node.name]
        usable[node.name] = judged.copy()
        if node.name not in found:  # a mere view of its operand, or not recorded at all
            own[node.name] = local
            state.recorded = False
            continue
        real = found[node.name]
        codes = on_grid(real, local)
        own[node.name] = codes
        between = np.logical_or.reduce(between_codes(real).reshape(events, -1), axis=1)
        usable[node.name] &= ~between
        wrong = (codes != local).reshape(events, -1)
        wrong[~judged] = False
        rows = wrong.any(axis=1)
        state.compared += codes.size
        state.differing += int(np.count_nonzero(on_grid(real, reference[node.name]) != reference[node.name]))
        state.own += int(np.count_nonzero(wrong))
        state.events += int(np.count_nonzero(rows))
        state.between |= bool(between.any())
        if rows.any() and node.name not in evidence:
            evidence[node.name] = _evidence(node, operands, local, codes, rows, judged, start, between)
    return own


def _local(
    graph: Graph,
    node: Node,
    operands: tuple[Codes, ...],
    judged: NDArray[np.bool_],
    reference: Mapping[str, Codes],
) -> Codes:
    """What the operation gives on these operands; the reference's codes in events that cannot be judged."""
    same = [
        (a == reference[name]).reshape(len(a), -1).all(axis=1)
        for a, name in zip(operands, node.inputs, strict=True)
    ]
    redo = judged & ~np.logical_and.reduce(same)
    local = reference[node.name].copy()
    if redo.any():
        local[redo] = node.op.evaluate(*(codes[redo] for codes in operands)).astype(np.int64)
    return local


def _in_range(graph: Graph, name: str, codes: Codes) -> NDArray[np.bool_]:
    """Events whose codes lie in the proven range of their value: beyond it, a reader promises nothing."""
    reach, flat = graph.values[name].range, codes.reshape(len(codes), -1)
    return np.asarray(((flat >= reach.lo) & (flat <= reach.hi)).all(axis=1))


def _evidence(
    node: Node,
    operands: tuple[Codes, ...],
    local: Codes,
    codes: Codes,
    rows: NDArray[np.bool_],
    judged: NDArray[np.bool_],
    start: int,
    between: NDArray[np.bool_],
) -> Evidence:
    size = max(1, sum(o[0].size for o in operands) + 2 * local[0].size)
    room = max(1, min(KEPT_EVENTS, KEPT_CODES // size // 2))
    wrong = np.flatnonzero(rows)
    right = np.flatnonzero(judged & ~rows)
    kept = np.concatenate([wrong[:room], right[:room]])
    event = int(wrong[0])
    position = tuple(int(i) for i in np.argwhere(codes[event] != local[event])[0])
    return Evidence(
        node,
        tuple(start + int(i) for i in kept),
        tuple(o[kept] for o in operands),
        local[kept],
        codes[kept],
        position,
        bool(between.any()),
    )


def _follows(graph: Graph, states: Mapping[str, LayerState]) -> dict[str, tuple[str, ...]]:
    faults: dict[str, frozenset[str]] = {port.value.name: frozenset() for port in graph.inputs}
    result = {}
    for node in graph:
        before = frozenset().union(*(faults[name] for name in node.inputs))
        state = states[node.name]
        if state.differing and not state.own and before:
            result[node.name] = tuple(name for name in states if name in before)
        faults[node.name] = before | ({node.name} if state.own else set())
    return result
