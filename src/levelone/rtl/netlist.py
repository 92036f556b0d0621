"""SystemVerilog text of one module: wires, instances, memories, in the order in which they are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from levelone.graph.values import IntRange
from levelone.rtl.streams import Stream

Setting = int | str
"""Value of a parameter: an integer, or the text of a sized literal."""


def literal(value: int, bits: int) -> str:
    """`value` modulo ``2**bits`` as a sized hexadecimal literal."""
    return f"{bits}'h{value & ((1 << bits) - 1):x}"


def packed(values: Sequence[int], bits: int) -> str:
    """All of `values`, `bits` each, as one literal; the first in the lowest bits."""
    return literal(word_of(values, bits), bits * len(values))


def address_bits(count: int) -> int:
    """Bits that number `count` things; at least 1."""
    return max((count - 1).bit_length(), 1)


def signed_bits(*numbers: int) -> int:
    """Bits that hold all of `numbers` in two's complement, whether or not one is negative."""
    return IntRange(min(*numbers, -1), max(*numbers, 0)).width


@dataclass
class Netlist:
    """The body of a module under construction.

    Attributes
    ----------
    blocks
        Names of the library's modules that are used.
    modules
        Text of further modules: memories.
    """

    blocks: set[str] = field(default_factory=set)
    modules: list[str] = field(default_factory=list)
    _lines: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Declarations and instances."""
        return "\n".join(f"    {line}" if line else "" for line in self._lines)

    def comment(self, text: str) -> None:
        """A line between layers, for people who read the file."""
        self._lines += ["", f"// {text}"]

    def line(self, text: str) -> None:
        """Any statement."""
        self._lines.append(text)

    def wire(self, name: str, bits: int = 1) -> str:
        """Declare a wire; returns its name."""
        self._lines.append(f"wire {f'[{bits - 1}:0] ' if bits > 1 else ''}{name};")
        return name

    def stream(self, name: str, stream: Stream) -> str:
        """Declare valid, ready and data of a stream; returns `name`."""
        self.wire(f"{name}_valid")
        self.wire(f"{name}_ready")
        self._lines.append(f"wire [{stream.bits - 1}:0] {name}_data;")
        return name

    def control(self, target: str, source: str) -> None:
        """The stream `target` moves whenever `source` does; its data are driven elsewhere."""
        self.line(f"assign {target}_valid = {source}_valid;")
        self.line(f"assign {source}_ready = {target}_ready;")

    def connect(self, target: str, source: str) -> None:
        """The stream `target` is the stream `source`."""
        self.control(target, source)
        self.line(f"assign {target}_data = {source}_data;")

    def instance(
        self, block: str, name: str, parameters: Mapping[str, Setting], ports: Mapping[str, str]
    ) -> None:
        """Instance of a block of the library, clock and reset connected."""
        self.blocks.add(block)
        settings = ", ".join(f".{key}({value})" for key, value in parameters.items())
        wired = {"clk": "clk", "rst": "rst", **ports}
        connections = ", ".join(f".{key}({value})" for key, value in wired.items())
        self._lines.append(f"{block} #({settings}) {name} ({connections});")

    def memory(self, name: str, words: Sequence[int], bits: int, enable: str, address: str, data: str) -> int:
        """A read-only memory that answers a clock after the address while `enable` is high.

        Returns the bits of an address.
        """
        size = address_bits(len(words))
        contents = "\n".join(f"        memory[{i}] = {literal(word, bits)};" for i, word in enumerate(words))
        self.modules.append(
            f"module {name} (input wire clk, input wire en, input wire [{size - 1}:0] address, "
            f"output reg [{bits - 1}:0] data);\n"
            f"    reg [{bits - 1}:0] memory[0:{len(words) - 1}];\n"
            f"    initial begin\n{contents}\n    end\n"
            f"    always @(posedge clk) if (en) data <= memory[address];\nendmodule\n"
        )
        self._lines.append(f"{name} u_{name} (.clk(clk), .en({enable}), .address({address}), .data({data}));")
        return size

    def table(self, name: str, words: Sequence[int], bits: int, index: str, index_bits: int) -> str:
        """A combinational table of `words`, 0 beyond them; name of the wire with the entry of `index`."""
        cases = " ".join(
            f"{index_bits}'d{i}: f_{name} = {literal(word, bits)};" for i, word in enumerate(words)
        )
        self._lines += [
            f"function [{bits - 1}:0] f_{name}(input [{index_bits - 1}:0] i);",
            f"    case (i) {cases} default: f_{name} = 0; endcase",
            "endfunction",
            f"wire [{bits - 1}:0] {name} = f_{name}({index});",
        ]
        return name


def word_of(row: Sequence[int], bits: int) -> int:
    """One memory word: the first number in the lowest bits."""
    total = 0
    for number in reversed(row):
        total = total << bits | number & ((1 << bits) - 1)
    return total


def fitted(wires: str, stream: Stream, lane: int, bits: int) -> str:
    """The code on a lane of a stream, extended by its sign or cut to `bits`."""
    width = stream.width
    if bits <= width:
        return f"{wires}_data[{lane * width}+:{bits}]"
    top = f"{wires}_data[{(lane + 1) * width - 1}]" if stream.signed else "1'b0"
    return f"{{{{{bits - width}{{{top}}}}}, {wires}_data[{lane * width}+:{width}]}}"


def handshake(inner: Mapping[str, str]) -> dict[str, str]:
    """Ports of a block by the streams on them: ``{"i": "x"}`` -> ``i_valid``, ``i_ready``, ``i_data``."""
    return {
        f"{port}_{part}": f"{wires}_{part}"
        for port, wires in inner.items()
        for part in ("valid", "ready", "data")
    }
