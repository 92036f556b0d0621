"""Synthesis in a process of its own: ``python -m levelone.rtl.yosys_worker TOP FAMILY STYLE FOLDER FILE...``.

Writes the cells of the flattened design, by the instance of the top module that they come from and by type,
and the netlist.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

XILINX = ("synth_xilinx -family {family} -flatten -top {top}",)
ADDERS_APART = (
    "synth_xilinx -family {family} -flatten -nodsp -top {top} -run begin:coarse",
    "techmap -map {adders}",
    "synth_xilinx -family {family} -flatten -nodsp -top {top} -run coarse:",
)
COMMANDS: dict[str, dict[str, tuple[str, ...]]] = {
    "xcup": {"stream": XILINX, "unrolled": ADDERS_APART},
    "xc7": {"stream": XILINX, "unrolled": ADDERS_APART},
    "ecp5": dict.fromkeys(("stream", "unrolled"), ("synth_ecp5 -top {top}",)),
}
"""Family and style -> Yosys commands."""
TOP = "(top)"
ADDERS = r"""
(* techmap_celltype = "$add $sub" *)
module levelone_adder (A, B, Y);
    parameter A_SIGNED = 0, B_SIGNED = 0, A_WIDTH = 1, B_WIDTH = 1, Y_WIDTH = 1, _TECHMAP_CELLTYPE_ = "";
    input [A_WIDTH-1:0] A;
    input [B_WIDTH-1:0] B;
    output [Y_WIDTH-1:0] Y;
    wire [Y_WIDTH-1:0] X, CO;
    localparam MINUS = _TECHMAP_CELLTYPE_ == "$sub";
    \$alu #(
        .A_SIGNED(A_SIGNED), .B_SIGNED(B_SIGNED), .A_WIDTH(A_WIDTH), .B_WIDTH(B_WIDTH), .Y_WIDTH(Y_WIDTH)
    ) _TECHMAP_REPLACE_ (.A(A), .B(B), .X(X), .Y(Y), .CO(CO), .BI(MINUS), .CI(MINUS));
endmodule
"""
"""Every adder a carry chain of its own: Yosys alone adds three numbers without carries and then two, which
takes more look-up tables, and two levels for each adder."""
CELLS, NETLIST = "cells.json", "netlist.json"


def synthesiser(top: str, family: str, style: str, folder: Path, sources: Iterable[Path]) -> list[str]:
    """The command that runs `main` in a process of its own."""
    return [sys.executable, "-m", __name__, top, family, style, str(folder), *map(str, sources)]


def main(top: str, family: str, style: str, folder: Path, sources: list[str]) -> None:
    """Run Yosys, count cells, write the netlist."""
    from pyosys import libyosys as yosys

    design = yosys.Design()
    yosys.run_pass("read_verilog -sv " + " ".join(sources), design)
    adders = folder / "adders.v"
    adders.write_text(ADDERS, encoding="utf-8")
    for command in COMMANDS[family][style]:
        yosys.run_pass(command.format(top=top, family=family, adders=adders), design)
    yosys.run_pass("autoname", design)  # cells are called after the nets that they drive
    counts: dict[str, Counter[str]] = {}
    for cell in design.top_module().selected_cells():
        kind = cell.type.str().removeprefix("\\")
        if not kind.startswith("$"):
            counts.setdefault(_instance(cell.name.str()), Counter())[kind] += 1
    (folder / CELLS).write_text(json.dumps(counts), encoding="utf-8")
    # without the library's models of cells, which cannot all be written
    yosys.run_pass(f"write_rtlil {folder / 'mapped.il'}", design)
    mapped = yosys.Design()
    yosys.run_pass(f"read_rtlil {folder / 'mapped.il'}", mapped)
    yosys.run_pass(f"write_json {folder / NETLIST}", mapped)


def _instance(name: str) -> str:
    """The instance, or the net, of the top module that a flattened cell comes from."""
    found = re.match(r"\\?(\w+)", name)
    return found.group(1) if found else TOP


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]), sys.argv[5:])
