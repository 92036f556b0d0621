"""Registers around the multipliers of an ECP5 netlist become the multipliers' own.

A multiplier stands in a column of its own: with registers inside, the way to it and the way back each have a
clock to themselves. The vendor's tools pack them, and so does Yosys for Xilinx devices, but not for these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MULTIPLIER, REGISTER = "MULT18X18D", "TRELLIS_FF"
OPERANDS = {"A": 18, "B": 18}
PRODUCT_BITS = 36
ENABLES = ("CE0", "CE1", "CE2", "CE3")

Bit = int | str
"""Net of a Yosys netlist, or a constant."""
Control = tuple[Bit, Bit]
"""Clock and enable of a register."""


@dataclass(frozen=True)
class _Register:
    """A register that a multiplier can take over: it is never reset, and starts at 0."""

    name: str
    data: Bit
    output: Bit
    control: Control


def pack_multipliers(module: dict[str, Any]) -> int:
    """Move registers into multipliers, in place; how many multipliers have registers of their own then.

    Operands are taken over where all bits of both come from registers, those of an operand with one clock
    and one enable; a product where all of its bits enter such registers, and nothing else. A register that
    others read, too, stays for them.

    Parameters
    ----------
    module
        Of a netlist as Yosys writes it to JSON, mapped to ECP5.
    """
    return _Packer(module).pack()


class _Packer:
    """A netlist, the registers in it that can move, and how often every net is read."""

    def __init__(self, module: Mapping[str, Any]) -> None:
        self.cells: dict[str, Any] = module["cells"]
        registers = [found for name, cell in self.cells.items() for found in _register(name, cell)]
        self.driving = {found.output: found for found in registers}
        self.entered = {found.data: found for found in registers}
        self.readers: Counter[Bit] = Counter(
            bit
            for cell in self.cells.values()
            for port, bits in cell["connections"].items()
            if cell["port_directions"][port] == "input"
            for bit in bits
        )
        self.readers.update(bit for port in module["ports"].values() for bit in port["bits"])

    def pack(self) -> int:
        """As `pack_multipliers`."""
        multipliers = [cell for cell in self.cells.values() if cell["type"] == MULTIPLIER]
        # products first: a register between two multipliers goes to the one in front
        products = [self._product(cell) for cell in multipliers]
        operands = [self._operands(cell) for cell in multipliers]
        for found in self.driving.values():
            if found.name in self.cells and not self.readers[found.output]:
                del self.cells[found.name]
        return sum(map(any, zip(products, operands, strict=True)))

    def _product(self, cell: dict[str, Any]) -> bool:
        wires = cell["connections"]
        used = {
            port: wires[port][0]
            for port in (f"P{i}" for i in range(PRODUCT_BITS))
            if self.readers[wires[port][0]]
        }
        found = {port: self.entered.get(bit) for port, bit in used.items() if self.readers[bit] == 1}
        taken = {port: register for port, register in found.items() if register is not None}
        controls = {register.control for register in taken.values()}
        if len(taken) < len(used) or len(controls) != 1:
            return False
        _give_registers(cell, "REG_OUTPUT", controls.pop())
        for port, register in taken.items():
            wires[port] = [register.output]
            del self.cells[register.name], self.driving[register.output]
        return True

    def _operands(self, cell: dict[str, Any]) -> bool:
        """Both or none: nextpnr knows no times of a multiplier with registers at one of them."""
        wires = cell["connections"]
        controls: dict[str, set[Control]] = {}
        taken: dict[str, _Register] = {}
        for operand, bits in OPERANDS.items():
            # a constant 0 is one behind a register, too
            ports = [f"{operand}{i}" for i in range(bits) if wires[f"{operand}{i}"][0] not in ("0", "x")]
            found = {port: self.driving.get(wires[port][0]) for port in ports}
            some = {port: register for port, register in found.items() if register is not None}
            controls[operand] = {register.control for register in some.values()}
            if len(some) < len(found) or len(controls[operand]) > 1:
                return False
            taken |= some
        clocks = {clock for several in controls.values() for clock, _ in several}
        if len(clocks) != 1 or wires.get("CLK0", [*clocks]) != [*clocks]:
            return False
        any_control = next(control for several in controls.values() for control in several)
        for operand, several in controls.items():
            _give_registers(cell, f"REG_INPUT{operand}", next(iter(several), any_control))
        for port, register in taken.items():
            wires[port] = [register.data]
            self.readers[register.output] -= 1
        return True


def _register(name: str, cell: Mapping[str, Any]) -> Iterator[_Register]:
    if cell["type"] != REGISTER:
        return
    settings, wires = cell["parameters"], cell["connections"]
    plain = {"CLKMUX": "CLK", "LSRMUX": "LSR", "REGSET": "RESET"}
    gate = settings.get("CEMUX", "1").strip()
    if (
        all(settings.get(key, value) == value for key, value in plain.items())
        and wires.get("LSR", ["0"])[0] in ("0", "x")
        and gate in ("1", "CE")
    ):
        enable = wires["CE"][0] if gate == "CE" else "1"
        yield _Register(name, wires["DI"][0], wires["Q"][0], (wires["CLK"][0], enable))


def _give_registers(cell: dict[str, Any], place: str, control: Control) -> None:
    """Let registers at a place of a multiplier have this clock, and this enable over a port free for it."""
    wires, enable = cell["connections"], control[1]
    slot = next(port for port in ENABLES if wires.get(port, [enable]) == [enable])
    for port, bit in zip(("CLK0", slot, "RST0"), (*control, "0"), strict=True):
        wires[port], cell["port_directions"][port] = [bit], "input"
    settings = {"CLK": "CLK0", "CE": slot, "RST": "RST0"}
    cell["parameters"] |= {f"{place}_{what}": port for what, port in settings.items()}
    cell["parameters"]["GSR"] = "DISABLED"
