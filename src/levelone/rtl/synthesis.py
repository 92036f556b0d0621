"""Area and clock of an RTL project, in total and per layer; every number says where it is from."""

from __future__ import annotations

import importlib.util
import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from levelone.errors import LeveloneError, nearest
from levelone.hardware.tools import run_tool
from levelone.rtl import nextpnr, vivado
from levelone.rtl.delays import ULTRASCALE_PLUS
from levelone.rtl.document import RtlDocument
from levelone.rtl.estimates import Estimate, estimates
from levelone.rtl.paths import longest_path
from levelone.rtl.project import SOURCES
from levelone.rtl.tools import INSTALL
from levelone.rtl.yosys_worker import CELLS, COMMANDS, NETLIST, synthesiser

ELSEWHERE = "(ports and wires)"
FAMILY = "xcup"
"""Where nobody says one."""
ONE_PLACEMENT = nextpnr.Placements()
RESOURCES: Mapping[str, tuple[str, ...]] = {
    "lut": ("LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6", "INV"),
    "flip_flops": ("FDRE", "FDSE", "FDCE", "FDPE", "TRELLIS_FF"),
    "shift_registers": ("SRL16E", "SRLC32E"),
    "lut_ram": (
        *("RAM16X1D", "RAM32X1D", "RAM32M", "RAM32M16", "RAM64X1D", "RAM64M", "RAM64M8"),
        "TRELLIS_DPR16X4",
    ),
    "carry": ("CARRY4", "CARRY8", "CCU2C"),
    "block_ram": ("RAMB18E1", "RAMB18E2", "RAMB36E1", "RAMB36E2", "DP16KD"),
    "dsp": ("DSP48E1", "DSP48E2", "MULT18X18D"),
}
"""Resource -> cells that are counted as it: cells, not sites."""


@dataclass(frozen=True)
class Area:
    """Cells of a design, or of one layer, by resource."""

    lut: int = 0
    flip_flops: int = 0
    shift_registers: int = 0
    lut_ram: int = 0
    carry: int = 0
    block_ram: int = 0
    dsp: int = 0


Kind = Literal["estimated", "synthesised", "routed"]


