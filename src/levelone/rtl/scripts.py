"""Files for other people's tools: a Makefile for Verilator and Yosys, Tcl for Vivado, timing constraints."""

from __future__ import annotations

from collections.abc import Sequence

from levelone.rtl.config import RtlConfig

UTILISATION_REPORT = "utilisation_routed.txt"
TIMING_REPORT = "timing_routed.txt"


def constraints(config: RtlConfig) -> str:
    """The clock, in the vendor's language."""
    return f"create_clock -name clk -period {config.clock_ns:g} [get_ports clk]\n"


def vivado(top: str, config: RtlConfig, sources: Sequence[str]) -> str:
    """Out-of-context synthesis, placement and routing with reports. Never run by levelone without Vivado."""
    reads = "\n".join(f"read_verilog -sv rtl/{name}" for name in sources)
    return f"""# vivado -mode batch -source vivado.tcl
{reads}
read_xdc {top}.xdc
synth_design -top {top} -part {config.part} -mode out_of_context
report_utilization -hierarchical -file utilisation_synthesised.txt
opt_design
place_design
route_design
report_utilization -hierarchical -file {UTILISATION_REPORT}
report_timing_summary -file {TIMING_REPORT}
"""


def makefile(top: str, sources: Sequence[str]) -> str:
    """`make simulate` with Verilator 5, `make synthesise` with Yosys."""
    files = " ".join(f"rtl/{name}" for name in sources)
    return f"""VERILATOR ?= verilator
YOSYS ?= yosys
SOURCES = {files}

simulate: build/testbench
\t./build/testbench

build/testbench: testbench.sv $(SOURCES)
\t$(VERILATOR) --binary --timing -Wno-fatal -Wno-lint -Wno-style --top-module testbench \\
\t    -CFLAGS "-std=c++20 -fcoroutines" --Mdir build -o testbench testbench.sv $(SOURCES)

synthesise:
\t$(YOSYS) -p 'read_verilog -sv $(SOURCES); synth_xilinx -family xcup -top {top} -flatten; stat -tech xilinx'

.PHONY: simulate synthesise
"""


def port_map(lines: Sequence[str]) -> str:
    """The page about the ports."""
    return "\n".join(
        [
            "# Ports",
            "",
            "`clk`: every register moves on its rising edge. `rst`: synchronous; what is inside is lost.",
            "Every stream: a beat is taken in each clock in which `valid` and `ready` are both high. `valid`",
            "does not wait for `ready`, and data stay until they are taken. Codes stand in row-major",
            "order of the tensor, channels last; of a beat, the first code has the lowest bits.",
            "",
            "| port | direction | beats per event | codes per beat | bits per code | |",
            "|---|---|--:|--:|--:|---|",
            *lines,
            "",
        ]
    )
