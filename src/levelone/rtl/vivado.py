"""Vivado's own numbers: `vivado.tcl` of a project is run out of context, and its reports are read."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from levelone.errors import LeveloneError
from levelone.hardware.tools import run_tool
from levelone.rtl.scripts import TIMING_REPORT, UTILISATION_REPORT

COLUMNS = {
    "lut": ("Logic LUTs",),
    "flip_flops": ("FFs",),
    "shift_registers": ("SRLs",),
    "lut_ram": ("LUTRAMs",),
    "block_ram": ("RAMB36", "RAMB18"),
    "dsp": ("DSP48 Blocks", "DSP Blocks", "DSPs"),
}
"""Resource -> columns of Vivado's table that are counted as it."""


@dataclass(frozen=True)
class Reports:
    """What Vivado reported of a routed design.

    Attributes
    ----------
    tool
        As it calls itself.
    instances
        Instance in the top module -> its resources, what is below included; the top module as ``(top)``.
    slack_ns
        The worst one of setup.
    """

    tool: str
    instances: Mapping[str, Mapping[str, int]]
    slack_ns: float


def find_vivado() -> str | None:
    """Vivado on PATH."""
    return shutil.which("vivado")


def run_vivado(program: str, project: Path) -> Reports:
    """Synthesise, place and route a project's sources, in a copy.

    Raises
    ------
    LeveloneError
        If Vivado fails, or its reports are not what they used to be.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "project"
        shutil.copytree(project, folder, ignore=shutil.ignore_patterns("build"))
        command = [program, "-mode", "batch", "-nojournal", "-source", "vivado.tcl"]
        paths = folder / UTILISATION_REPORT, folder / TIMING_REPORT
        run_tool(command, f"Vivado failed on {project}", folder=folder, results=paths)
        return parse_reports(*(path.read_text(encoding="utf-8") for path in paths))


def parse_reports(utilisation: str, timing: str) -> Reports:
    """The reports of ``report_utilization -hierarchical`` and ``report_timing_summary``.

    Raises
    ------
    LeveloneError
        If a table or column is missing.
    """
    rows = [_cells(line) for line in utilisation.splitlines() if line.lstrip().startswith("|")]
    header = next((i for i, row in enumerate(rows) if row and row[0].strip() == "Instance"), None)
    if header is None:
        raise LeveloneError("Vivado's utilisation report has no table of instances")
    titles = [title.strip() for title in rows[header]]
    instances: dict[str, dict[str, int]] = {}
    depth = None
    for row in rows[header + 1 :]:
        if len(row) != len(titles):
            continue
        name, indent = row[0].strip(), len(row[0]) - len(row[0].lstrip())
        depth = indent if depth is None else depth
        # the top module, its instances, and what is in itself; deeper ones are part of these
        level = (indent - depth) // 2
        if level == 0:
            instances["(top)"] = _resources(titles, row)
        elif level == 1 and not name.startswith("("):
            instances[name] = _resources(titles, row)
    found = re.search(r"WNS\(ns\).*?\n[\s\-|]*\n\s*(-?\d+\.\d+)", timing)
    if not instances or found is None:
        raise LeveloneError("Vivado's reports could not be read: no instances, or no worst slack")
    tool = re.search(r"Tool Version\s*:\s*(Vivado v\.\S+)", utilisation)
    return Reports(tool.group(1) if tool else "Vivado", instances, float(found.group(1)))


def _cells(line: str) -> list[str]:
    return line.strip().strip("|").split("|")


def _resources(titles: list[str], row: list[str]) -> dict[str, int]:
    found = {}
    for resource, columns in COLUMNS.items():
        present = [i for i, title in enumerate(titles) if title in columns]
        if not present:
            raise LeveloneError(f"Vivado's utilisation report has no column {' or '.join(columns)}")
        found[resource] = sum(int(row[i]) for i in present)
    return found
