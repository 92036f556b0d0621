"""The whole network in integers before anything is written: streams, clocks, multipliers, memories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from levelone.errors import UnsupportedError
from levelone.graph.ir import Graph, Node
from levelone.graph.values import Value
from levelone.hardware.streams import INPUTS, OUTPUTS, whole
from levelone.rtl.operations import FAMILIES
from levelone.rtl.site import LayerPlan, Site
from levelone.rtl.streams import Stream

SHALLOW = 2
"""Beats of a FIFO that only parts a ready from the next."""


@dataclass(frozen=True)
class Edge:
    """One use of a value: the layer that reads it and how many beats wait in front of it."""

    value: str
    reader: str
    operand: int
    depth: int


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
        Every use of every value.
    """

    graph: Graph
    ports: Mapping[str, Stream]
    layers: Mapping[str, LayerPlan]
    edges: tuple[Edge, ...]

    def stream(self, value: str) -> Stream:
        """How a value leaves the layer that computes it."""
        return self.ports[value] if value in self.ports else self.layers[value].output

    @property
    def clocks_per_event(self) -> int:
        """Of the busiest part: no event can follow another sooner."""
        return max(
            *(stream.beats for stream in self.ports.values()), *(p.clocks for p in self.layers.values()), 1
        )

    @property
    def bottleneck(self) -> str:
        """The port or layer that takes so many clocks."""
        busy = {name: stream.beats for name, stream in self.ports.items()}
        busy |= {name: layer.clocks for name, layer in self.layers.items()}
        return max(busy, key=lambda name: busy[name])


def plan_graph(graph: Graph, clocks: int | None = None) -> Plan:
    """Choose streams and folding for every layer.

    Parameters
    ----------
    graph
        What the hardware shall compute.
    clocks
        Clocks that an event may take; by default as many as its longest input has pixels. Layers that cannot
        do with so few take what they need.

    Raises
    ------
    UnsupportedError
        If an operation has no streamed form; the message names the node and the nearest form.
    """
    ports = {port.value.name: Stream.of(port.value, port.value.shape[-1]) for port in graph.inputs}
    target = clocks or max(stream.beats for stream in ports.values())
    layers: dict[str, LayerPlan] = {}

    def stream(name: str) -> Stream:
        return ports[name] if name in ports else layers[name].output

    for node in graph.nodes:
        family = FAMILIES.get(type(node.op))
        if family is None:
            raise UnsupportedError(f"node {node.name}: {type(node.op).__name__} is not streamed in RTL")
        streams = tuple(stream(name) for name in node.inputs)
        layers[node.name] = family.plan(site_of(graph, node, streams, target))
    return Plan(graph, ports, layers, tuple(_edges(graph, layers)))


def site_of(graph: Graph, node: Node, streams: tuple[Stream, ...], clocks: int) -> Site[Any]:
    """What the family of a node is told."""
    operands: tuple[Value, ...] = tuple(graph.values[name] for name in node.inputs)
    return Site(node.name, node.op, operands, graph.values[node.name], streams, clocks)


def _edges(graph: Graph, layers: Mapping[str, LayerPlan]) -> list[Edge]:
    """Uses of values, in the graph's order.

    A whole event finds room where `levelone.hardware.streams` asks for it, so that a dataflow cannot
    stop, and in front of every other join, so that the quicker way can go on with the next event.
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
            beats = layers[node.name].inputs[i].beats
            waits = len(node.inputs) > 1 or f"{node.name}/{i}" in waiting
            edges.append(Edge(name, node.name, i, max(SHALLOW, beats) if waits else SHALLOW))
    return edges
