"""The whole network in integers before anything is written: streams, clocks, multipliers, memories."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import pairwise
from typing import Any

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph.ir import Graph, Node
from levelone.graph.values import Value
from levelone.hardware.streams import INPUTS, OUTPUTS, whole
from levelone.rtl.choosing import divisors, first_within
from levelone.rtl.latency import Block, Fork, Latency, Part, Sink, Wire, latency_of, most_waiting
from levelone.rtl.operations import FAMILIES
from levelone.rtl.pace import piped, regrouped
from levelone.rtl.site import LayerPlan, Site
from levelone.rtl.streams import Stream, regrouping

SHALLOW = 2
"""Beats of a FIFO that only parts a ready from the next."""
SPARE = 8
"""Beats of room besides those that the plan finds waiting: its clocks leave out some of the handshakes'."""
OUTSIDE = ""
"""The reader of a value that leaves the design."""


@dataclass(frozen=True)
class Edge:
    """One use of a value.

    Attributes
    ----------
    value
        What is read.
    reader, operand
        The layer that reads it, as which operand; `OUTSIDE` of a value that leaves the design.
    depth
        Beats of the value that can wait in front of it.
    clocks
        Clocks per event that it takes to regroup the codes for it.
    waits
        Whether it needs a FIFO even if nobody else reads the value.
    """

    value: str
    reader: str
    operand: int
    depth: int
    clocks: int
    waits: bool = False


@dataclass(frozen=True)
class Plan:
    """A streamed design in integers.

    Attributes
    ----------
    graph
        What it computes.
    ports
        Input port -> its stream.
    layers
        Value -> plan of the layer that computes it, in topological order.
    edges
        Every use of every value, those outside included.
    """

    graph: Graph
    ports: Mapping[str, Stream]
    layers: Mapping[str, LayerPlan]
    edges: tuple[Edge, ...]

    def stream(self, value: str) -> Stream:
        """How a value leaves the layer that computes it."""
        return self.ports[value] if value in self.ports else self.layers[value].output

    def ways(self, value: str) -> list[Edge]:
        """Every use of a value."""
        return [edge for edge in self.edges if edge.value == value]

    def fifo_bits(self, reader: str) -> int:
        """Bits of the FIFOs in front of a layer."""
        return sum(
            edge.depth * self.stream(edge.value).bits
            for edge in self.edges
            if edge.reader == reader and self.buffered(edge)
        )

    def buffered(self, edge: Edge) -> bool:
        """Whether a FIFO stands in front of a reader: it has to wait, is one of several, or reads a port.

        Behind a port, so that no way between registers goes by its pins, which lie anywhere.
        """
        return edge.waits or edge.value in self.ports or len(self.ways(edge.value)) > 1

    def taken(self, edge: Edge) -> Stream:
        """The stream as its reader takes it."""
        return (
            self.layers[edge.reader].inputs[edge.operand]
            if edge.reader != OUTSIDE
            else self.stream(edge.value)
        )

    @property
    def latency(self) -> Latency:
        """Planned clocks of one event in an empty design."""
        return self._passage[0]

    def roomy(self) -> Plan:
        """The same, with room in front of every join for all that waits there.

        Where the slower way lies more than an event behind the quicker one, beats of several events wait, if
        one follows another as soon as the busiest part allows.
        """
        deeper = {
            edge: most + SPARE
            for edge, (entering, leaving) in self._passage[1].items()
            if (most := most_waiting(entering.taken, leaving.taken, self.clocks_per_event)) > edge.depth
        }
        if not deeper:
            return self
        return replace(
            self, edges=tuple(replace(edge, depth=deeper.get(edge, edge.depth)) for edge in self.edges)
        )

    @cached_property
    def _passage(self) -> tuple[Latency, dict[Edge, tuple[Wire, Wire]]]:
        """The latency, and of every FIFO in which beats wait what enters and what leaves it."""
        waiting: dict[Edge, tuple[Wire, Wire]] = {}
        values = {name: Wire(range(stream.beats)) for name, stream in self.ports.items()}
        ports, outputs = list(values.values()), {}
        parts: list[Part] = []
        arrives: dict[tuple[str, int], Wire] = {}
        for name in (*self.ports, *self.layers):
            if name in self.layers:
                pace = self.layers[name].pace
                operands = tuple(arrives[name, i] for i in range(len(self.layers[name].inputs)))
                values[name] = operands[0] if pace is None else Wire([])
                if pace is not None:
                    parts.append(Block(pace, operands, values[name]))
            ways = self.ways(name)
            wires = [values[name]]
            if len(ways) != 1:
                wires = [Wire([]) for _ in ways]
                parts.append(Fork((values[name],), tuple(wires)) if ways else Sink((values[name],)))
            for edge, wire in zip(ways, wires, strict=False):
                beats = self.stream(name).beats
                steps = [replace(piped(beats, 1), hold=edge.depth)] if self.buffered(edge) else []
                lanes = regrouping(self.stream(name).lanes, self.taken(edge).lanes)
                groups = [self.stream(name).regrouped(n).beats for n in lanes]
                steps += [regrouped(a, b) for a, b in pairwise(groups)]
                way = [wire]
                for step in steps:
                    way.append(Wire([]))
                    parts.append(Block(step, (way[-2],), way[-1]))
                if edge.waits:
                    waiting[edge] = (way[0], way[1])
                wire = way[-1]
                if edge.reader == OUTSIDE:
                    outputs[name] = wire
                    parts.append(Sink((wire,)))
                else:
                    arrives[edge.reader, edge.operand] = wire
        return latency_of(parts, ports, outputs), waiting

    @property
    def clocks_per_event(self) -> int:
        """Of the busiest part: no event can follow another sooner."""
        return self._busiest[1]

    @property
    def bottleneck(self) -> str:
        """The port, the layer or the way in front of a layer that takes so many clocks."""
        return self._busiest[0]

    @property
    def _busiest(self) -> tuple[str, int]:
        busy = [(name, stream.beats) for name, stream in self.ports.items()]
        busy += [(name, layer.clocks) for name, layer in self.layers.items()]
        busy += [(f"the way from {e.value} to {e.reader}", e.clocks) for e in self.edges]
        return max(busy, key=lambda part: part[1])


