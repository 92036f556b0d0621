"""A test bench for anybody's simulator: golden beats in files, compared word for word."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from levelone.rtl.streams import Stream

FOLDER = "golden"
PATIENCE = 1_000_000
"""Clocks in which no beat goes in or out before the bench gives up."""


def hex_lines(words: NDArray[np.uint32], stream: Stream) -> str:
    """Beats [beat, words] for ``$readmemh``: one line each."""
    digits = -(-stream.bits // 4)
    return "".join("".join(f"{word:08x}" for word in row[::-1])[-digits:] + "\n" for row in words.tolist())


def testbench(top: str, inputs: Mapping[str, Stream], outputs: Mapping[str, Stream], events: int) -> str:
    """SystemVerilog: feeds all events back to back, prints wrong beats and the clocks; fails if any was.

    It fails, too, if no beat moves for `PATIENCE` clocks, and says how many every port had.
    """
    lines = [
        f"// Feeds {events} golden events to {top} and compares every beat. Run it where {FOLDER}/ is.",
        "`timescale 1ns / 1ps",
        "module testbench;",
        "    reg clk = 0, rst = 1;",
        "    integer clocks = 0, wrong = 0, still = 0;",
        "    always #5 clk = ~clk;",
    ]
    ports = [".clk(clk)", ".rst(rst)"]
    for name, stream in inputs.items():
        beats = events * stream.beats
        ports += [f".in_{name}_{part}(in_{name}_{part})" for part in ("valid", "ready", "data")]
        now = f"sent_{name} < {beats}"
        lines += [
            f"    reg [{stream.bits - 1}:0] beats_{name}[0:{beats - 1}];",
            f"    integer sent_{name} = 0;",
            f"    wire in_{name}_valid = !rst && {now};",
            f"    wire in_{name}_ready;",
            f"    wire [{stream.bits - 1}:0] in_{name}_data = beats_{name}[{now} ? sent_{name} : 0];",
            f'    initial $readmemh("{FOLDER}/in_{name}.hex", beats_{name});',
            f"    always @(posedge clk) if (in_{name}_valid && in_{name}_ready)",
            f"        sent_{name} <= sent_{name} + 1;",
        ]
    for name, stream in outputs.items():
        beats = events * stream.beats
        ports += [f".out_{name}_{part}(out_{name}_{part})" for part in ("valid", "data")]
        ports.append(f".out_{name}_ready(1'b1)")
        lines += [
            f"    reg [{stream.bits - 1}:0] golden_{name}[0:{beats - 1}];",
            f"    integer given_{name} = 0;",
            f"    wire out_{name}_valid;",
            f"    wire [{stream.bits - 1}:0] out_{name}_data;",
            f'    initial $readmemh("{FOLDER}/out_{name}.hex", golden_{name});',
            f"    always @(posedge clk) if (!rst && out_{name}_valid && given_{name} < {beats}) begin",
            f"        if (out_{name}_data !== golden_{name}[given_{name}]) begin",
            f'            $display("{name}: beat %0d is %h, expected %h", given_{name}, out_{name}_data,'
            f" golden_{name}[given_{name}]);",
            "            wrong <= wrong + 1;",
            "        end",
            f"        given_{name} <= given_{name} + 1;",
            "    end",
        ]
    done = " && ".join(f"given_{name} == {events * stream.beats}" for name, stream in outputs.items())
    moves = [f"in_{name}_valid && in_{name}_ready" for name in inputs]
    moves += [f"out_{name}_valid" for name in outputs]
    had = [*((f"in {name}", f"sent_{name}", port) for name, port in inputs.items())]
    had += [*((f"out {name}", f"given_{name}", port) for name, port in outputs.items())]
    told = ", ".join(f"{port} %0d of {events * stream.beats} beats" for port, _, stream in had)
    counts = ", ".join(count for _, count, _ in had)
    lines += [
        f"    {top} dut ({', '.join(ports)});",
        "    initial begin",
        "        repeat (4) @(posedge clk);",
        "        rst <= 0;",
        "    end",
        "    always @(posedge clk) begin",
        "        clocks <= clocks + 1;",
        f"        still <= {' || '.join(moves)} ? 0 : still + 1;",
        f"        if (still == {PATIENCE})",
        f'            $fatal(1, "STANDS STILL, no beat for {PATIENCE} clocks: {told}", {counts});',
        f"        if ({done}) begin",
        f'            if (wrong) $fatal(1, "MISMATCH, {events} events in %0d clocks", clocks);',
        f'            $display("exact, {events} events in %0d clocks", clocks);',
        "            $finish;",
        "        end",
        "    end",
        "endmodule",
        "",
    ]
    return "\n".join(lines)
