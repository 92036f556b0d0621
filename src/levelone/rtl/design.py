"""A plan as SystemVerilog: one module per network, blocks of the library inside."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from levelone.rtl.library import with_parts
from levelone.rtl.netlist import Netlist, handshake
from levelone.rtl.operations import FAMILIES
from levelone.rtl.plan import OUTSIDE, Plan, site_of
from levelone.rtl.streams import Stream, regrouping

PROBES = "LEVELONE_PROBES"
"""The macro that brings every layer to a port, for simulations."""


@dataclass(frozen=True)
class Design:
    """Text and ports of a network.

    Attributes
    ----------
    top
        Name of its module, and of its file.
    text
        SystemVerilog of the network and its memories.
    blocks
        Modules of the library that it uses.
    inputs, outputs, probes
        Port -> its stream; a probe shows each beat of a value as it is taken.
    """

    top: str
    text: str
    blocks: tuple[str, ...]
    inputs: dict[str, Stream]
    outputs: dict[str, Stream]
    probes: dict[str, Stream]


def write_design(plan: Plan, top: str) -> Design:
    """The network of a plan."""
    graph, netlist = plan.graph, Netlist()
    arrives: dict[tuple[str, int], str] = {}
    leaves: dict[str, str] = {}

    def publish(name: str) -> None:
        for edge, wires in zip(plan.ways(name), _forked(name, plan, netlist), strict=True):
            if edge.reader == OUTSIDE:
                leaves[name] = wires
            else:
                arrives[edge.reader, edge.operand] = wires

    for name, stream in plan.ports.items():
        netlist.comment(f"{name}: input, {stream.beats} beats of {stream.lanes} codes")
        netlist.stream(name, stream)
        netlist.connect(name, f"in_{name}")
        publish(name)
    for node in graph.nodes:
        layer = plan.layers[node.name]
        netlist.comment(
            f"{node.name}: {layer.operation}, {layer.output.beats} beats of {layer.output.lanes} codes, "
            f"{layer.clocks} clocks"
        )
        taken = tuple(
            _regrouped(f"{node.name}_from{i}", plan.stream(value), wanted, arrives[node.name, i], netlist)
            for i, (value, wanted) in enumerate(zip(node.inputs, layer.inputs, strict=True))
        )
        netlist.stream(node.name, layer.output)
        streams = tuple(plan.stream(name) for name in node.inputs)
        site = site_of(graph, node, streams, layer.clocks)
        FAMILIES[type(node.op)].emit(site, layer, taken, netlist)
        publish(node.name)
    for name, wires in leaves.items():
        netlist.comment(f"{name}: output")
        netlist.connect(f"out_{name}", wires)
    inputs = dict(plan.ports)
    outputs = {name: plan.stream(name) for name in graph.outputs}
    probes = {node.name: plan.layers[node.name].output for node in graph.nodes}
    shown = {
        f"probe_{name}_{part}": wire
        for name in probes
        for part, wire in (("beat", f"{name}_valid & {name}_ready"), ("data", f"{name}_data"))
    }
    text = module_text(f"Streamed network {graph.name}", top, netlist, inputs, outputs, probes, shown)
    return Design(top, text, with_parts(netlist.blocks), inputs, outputs, probes)


def _forked(name: str, plan: Plan, netlist: Netlist) -> list[str]:
    """The value for each of its readers, behind FIFOs where `Plan.buffered` says so."""
    stream, edges = plan.stream(name), plan.ways(name)
    if not edges:
        netlist.line(f"assign {name}_ready = 1'b1;")
        return []
    if not any(map(plan.buffered, edges)):
        return [name]
    ways = [name]
    if len(edges) > 1:
        count = len(edges)
        netlist.wire(f"{name}_fork_valid", count)
        netlist.wire(f"{name}_fork_ready", count)
        netlist.instance(
            "levelone_fork",
            f"u_{name}_fork",
            {"COUNT": count},
            {
                "i_valid": f"{name}_valid",
                "i_ready": f"{name}_ready",
                "o_valid": f"{name}_fork_valid",
                "o_ready": f"{name}_fork_ready",
            },
        )
        ways = [f"{name}_way{i}" for i in range(count)]
        for i, way in enumerate(ways):
            netlist.stream(way, stream)
            netlist.line(f"assign {way}_valid = {name}_fork_valid[{i}];")
            netlist.line(f"assign {name}_fork_ready[{i}] = {way}_ready;")
            netlist.line(f"assign {way}_data = {name}_data;")
    result = []
    for i, (way, edge) in enumerate(zip(ways, edges, strict=True)):
        waits = f"{name}_to{i}"
        netlist.stream(waits, stream)
        netlist.instance(
            "levelone_fifo",
            f"u_{waits}",
            {"WIDTH": stream.bits, "DEPTH": edge.depth},
            handshake({"i": way, "o": waits}),
        )
        result.append(waits)
    return result


def _regrouped(name: str, source: Stream, target: Stream, wires: str, netlist: Netlist) -> str:
    """The stream with as many lanes as its reader takes."""
    way = regrouping(source.lanes, target.lanes)
    for step, (before, after) in enumerate(pairwise(way)):
        out = netlist.stream(f"{name}_{step}", source.regrouped(after))
        block, part = ("levelone_serialise", after) if after < before else ("levelone_pack", before)
        netlist.instance(
            block,
            f"u_{out}",
            {"WIDTH": part * source.width, "COUNT": max(before, after) // part},
            handshake({"i": wires, "o": out}),
        )
        wires = out
    return wires


def module_text(
    title: str,
    top: str,
    netlist: Netlist,
    inputs: dict[str, Stream],
    outputs: dict[str, Stream],
    probes: dict[str, Stream],
    shown: dict[str, str],
) -> str:
    """A network's module; `shown` says what probe ports are assigned, where the netlist does not."""
    ports = ["input wire clk", "input wire rst"]
    for way, taken, given, streams in (
        ("in", "input", "output", inputs),
        ("out", "output", "input", outputs),
    ):
        for name, stream in streams.items():
            ports += [
                f"{taken} wire {way}_{name}_valid",
                f"{given} wire {way}_{name}_ready",
                f"{taken} wire [{stream.bits - 1}:0] {way}_{name}_data",
            ]
    seen = []
    for name, stream in probes.items():
        seen += [f"output wire probe_{name}_beat", f"output wire [{stream.bits - 1}:0] probe_{name}_data"]
    return "\n".join(
        [
            f"// {title}. Every stream: a beat is taken when valid and ready are high;",
            "// codes in row-major order, channels last, the first in the lowest bits; reset is synchronous.",
            "`default_nettype none",
            *netlist.modules,
            f"module {top} (",
            ",\n".join(f"    {port}" for port in ports),
            f"`ifdef {PROBES}",
            *(f"    , {port}" for port in seen),
            "`endif",
            ");",
            netlist.text(),
            f"`ifdef {PROBES}",
            *(f"    assign {port} = {wire};" for port, wire in shown.items()),
            "`endif",
            "endmodule",
            "`default_nettype wire",
            "",
        ]
    )
