"""Synthesis in a process of its own: ``python -m levelone.rtl.yosys_worker TOP FAMILY RESULT SOURCE...``.

Writes the cells of the flattened design, by the instance of the top module that they come from and by type.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path

COMMANDS = {
    "xcup": "synth_xilinx -family xcup -flatten -top {top}",
    "xc7": "synth_xilinx -family xc7 -flatten -top {top}",
    "ecp5": "synth_ecp5 -top {top}",
}
"""Family -> Yosys command."""
TOP = "(top)"


def main(top: str, family: str, result: Path, sources: list[str]) -> None:
    """Run Yosys and count cells."""
    from pyosys import libyosys as yosys

    design = yosys.Design()
    yosys.run_pass("read_verilog -sv " + " ".join(sources), design)
    yosys.run_pass(COMMANDS[family].format(top=top), design)
    yosys.run_pass("autoname", design)  # cells are called after the nets that they drive
    counts: dict[str, Counter[str]] = {}
    for cell in design.top_module().selected_cells():
        kind = cell.type.str().removeprefix("\\")
        if not kind.startswith("$"):
            counts.setdefault(_instance(cell.name.str()), Counter())[kind] += 1
    result.write_text(json.dumps(counts), encoding="utf-8")


def _instance(name: str) -> str:
    """The instance, or the net, of the top module that a flattened cell comes from."""
    found = re.match(r"\\?(\w+)", name)
    return found.group(1) if found else TOP


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
