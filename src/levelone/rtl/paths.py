"""The longest path between registers of a netlist that Yosys mapped to Xilinx cells: an estimate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from levelone.rtl.delays import ULTRASCALE_PLUS, Delays

Bit = int | str
"""Net of a Yosys netlist, or a constant."""
Node = Bit | tuple[str, Bit]
"""A net as it leaves its driver, or a bit of a carry chain: name of the cell and number."""

CARRY = ("CARRY4", "CARRY8")
MULTIPLEXERS = ("MUXF7", "MUXF8", "MUXF9")
MULTIPLIERS = ("DSP48E1", "DSP48E2")


@dataclass(frozen=True)
class Path:
    """The longest path between two registers.

    Attributes
    ----------
    ns
        From clock edge to clock edge.
    levels
        Look-up tables in series on it.
    most_levels
        On the path that has most of them, which another one may be.
    start, end
        Cells, called after the nets that they drive.
    """

    ns: float
    levels: int
    most_levels: int
    start: str
    end: str


@dataclass(frozen=True)
class Arc:
    """From one node to another: time, and look-up tables."""

    source: Node
    ns: float
    levels: int = 0


@dataclass
class Netlist:
    """What drives what: arcs by target, nets that leave a register, nets that enter one."""

    arcs: dict[Node, list[Arc]] = field(default_factory=dict)
    starts: dict[Node, tuple[float, str]] = field(default_factory=dict)
    ends: list[tuple[Node, str]] = field(default_factory=list)


def longest_path(cells: Mapping[str, Any], delays: Delays = ULTRASCALE_PLUS) -> Path | None:
    """Of a module's cells as Yosys writes them to JSON; None if it has no path between registers.

    Paths from and to ports of the module are not counted. Memories, and multipliers with a register of their
    own, begin and end paths; what is inside them is not timed.
    """
    net = Netlist()
    chained = {bit for cell in cells.values() if cell["type"] in CARRY for bit in cell["connections"]["CO"]}
    for name, cell in cells.items():
        _add(net, name, cell, chained, delays)
    found: dict[Node, tuple[float, int, int, str]] = {}
    for node, _ in net.ends:
        _arrive(net, node, found)
    best: Path | None = None
    most = 0
    for node, end in net.ends:
        if node in found:
            ns, levels, deepest, start = found[node]
            most = max(most, deepest)
            if best is None or ns + delays.setup > best.ns:
                best = Path(ns + delays.setup, levels, 0, start, end)
    return None if best is None else Path(best.ns, best.levels, most, best.start, best.end)


def _add(net: Netlist, name: str, cell: Mapping[str, Any], chained: set[Bit], delays: Delays) -> None:
    kind, wires = cell["type"], cell["connections"]
    if kind in CARRY:
        _add_carry(net, name, wires, chained, delays)
        return
    outputs = {port for port, way in cell["port_directions"].items() if way == "output"}
    inputs = [
        (port, bit)
        for port, bits in wires.items()
        if port not in outputs
        for bit in bits
        if not isinstance(bit, str)
    ]
    driven = [bit for port in outputs for bit in wires.get(port, [])]
    if kind.startswith("LUT") or kind == "INV" or kind in MULTIPLEXERS or kind in ("BUFG", "IBUF", "OBUF"):
        # an inverter is part of the look-up table that it drives; a multiplexer is behind its look-up tables
        lut = kind.startswith("LUT")
        ns = delays.level if lut else delays.mux if kind in MULTIPLEXERS else 0.0
        for target in driven:
            net.arcs[target] = [Arc(bit, ns, int(lut)) for _, bit in inputs]
        return
    if kind.startswith("RAM") and not kind.startswith("RAMB"):
        # read without a clock: a look-up table of its address
        for target in driven:
            net.arcs[target] = [Arc(bit, delays.level, 1) for port, bit in inputs if _is_address(port)]
            net.starts[target] = (delays.shift_register + delays.net, name)
    elif kind in MULTIPLIERS and not _registered(cell.get("parameters", {})):
        for target in driven:
            net.arcs[target] = [Arc(bit, delays.multiplier + delays.net) for _, bit in inputs]
    else:
        clock = delays.clock_to_q
        if kind.startswith("SRL"):
            clock = delays.shift_register
        elif not kind.startswith("FD"):
            clock = delays.memory
        for target in driven:
            net.starts[target] = (clock + delays.net, name)
    net.ends += [(bit, name) for port, bit in inputs if port not in ("C", "CLK", "WCLK")]


def _add_carry(
    net: Netlist, name: str, wires: Mapping[str, list[Bit]], chained: set[Bit], delays: Delays
) -> None:
    """A chain: each bit after the one before, entered by its own inputs, left towards logic at any bit."""
    half = delays.carry / 2
    enters = [
        bit for port in ("CI", "CYINIT", "CI_TOP") for bit in wires.get(port, []) if not isinstance(bit, str)
    ]
    # the chain goes on through a net of its own, without delay; everything else that enters has come over one
    before: Node = (name, -1)
    net.arcs[before] = [Arc(("carry", bit) if bit in chained else bit, 0.0) for bit in enters]
    for i, (out, carry) in enumerate(zip(wires["O"], wires["CO"], strict=True)):
        own = [bit for port in ("S", "DI") for bit in wires[port][i : i + 1] if not isinstance(bit, str)]
        here: Node = (name, i)
        net.arcs[here] = [Arc(before, delays.carry_bit), *(Arc(bit, half) for bit in own)]
        net.arcs[out] = [Arc(before, half + delays.net), *(Arc(bit, 2 * half + delays.net) for bit in own)]
        net.arcs[carry] = [Arc(here, half + delays.net)]
        net.arcs["carry", carry] = [Arc(here, 0.0)]
        before = here


def _arrive(net: Netlist, node: Node, found: dict[Node, tuple[float, int, int, str]]) -> None:
    """Latest arrival at a node and all before it: ns, levels on that way, most levels on any, where from."""
    entered: set[Node] = set()
    waiting = [node]
    while waiting:
        here = waiting[-1]
        if here in found:
            waiting.pop()
            continue
        missing = [
            a.source for a in net.arcs.get(here, ()) if a.source not in found and _known(net, a.source)
        ]
        if missing and here not in entered:  # else it is part of a loop, which is not followed
            entered.add(here)
            waiting += missing
            continue
        waiting.pop()
        arrivals = list(_arrivals(net, here, found))
        if arrivals:
            ns, levels, _, start = max(arrivals)
            found[here] = (ns, levels, max(a[2] for a in arrivals), start)


def _known(net: Netlist, node: Node) -> bool:
    return node in net.arcs or node in net.starts


def _arrivals(
    net: Netlist, node: Node, found: Mapping[Node, tuple[float, int, int, str]]
) -> Iterator[tuple[float, int, int, str]]:
    if node in net.starts:
        ns, name = net.starts[node]
        yield ns, 0, 0, name
    for arc in net.arcs.get(node, ()):
        if arc.source in found:
            ns, levels, deepest, start = found[arc.source]
            yield ns + arc.ns, levels + arc.levels, deepest + arc.levels, start


def _is_address(port: str) -> bool:
    return port.startswith(("A", "DPRA", "ADDR"))


def _registered(parameters: Mapping[str, Any]) -> bool:
    """Whether a multiplier has a register behind its product."""
    return any(int(str(parameters.get(name, "0")), 2) for name in ("MREG", "PREG"))