def plan_graph(graph: Graph, clocks: int | None = None, pixels: int | None = None) -> Plan:
    """Choose streams and folding for every layer.

    Parameters
    ----------
    graph
        What the hardware shall compute.
    clocks
        Clocks that an event may take; by default as many as its longest input has beats. Layers that cannot
        do with so few take what they need.
    pixels
        That a beat of the longest input brings; by default one, or as many as it takes for `clocks`.

    Raises
    ------
    UnsupportedError
        If an operation has no streamed form; the message names the node and the nearest form.
    LeveloneError
        If `pixels` do not divide a row of the longest input.
    """
    ports, target = _ports(graph, clocks, pixels)
    layers: dict[str, LayerPlan] = {}

    def stream(name: str) -> Stream:
        return ports[name] if name in ports else layers[name].output

    for node in graph.nodes:
        family = FAMILIES.get(type(node.op))
        if family is None:
            raise UnsupportedError(f"node {node.name}: {type(node.op).__name__} is not streamed in RTL")
        streams = tuple(stream(name) for name in node.inputs)
        layers[node.name] = family.plan(site_of(graph, node, streams, target))
    return Plan(graph, ports, layers, tuple(_edges(graph, stream, layers))).roomy()


def site_of(graph: Graph, node: Node, streams: tuple[Stream, ...], clocks: int) -> Site[Any]:
    """What the family of a node is told."""
    operands: tuple[Value, ...] = tuple(graph.values[name] for name in node.inputs)
    return Site(node.name, node.op, operands, graph.values[node.name], streams, clocks)


def _ports(graph: Graph, clocks: int | None, pixels: int | None) -> tuple[dict[str, Stream], int]:
    """Streams of the input ports, and clocks that an event may take.

    Pixels of a beat are neighbours in a row, the last axis of an image with more than one pixel. Of inputs
    that are shorter than the longest, a beat brings as few as fit into the clocks of an event.
    """
    values = [port.value for port in graph.inputs]
    longest = max(values, key=lambda value: value.size // value.shape[-1])
    rows = {value.name: divisors(_row(value.shape)) for value in values}
    if pixels is None and clocks is None:
        pixels = 1
    if pixels is not None and pixels not in rows[longest.name]:
        raise LeveloneError(
            f"rtl.pixels_per_clock = {pixels}: a row of {longest.name} has {rows[longest.name][-1]} pixels",
            hint=f"choose one of {', '.join(map(str, rows[longest.name]))}",
        )
    target = clocks or longest.size // longest.shape[-1] // (pixels or 1)

    def beats(value: Value, lanes: int) -> int:
        return value.size // value.shape[-1] // lanes

    ports = {}
    for value in values:
        lanes = first_within(rows[value.name], partial(beats, value), target)
        if value is longest and pixels is not None:
            lanes = pixels
        ports[value.name] = Stream.of(value, lanes * value.shape[-1])
    return ports, target


def _row(shape: tuple[int, ...]) -> int:
    return next((n for n in reversed(shape[:-1]) if n > 1), 1)


def _edges(graph: Graph, stream: Callable[[str], Stream], layers: Mapping[str, LayerPlan]) -> list[Edge]:
    """Uses of values, in the graph's order.

    A whole event finds room where `levelone.hardware.streams` asks for it, so that a dataflow cannot
    stop, and in front of every other join, so that the quicker way can go on with the next event;
    `Plan.roomy` finds where that is too little.
    """
    uses = {
        f"{node.name}/{i}": (name, node.name) for node in graph.nodes for i, name in enumerate(node.inputs)
    }
    ports = {port.value.name for port in graph.inputs}
    ends = {f"{name}/": (name, OUTPUTS) for name in graph.outputs}
    dataflow = {
        use: (INPUTS if maker in ports else maker, reader)
        for use, (maker, reader) in {**uses, **ends}.items()
    }
    waiting = whole(dataflow)
    edges = []
    for node in graph.nodes:
        for i, name in enumerate(node.inputs):
            given, taken = stream(name), layers[node.name].inputs[i]
            waits = len(node.inputs) > 1 or f"{node.name}/{i}" in waiting
            depth = max(SHALLOW, given.beats) if waits else SHALLOW
            edges.append(Edge(name, node.name, i, depth, given.clocks_to(taken.lanes), waits))
    return edges + [Edge(name, OUTSIDE, 0, SHALLOW, stream(name).beats) for name in graph.outputs]
