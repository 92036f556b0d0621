"""Area of a streamed project, synthesised by Yosys, in total and per layer; neither placed nor routed."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from levelone.errors import LeveloneError, nearest
from levelone.rtl.document import RtlDocument
from levelone.rtl.project import SOURCES
from levelone.rtl.yosys_worker import COMMANDS

INSTALL = "pip install 'levelone[rtl]'"
ELSEWHERE = "(ports and wires)"
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


@dataclass(frozen=True)
class Synthesis:
    """What Yosys made of a project.

    Attributes
    ----------
    tool
        Program and version.
    family
        FPGA family.
    total
        The whole design.
    layers
        By layer; what stands between layers is counted to the layer that it belongs to.
    """

    tool: str
    family: str
    total: Area
    layers: Mapping[str, Area]

    def to_dict(self) -> dict[str, Any]:
        """The ``--json`` form; ``kind`` says that these are figures of synthesis."""
        return {"kind": "synthesised", **asdict(self)}


def synthesise(project: Path, family: str = "xcup") -> Synthesis:
    """Synthesise the sources that lie in a project.

    Parameters
    ----------
    family
        "xcup" (UltraScale+), "xc7" (7 series) or "ecp5".

    Raises
    ------
    LeveloneError
        If the family is unknown, Yosys is not installed, or it refuses the sources.
    """
    if family not in COMMANDS:
        raise LeveloneError(f"unknown FPGA family {family!r}", hint=nearest(family, list(COMMANDS)))
    if importlib.util.find_spec("pyosys") is None:
        raise LeveloneError("Yosys (the package pyosys) is not installed", hint=INSTALL)
    document = RtlDocument.read(project)
    sources = sorted((Path(project) / SOURCES).glob("*.sv"))
    with tempfile.TemporaryDirectory() as scratch:
        result = Path(scratch) / "cells.json"
        command = [sys.executable, "-m", "levelone.rtl.yosys_worker", document.project, family, str(result)]
        done = subprocess.run([*command, *map(str, sources)], capture_output=True, text=True, check=False)
        if done.returncode or not result.is_file():
            said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-10:])
            raise LeveloneError(f"Yosys could not synthesise {project}:\n{said}")
        cells: dict[str, Counter[str]] = {
            instance: Counter(found) for instance, found in json.loads(result.read_text()).items()
        }
    layers: dict[str, Counter[str]] = {}
    for instance, found in cells.items():
        layers.setdefault(_layer(instance, document), Counter()).update(found)
    order = [*document.values, ELSEWHERE]
    return Synthesis(
        f"Yosys (pyosys {version('pyosys')})",
        family,
        _area(sum(cells.values(), Counter())),
        {name: _area(layers[name]) for name in order if name in layers},
    )


def _layer(instance: str, document: RtlDocument) -> str:
    """The layer that an instance belongs to: the longest name of a value that its name begins with."""
    inside = instance.removeprefix("u_")
    for prefix in ("weights_", "biases_", "table_"):
        inside = inside.removeprefix(prefix)
    matching = [name for name in document.values if inside == name or inside.startswith(f"{name}_")]
    return max(matching, key=len, default=ELSEWHERE)


def _area(cells: Mapping[str, int]) -> Area:
    return Area(**{name: sum(cells.get(kind, 0) for kind in kinds) for name, kinds in RESOURCES.items()})