@dataclass(frozen=True)
class Timing:
    """How fast the clock may be.

    Attributes
    ----------
    kind
        "routed", or "estimated" from levels of logic.
    tool
        What says so.
    fmax_mhz
        Clock frequency.
    levels
        Most look-up tables in series; None where the tool does not say.
    start, end
        Cells at the ends of the longest path, called after the nets that they drive; empty: not said.
    basis
        What an estimate assumes, or on which device a design was routed.
    reached_mhz
        Clock frequency of every placement that was tried, seeds 1, 2, ...: `fmax_mhz` is the best one's; None
        of one that was stopped.
    """

    kind: Kind
    tool: str
    fmax_mhz: float
    levels: int | None
    start: str
    end: str
    basis: str
    reached_mhz: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class Synthesis:
    """What a tool made of a project.

    Attributes
    ----------
    kind
        "synthesised", or "routed".
    tool
        Program and version.
    family
        FPGA family.
    total
        The whole design.
    layers
        By layer; what stands between layers is counted to the layer that it belongs to.
    planned_lut
        Look-up tables by layer as they were estimated before; of unrolled designs only.
    estimates
        The same beside what alkaid expects and what was counted, for layers that nets can tell apart.
    timing
        None if nothing could say.
    untimed
        Why there is no timing.
    used
        Of a routed design, sites of the device by kind, where the tool counts them.
    """

    kind: Kind
    tool: str
    family: str
    total: Area
    layers: Mapping[str, Area]
    planned_lut: Mapping[str, int]
    estimates: tuple[Estimate, ...]
    timing: Timing | None
    untimed: str = ""
    used: Mapping[str, int] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The ``--json`` form."""
        return asdict(self)


def synthesise(
    project: Path, family: str = FAMILY, placements: nextpnr.Placements = ONE_PLACEMENT
) -> Synthesis:
    """Synthesise the sources that lie in a project: by Vivado where it is installed, else by Yosys.

    Yosys's netlist for "ecp5" is placed and routed by nextpnr where that is installed; for the others the
    clock is estimated from levels of logic.

    Parameters
    ----------
    family
        "xcup" (UltraScale+), "xc7" (7 series) or "ecp5".
    placements
        To try, of "ecp5" alone.

    Raises
    ------
    LeveloneError
        If the family is unknown or has no placements to try, Yosys is not installed, or a tool refuses the
        sources.
    """
    if family not in COMMANDS:
        raise LeveloneError(f"unknown FPGA family {family!r}", hint=nearest(family, list(COMMANDS)))
    if placements.seeds != 1 and family != "ecp5":
        raise LeveloneError(f"seeds of placements are tried for ecp5; {family} has one result")
    document = RtlDocument.read(project)
    program = vivado.find_vivado()
    if program is not None and family != "ecp5":
        return _from_vivado(vivado.run_vivado(program, Path(project)), document, family)
    if importlib.util.find_spec("pyosys") is None:
        raise LeveloneError("Yosys (the package pyosys) is not installed", hint=INSTALL)
    sources = sorted((Path(project) / SOURCES).glob("*.sv"))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        command = synthesiser(document.project, family, document.rtl.style, folder, sources)
        run_tool(command, f"Yosys could not synthesise {project}", results=[folder / NETLIST])
        found = json.loads((folder / CELLS).read_text(encoding="utf-8"))
        if family == "ecp5":
            timing, untimed, used = _routed(folder / NETLIST, document, placements)
        else:
            timing, untimed, used = _estimated(folder / NETLIST, document)
    cells = {instance: _area(kinds) for instance, kinds in found.items()}
    total, layers = _sum(cells.values()), _by_layer(cells, document)
    return Synthesis(
        "synthesised",
        f"Yosys (pyosys {version('pyosys')})",
        family,
        total,
        layers,
        _planned(document),
        _estimates(document, layers, total),
        timing,
        untimed,
        used,
    )


Timed = tuple[Timing | None, str, Mapping[str, int] | None]


def _estimated(netlist: Path, document: RtlDocument) -> Timed:
    module = json.loads(netlist.read_text(encoding="utf-8"))["modules"][document.project]
    path = longest_path(module["cells"])
    if path is None:
        return None, "no path between registers", None
    basis = ULTRASCALE_PLUS.assumptions
    return (
        Timing("estimated", "levelone", 1000 / path.ns, path.most_levels, path.start, path.end, basis),
        "",
        None,
    )


def _routed(netlist: Path, document: RtlDocument, placements: nextpnr.Placements) -> Timed:
    tool = nextpnr.find_nextpnr()
    if tool is None:
        return None, f"nextpnr-ecp5 is not installed: {INSTALL}", None
    try:
        found = nextpnr.route(tool, netlist, document.rtl.clock_ns, placements)
    except LeveloneError as error:
        return None, error.message, None
    basis = f"placed and routed on {nextpnr.DEVICE_NAME}"
    if found.packed:
        basis += f", after levelone moved registers into {found.packed} multipliers"
    if placements.seeds > 1:
        basis += (
            f"; the best of {placements.seeds} placements: {_each(found.reached_mhz, placements.minutes)}"
        )
    return (
        Timing("routed", found.tool, found.fmax_mhz, None, found.start, found.end, basis, found.reached_mhz),
        "",
        found.used,
    )


def _each(reached: Iterable[float | None], minutes: float) -> str:
    """What every placement reached, or that it was stopped."""
    stopped = f"stopped after {minutes:g} minutes of processor time"
    return ", ".join(
        f"seed {seed} {stopped if mhz is None else f'{mhz:.0f} MHz'}"
        for seed, mhz in enumerate(reached, start=1)
    )


def _from_vivado(reports: vivado.Reports, document: RtlDocument, family: str) -> Synthesis:
    areas = {name: Area(**found) for name, found in reports.instances.items()}
    total = areas.pop("(top)")
    layers = _by_layer(areas, document)
    layers.pop(ELSEWHERE, None)
    rest = {
        f.name: getattr(total, f.name) - sum(getattr(a, f.name) for a in layers.values())
        for f in fields(Area)
    }
    layers[ELSEWHERE] = Area(**rest)
    period = document.rtl.clock_ns - reports.slack_ns
    basis = f"placed and routed out of context on {document.rtl.part}"
    timing = Timing("routed", reports.tool, 1000 / period, None, "", "", basis)
    expected = _estimates(document, layers, total)
    return Synthesis("routed", reports.tool, family, total, layers, _planned(document), expected, timing)


def _planned(document: RtlDocument) -> dict[str, int]:
    return {layer.name: layer.lut for layer in document.layers if layer.lut is not None}


def _estimates(document: RtlDocument, layers: Mapping[str, Area], total: Area) -> tuple[Estimate, ...]:
    return estimates(document.layers, {name: area.lut for name, area in layers.items()}, total.lut)


def _by_layer(areas: Mapping[str, Area], document: RtlDocument) -> dict[str, Area]:
    """By value, in the graph's order, what belongs to none at the end."""
    layers: dict[str, list[Area]] = {}
    for instance, area in areas.items():
        layers.setdefault(_layer(instance, document), []).append(area)
    return {name: _sum(layers[name]) for name in (*document.values, ELSEWHERE) if name in layers}


def _sum(areas: Iterable[Area]) -> Area:
    listed = list(areas)
    return Area(**{f.name: sum(getattr(area, f.name) for area in listed) for f in fields(Area)})


def _layer(instance: str, document: RtlDocument) -> str:
    """The layer that an instance belongs to: the longest name of a value that its name begins with."""
    inside = instance.removeprefix("u_")
    for prefix in ("weights_", "biases_", "table_"):
        inside = inside.removeprefix(prefix)
    matching = [name for name in document.values if inside == name or inside.startswith(f"{name}_")]
    return max(matching, key=len, default=ELSEWHERE)


def _area(cells: Mapping[str, int]) -> Area:
    return Area(**{name: sum(cells.get(kind, 0) for kind in kinds) for name, kinds in RESOURCES.items()})
