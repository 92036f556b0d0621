"""An unrolled plan as SystemVerilog: registers in ranks, logic in between, credits instead of stalls."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from levelone.rtl.design import PROBES, Design, module_text
from levelone.rtl.library import with_parts
from levelone.rtl.netlist import Netlist, handshake
from levelone.rtl.unrolled.cells import Input, Net
from levelone.rtl.unrolled.plan import UnrolledPlan
from levelone.rtl.unrolled.stages import last_uses

ROUND_TRIP = 3
"""Clocks between a beat that leaves and the beat that takes its place, besides the stages."""


def write_unrolled(plan: UnrolledPlan, top: str) -> Design:
    """The network of a plan.

    Nothing inside stands still: an event is taken only if there is room for its results in the FIFOs in
    front of the output ports, so that data need no enable and delays can be shift registers.
    """
    graph, netlist, stages = plan.graph, Netlist(), plan.schedule.stages
    ports = [port.value.name for port in graph.inputs]
    netlist.comment("an event is taken when every port offers it and every output has room for it")
    offered = [f"in_{name}_valid" for name in ports]
    room = [f"room_{name}" for name in graph.outputs]
    netlist.wire("take")
    for name in room:
        netlist.wire(name)
    netlist.line(f"assign take = {' & '.join([*offered, *room])};")
    for name in ports:
        netlist.line(f"assign in_{name}_ready = take;")
    netlist.line(f"reg [{stages}:1] valid;")
    shifted = "{valid, take}" if stages > 1 else "take"
    netlist.line(f"always @(posedge clk) valid <= rst ? {stages}'d0 : {shifted};")
    writer = _Writer(plan, netlist)
    writer.layers()
    for name in graph.outputs:
        stream = plan.stream(name)
        netlist.comment(f"{name}: output")
        netlist.stream(f"{name}_result", stream)
        netlist.line(f"assign {name}_result_valid = valid[{stages}];")
        netlist.line(f"assign {name}_result_data = {writer.whole(name, stages - 1)};")
        depth = stages + ROUND_TRIP
        netlist.instance(
            "levelone_credits",
            f"u_{name}_credits",
            {"DEPTH": depth},
            {"take": "take", "give": f"out_{name}_valid & out_{name}_ready", "some": f"room_{name}"},
        )
        netlist.instance(
            "levelone_fifo",
            f"u_{name}_out",
            {"WIDTH": stream.bits, "DEPTH": depth},
            handshake({"i": f"{name}_result", "o": f"out_{name}"}),
        )
    netlist.line(f"`ifdef {PROBES}")
    writer.probes()
    netlist.line("`endif")
    inputs = {name: plan.stream(name) for name in ports}
    outputs = {name: plan.stream(name) for name in graph.outputs}
    probes = {node.name: plan.stream(node.name) for node in graph.nodes}
    text = module_text(
        f"Unrolled network {graph.name}, {stages} stages", top, netlist, inputs, outputs, probes, {}
    )
    return Design(top, text, with_parts(netlist.blocks), inputs, outputs, probes)


class _Writer:
    """Cells as lines of a netlist."""

    def __init__(self, plan: UnrolledPlan, netlist: Netlist) -> None:
        self.plan, self.netlist = plan, netlist
        counts: dict[str, int] = {}
        gap = _gap(plan.graph.values)
        self.names: list[str] = []
        for place in plan.circuit.places:
            count = counts[place.layer] = counts.get(place.layer, -1) + 1
            self.names.append(f"{place.layer}{gap}{count}")

    def layers(self) -> None:
        """Logic and registers of everything that outputs are made of."""
        plan, cut = self.plan, self.plan.schedule
        of: dict[str, list[int]] = {name: [] for name in plan.graph.values}
        for n in sorted(plan.live):
            of[plan.circuit.places[n].layer].append(n)
        for name, cells in of.items():
            if not cells:
                continue
            found = sorted({cut.stage[n] for n in cells})
            self.netlist.comment(f"{name}: stages {found[0] + 1} to {found[-1] + 1}")
            self._cells(cells)
            self._delays((n, 0, self._ranks(n, plan.last[n])) for n in cells)

    def probes(self) -> None:
        """What only simulations look at: values that no hardware holds, all elements of each at one time."""
        plan, cut = self.plan, self.plan.schedule
        dead = [n for n in range(len(plan.circuit.places)) if n not in plan.live]
        at = {name: max(cut.stage[int(n)] for n in places.flat) for name, places in plan.values.items()}
        ends = [(int(n), at[name]) for name, places in plan.values.items() for n in places.flat]
        last = last_uses(plan.circuit, cut.stage, dead, ends)
        self._cells(dead)
        more = (
            (n, self._ranks(n, plan.last[n]) if n in plan.live else 0, self._ranks(n, end))
            for n, end in sorted(last.items())
        )
        self._delays(more)
        for node in plan.graph.nodes:
            stage = at[node.name]
            self.netlist.line(f"assign probe_{node.name}_beat = valid[{stage + 1}];")
            self.netlist.line(f"assign probe_{node.name}_data = {self.whole(node.name, stage)};")

    def whole(self, value: str, stage: int) -> str:
        """All elements of a value, the first in the lowest bits, as they are in a stage."""
        width = self.plan.stream(value).width
        codes = [self._at(int(n), stage).bits(0, width) for n in self.plan.values[value].flat]
        return f"{{{', '.join(reversed(codes))}}}"

    def _cells(self, numbers: Collection[int]) -> None:
        circuit, stage, ports = self.plan.circuit, self.plan.schedule.stage, self.plan.graph.inputs
        width = {port.value.name: port.value.width for port in ports}
        for n in numbers:
            place, net = circuit.places[n], self._net(n, 0)
            if isinstance(place.cell, Input):
                text = f"in_{place.cell.port}_data[{place.cell.index * width[place.cell.port]}+:{net.width}]"
                operands: list[Net] = []
            else:
                operands = [self._at(read, stage[n]) for read in place.operands]
                text = place.cell.text(net, *operands)
            declared = place.cell.declared(net, *operands)
            if declared:
                self.netlist.line(declared)
            self.netlist.line(f"wire [{net.width - 1}:0] {net.name} = {text};")

    def _delays(self, ranks: Iterable[tuple[int, int, int]]) -> None:
        """Registers: for each (place, there already, wanted) those that are missing."""
        names = []
        for n, there, wanted in ranks:
            for rank in range(there + 1, wanted + 1):
                net = self._net(n, rank)
                self.netlist.line(f"reg [{net.width - 1}:0] {net.name};")
                names.append((net.name, self._net(n, rank - 1).name))
        if names:
            self.netlist.line("always @(posedge clk) begin")
            for target, source in names:
                self.netlist.line(f"    {target} <= {source};")
            self.netlist.line("end")

    def _ranks(self, number: int, last: int) -> int:
        """Registers behind a place that is read in stage `last`."""
        return self.plan.schedule.ranks(self.plan.circuit, number, last)

    def _at(self, number: int, stage: int) -> Net:
        """A place as it is in a stage."""
        return self._net(number, self._ranks(number, stage))

    def _net(self, number: int, rank: int) -> Net:
        name = self.names[number] + (f"_d{rank}" if rank else "")
        return Net(name, self.plan.circuit.reach(number))


def _gap(values: Mapping[str, object]) -> str:
    """What stands between a value's name and a number, so that no two nets can be called the same."""
    gap = "_"
    while any(re.fullmatch(rf"{re.escape(a)}{gap}\d.*", b) for a in values for b in values):
        gap += "_"
    return gap
