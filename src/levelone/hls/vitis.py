"""Vitis HLS: run where it is installed, and its reports read. levelone itself has never run it."""

from __future__ import annotations

import contextlib
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from levelone.errors import LeveloneError
from levelone.hardware.tools import run_tool
from levelone.hls.manifest import read_manifest

PROGRAMS = (("vitis-run", "--mode", "hls", "--tcl"), ("vitis_hls", "-f"))
"""How a script is run, the newest release first."""
SCRIPT = "build_prj.tcl"
OPTIONS = ("reset 1", "csim 0", "synth 1", "cosim 0", "validation 0", "export 0", "vsynth 0", "fifo_opt 0")
REPORT = "_csynth.xml"
RESOURCES = ("BRAM_18K", "DSP", "FF", "LUT", "URAM")


@dataclass(frozen=True)
class Module:
    """Clocks of a module of the design; None where the tool cannot tell."""

    latency_worst: int | None
    interval_max: int | None


@dataclass(frozen=True)
class Report:
    """What Vitis HLS says of a design: scheduled and estimated by it, neither placed nor routed.

    Attributes
    ----------
    tool
        Program and version.
    part
        FPGA part.
    target_ns, estimated_ns
        Clock period that was asked for, and the one that the tool estimates.
    latency_best, latency_worst
        Clocks; None where they depend on data.
    interval_min, interval_max
        Clocks from one event to the next.
    resources, available
        Kind -> count, of the design and of the part.
    modules
        Name -> its clocks, from the reports of single functions.
    """

    tool: str
    part: str
    target_ns: float
    estimated_ns: float
    latency_best: int | None
    latency_worst: int | None
    interval_min: int | None
    interval_max: int | None
    resources: Mapping[str, int]
    available: Mapping[str, int]
    modules: Mapping[str, Module]

    def to_dict(self) -> dict[str, Any]:
        """The ``--json`` form; ``kind`` says whose figures these are."""
        return {"kind": "scheduled by Vitis HLS", **asdict(self)}


def run_vitis(project: Path) -> Report:
    """Synthesise an hls4ml project with the Vitis HLS on PATH.

    Raises
    ------
    LeveloneError
        If it is not installed, fails, or leaves no report.
    """
    name = read_manifest(project).name
    way = next((way for way in PROGRAMS if shutil.which(way[0])), None)
    if way is None:
        raise LeveloneError(
            "Vitis HLS was not found: neither vitis-run nor vitis_hls is on PATH",
            hint="install AMD Vitis 2022.2 or later and source its settings64.sh; without it, "
            f"levelone inspect {project} --latency estimates the clocks",
        )
    folder = project / f"{name}_prj" / "solution1" / "syn" / "report"
    with _only_synthesis(project / "build_opt.tcl"):
        run_tool(
            [*way, SCRIPT],
            f"{way[0]} could not synthesise {project}",
            folder=project,
            results=[folder / f"{name}{REPORT}"],
            lines=15,
        )
    return read_report(folder, name)


@contextlib.contextmanager
def _only_synthesis(options: Path) -> Iterator[None]:
    """The options of hls4ml's script ask for synthesis alone; afterwards they are as they were generated."""
    before = options.read_bytes()
    text = "array set opt {\n" + "".join(f"    {option}\n" for option in OPTIONS) + "}\n"
    options.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        options.write_bytes(before)


def read_report(folder: Path, top: str) -> Report:
    """``FUNCTION_csynth.xml`` of the top function, and of those that it calls.

    Raises
    ------
    LeveloneError
        If the report is missing or not of the form that Vitis HLS writes.
    """
    path = folder / f"{top}{REPORT}"
    root = _parsed(path)
    try:
        found = Report(
            f"Vitis HLS {_text(root, 'ReportVersion/Version')}",
            _text(root, "UserAssignments/Part"),
            float(_text(root, "UserAssignments/TargetClockPeriod")),
            float(_text(root, "PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod")),
            _clocks(root, "Best-caseLatency"),
            _clocks(root, "Worst-caseLatency"),
            _clocks(root, "Interval-min"),
            _clocks(root, "Interval-max"),
            _counts(root, "AreaEstimates/Resources"),
            _counts(root, "AreaEstimates/AvailableResources"),
            {
                module.name.removesuffix(REPORT): _module(module)
                for module in sorted(folder.glob(f"*{REPORT}"))
                if module != path
            },
        )
    except (KeyError, ValueError) as error:
        raise LeveloneError(f"{path} is no synthesis report of Vitis HLS: {error}") from error
    return found


def _module(path: Path) -> Module:
    root = _parsed(path)
    return Module(_clocks(root, "Worst-caseLatency"), _clocks(root, "Interval-max"))


def _parsed(path: Path) -> ET.Element:
    try:
        return ET.parse(path).getroot()  # noqa: S314  (written by the tool that was just run)
    except (OSError, ET.ParseError) as error:
        raise LeveloneError(f"{path}: cannot be read: {error}") from error


def _text(root: ET.Element, path: str) -> str:
    found = root.find(path)
    if found is None or not (found.text or "").strip():
        raise KeyError(f"{path} is missing")
    return str(found.text).strip()


def _clocks(root: ET.Element, key: str) -> int | None:
    """A number of clocks; None where the tool writes that it depends on data."""
    text = _text(root, f"PerformanceEstimates/SummaryOfOverallLatency/{key}")
    return int(text) if text.isdigit() else None


def _counts(root: ET.Element, path: str) -> dict[str, int]:
    return {kind: int(root.findtext(f"{path}/{kind}", "0")) for kind in RESOURCES}
