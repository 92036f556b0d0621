"""The unrolled network before it is written: its circuit, stages, and what each layer takes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from levelone.errors import UnsupportedError
from levelone.graph.ir import Graph, Node
from levelone.graph.ops._rounding import ranges_of
from levelone.graph.values import Value
from levelone.hardware.cost import hardware_table
from levelone.hardware.proof import Proof
from levelone.rtl.latency import Latency
from levelone.rtl.streams import Stream
from levelone.rtl.unrolled.bodies import BODIES, Places, Scope
from levelone.rtl.unrolled.cells import Input
from levelone.rtl.unrolled.circuit import Circuit
from levelone.rtl.unrolled.products import Products
from levelone.rtl.unrolled.stages import Budget, Schedule, last_uses, living, schedule

LARGEST_LUTS = 500_000
"""An estimate above this is refused: it fits into few devices, and takes hours to synthesise."""
LUTS_PER_OPERATION = 0.35
"""Look-up tables for each effective bit operation, a rough figure from networks that were unrolled."""


@dataclass(frozen=True)
class UnrolledLayer:
    """What a layer takes, estimated before synthesis.

    Attributes
    ----------
    lut
        Look-up tables: those of adders and multiplexers by their bits, of others by their inputs.
    adder_lut, alkaid_lut
        Those of them in the adders of products with constants; and what these cost by alkaid's own account.
    registers
        Bits of registers and shift registers.
    proof
        How its requantisation was proven to be exact, if it has one.
    """

    lut: int
    adder_lut: int
    alkaid_lut: int
    registers: int
    proof: Proof | None


@dataclass(frozen=True)
class UnrolledPlan:
    """A network as a circuit that is cut into stages.

    Attributes
    ----------
    graph
        What it computes.
    circuit
        Its cells.
    values
        Value -> places of its elements, int64 of the value's shape.
    live
        Places that outputs are made of; others are only looked at in simulations.
    schedule
        In which stage everything is computed.
    last
        Live place -> last stage in which hardware reads it.
    layers
        Value -> what the layer that computes it takes; ports hold their registers.
    """

    graph: Graph
    circuit: Circuit
    values: Mapping[str, Places]
    live: frozenset[int]
    schedule: Schedule
    last: Mapping[int, int]
    layers: Mapping[str, UnrolledLayer]

    @property
    def clocks_per_event(self) -> int:
        """An event enters in every clock."""
        return 1

    @property
    def latency(self) -> Latency:
        """The stages, and the FIFO in front of an output port."""
        clocks = dict.fromkeys(self.graph.outputs, self.schedule.stages + 1)
        return Latency(clocks, clocks)

    def stream(self, value: str) -> Stream:
        """A value, whole in one beat."""
        found = self.graph.values[value]
        return Stream.of(found, found.size)


def plan_unrolled(graph: Graph, max_levels: int | None, clock_ns: float) -> UnrolledPlan:
    """Make the circuit of `graph` and cut it.

    Parameters
    ----------
    max_levels
        Look-up tables in series between registers; None: as many as the clock period holds by
        `levelone.rtl.delays`.
    clock_ns
        Clock period in ns.

    Raises
    ------
    UnsupportedError
        If an operation has no unrolled form, the design would be absurd, or no stage holds one of its cells.
    """
    refuse_absurd(graph)
    circuit = Circuit()
    products = Products(circuit)
    values: dict[str, Places] = {}
    proofs: dict[str, Proof | None] = {}
    for port in graph.inputs:
        value = circuit.layer = port.value.name
        ranges = ranges_of(port.value, port.value.shape[-1])
        numbers = [circuit.add(Input(value, i, ranges[i % len(ranges)])) for i in range(port.value.size)]
        values[value] = np.array(numbers, dtype=np.int64).reshape(port.value.shape)
    for node in graph.nodes:
        circuit.layer = node.name
        values[node.name], proofs[node.name] = _unrolled(graph, node, values, products)
    outputs = [int(n) for name in graph.outputs for n in values[name].flat]
    live = frozenset(living(circuit, outputs))
    cut = schedule(circuit, live, Budget(max_levels, clock_ns))
    last = last_uses(circuit, cut.stage, live, [(n, cut.stages - 1) for n in outputs])
    layers = _layers(products, values, proofs, live, cut, last)
    return UnrolledPlan(graph, circuit, values, live, cut, last, layers)


def refuse_absurd(graph: Graph) -> None:
    """Refuse what no device holds.

    Raises
    ------
    UnsupportedError
        With an estimate; or if an operation has no unrolled form.
    """
    for node in graph.nodes:
        if type(node.op) not in BODIES:
            raise UnsupportedError(
                f"node {node.name}: {type(node.op).__name__} is not unrolled in RTL",
                hint="use --style stream",
            )
    costs = hardware_table(graph)
    luts = int(LUTS_PER_OPERATION * sum(layer.ebops for layer in costs))
    if luts > LARGEST_LUTS:
        products = sum(layer.macs for layer in costs)
        raise UnsupportedError(
            f"unrolled, this network has {products:,} products and takes about {luts:,} look-up tables; "
            f"the limit is {LARGEST_LUTS:,}",
            hint="stream it: --style stream, with --clocks-per-event for its speed",
        )


def _unrolled(
    graph: Graph, node: Node, values: Mapping[str, Places], products: Products
) -> tuple[Places, Proof | None]:
    """Places of the node's value, and how its requantisation is proven if it has one."""
    output, circuit = graph.values[node.name], products.circuit
    operands: tuple[Value, ...] = tuple(graph.values[name] for name in node.inputs)
    scope = Scope(products, node, operands, output)
    body = BODIES[type(node.op)]
    made = np.asarray(body(scope, node.op, tuple(values[name] for name in node.inputs)), dtype=np.int64)
    ranges = ranges_of(output, output.shape[-1])
    known = [circuit.within(int(n), ranges[i % len(ranges)]) for i, n in enumerate(made.flat)]
    return np.array(known, dtype=np.int64).reshape(output.shape), scope.proof


def _layers(
    products: Products,
    values: Collection[str],
    proofs: Mapping[str, Proof | None],
    live: frozenset[int],
    cut: Schedule,
    last: Mapping[int, int],
) -> dict[str, UnrolledLayer]:
    circuit = products.circuit
    luts = dict.fromkeys(values, 0)
    adders = dict.fromkeys(values, 0)
    registers = dict.fromkeys(values, 0)
    for number in live:
        place = circuit.places[number]
        lut = circuit.effort(number).lut
        luts[place.layer] += lut
        adders[place.layer] += lut if number in products.adders else 0
        registers[place.layer] += cut.ranks(circuit, number, last[number]) * place.reach.width
    return {
        name: UnrolledLayer(
            luts[name],
            adders[name],
            round(products.cost.get(name, 0)),
            registers[name],
            proofs.get(name),
        )
        for name in values
    }
