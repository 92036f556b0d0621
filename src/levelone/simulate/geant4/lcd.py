"""The linear-collider calorimeter of `levelone.simulate.lcd`, its showers by Geant4.

Plates of tungsten and steel with silicon pads and scintillator tiles between them, wider than the images; in
front of them aluminium of the material's thickness. Cells read what is deposited in the sensor, on the scale
on which electrons read their energy; noise and threshold are the same for both engines.
"""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.simulate import Progress
from levelone.simulate.calorimeter.cells import Calorimeter, suppress
from levelone.simulate.calorimeter.showers import Showers
from levelone.simulate.geant4.data import find_data, need_data
from levelone.simulate.geant4.kernel import Detector, Kernel, Shot, placed
from levelone.simulate.geant4.running import run_geant4
from levelone.simulate.geant4.scoring import Plates
from levelone.simulate.lcd.detector import (
    PLATES_MM,
    SILICON_MM,
    STEEL_MM,
    TILE_MM,
    calorimeter,
)
from levelone.simulate.lcd.generator import COLUMNS, decay, draw, truth
from levelone.simulate.lcd.section import PARTICLES, LcdGenerate
from levelone.simulate.materials import Floats
from levelone.simulate.voxelrun import Generated, VoxelSummary

_NAMES = ("e-", "gamma", "gamma", "pi+")
_ELECTRON, _PI0, _PION = (PARTICLES.index(name) for name in ("electron", "pi0", "pion"))
_ECAL, _HCAL = Plates("ecal", 51, 5.1), Plates("hcal", 9, 30.0)
_GEV_PER_MEV = {"ecal": 0.0466, "hcal": 0.0435}
"""Energy of a particle per energy in the sensors of first layers: electrons of 10 GeV, all of it absorbed."""
_ALUMINIUM_X0_MM = 88.97
_MATERIAL_MM = -100.0
"""Where the material in front ends; particles start 100 mm before that."""
_STARTS = {"conv", "pi+Inelastic"}
_LEAST = 0.01
"""Share of the energy that a particle must have for its birth to begin a shower."""


class Stack(Detector):
    """Both calorimeters and the material in front."""

    cut_mm = 1.0

    def __init__(self, material_x0: float) -> None:
        self._material_mm = material_x0 * _ALUMINIUM_X0_MM
        self._calo = calorimeter()
        self._kept: list[Any] = []
        self._births: list[tuple[float, float]] = []

    def construct(self, g4: Any) -> Any:
        """Plates in air."""
        find = g4.G4NistManager.Instance().FindOrBuildMaterial
        air, steel = find("G4_AIR"), find("G4_Fe")
        depth = float(self._calo.edges_mm[-1])
        box = g4.G4Box("world", 2 * _HCAL.half_mm, 2 * _HCAL.half_mm, depth + 300)
        world = g4.G4LogicalVolume(box, air, "world")
        pads, *others = _ECAL.divided(g4, find("G4_Si"), SILICON_MM)
        tiles, *more = _HCAL.divided(g4, find("G4_POLYSTYRENE"), TILE_MM)
        tungsten = {mm: _ECAL.plate(g4, find("G4_W"), mm) for mm in set(PLATES_MM)}
        plate = _HCAL.plate(g4, steel, STEEL_MM)
        self._kept += [world, pads, tiles, plate, *tungsten.values(), *others, *more]
        if self._material_mm:
            material = _HCAL.plate(g4, find("G4_Al"), self._material_mm)
            z = _MATERIAL_MM - self._material_mm / 2
            self._kept += [material, placed(g4, material, z, world, 0)]
        ecal = self._calo.sections[0]
        for layer, (z, mm) in enumerate(zip(self._calo.edges_mm, PLATES_MM, strict=False)):
            self._kept.append(placed(g4, tungsten[mm], z + mm / 2, world, layer))
            self._kept.append(placed(g4, pads, z + mm + SILICON_MM / 2, world, layer))
        for layer, z in enumerate(self._calo.edges_mm[len(ecal.layer_x0) : -1]):
            self._kept.append(placed(g4, plate, z + STEEL_MM / 2, world, layer))
            self._kept.append(placed(g4, tiles, z + STEEL_MM + TILE_MM / 2, world, layer))
        return g4.G4PVPlacement(None, g4.G4ThreeVector(), world, "world", None, False, 0)

    def sensitive(self, g4: Any, construction: Any) -> None:
        """The pads and the tiles."""
        for plates, section in zip((_ECAL, _HCAL), self._calo.sections, strict=True):
            self._kept += plates.score(g4, construction, len(section.layer_x0))

    def actions(self, g4: Any) -> list[Any]:
        """Where showers begin."""
        births = self._births

        class Births(g4.G4UserStackingAction):
            def ClassifyNewTrack(self, track: Any) -> Any:  # noqa: N802 - Geant4's name
                process = track.GetCreatorProcess()
                if process is not None and process.GetProcessName() in _STARTS:
                    births.append((track.GetPosition().z, track.GetKineticEnergy()))
                return g4.G4ClassificationOfNewTrack.fUrgent

        return [Births()]

    def begin(self) -> None:
        """Forget the showers before."""
        self._births.clear()

    def end(self, g4: Any, event: Any) -> tuple[dict[str, Floats], NDArray[np.float64]]:
        """Energy of all cells of both, MeV, [layers, y, x]; births of particles, [n, 2]: z (mm), MeV."""
        cells = {
            plates.name: plates.read(g4, event, len(section.layer_x0))
            for plates, section in zip((_ECAL, _HCAL), self._calo.sections, strict=True)
        }
        return cells, np.asarray(self._births, np.float64).reshape(-1, 2)


@lru_cache(maxsize=1)
def _kernel(material_x0: float) -> Kernel:
    return Kernel(Stack(material_x0))


def simulate_lcd(
    path: Path,
    options: LcdGenerate,
    progress: Progress | None = None,
    *,
    chunk: int = 8,
    processes: int | None = None,
) -> VoxelSummary:
    """Write the events of `levelone.simulate.lcd.generator.simulate_lcd`, with showers by Geant4.

    Charged pions are made again until they pass the filter.

    Parameters
    ----------
    path, options, progress
        As there.
    chunk
        Events at a time; part of what a seed means.
    processes
        At most so many, one per CPU by default; the events do not depend on it.

    Raises
    ------
    LeveloneError
        If the extra [geant4] is missing, charged pions are asked for without Geant4's data sets, or the file
        cannot be written.
    """
    if "pion" in options.particles:
        need_data(find_data(), "generate.particles: the charged pion")
    grids = [section.grid for section in calorimeter().sections]
    return run_geant4(
        path, "lcd", options, partial(_generate, options), Stack, grids, COLUMNS,
        chunk=chunk, progress=progress, processes=processes,
    )  # fmt: skip


def _generate(options: LcdGenerate, n: int, rng: np.random.Generator) -> Generated:
    particle, energy = draw(options, n, rng)
    calo = calorimeter(options.noise_mip, options.threshold_mip)
    images = {s.name: np.zeros((n, *s.shape), np.float32) for s in calo.sections}
    edges = [(p.cells - s.cells) // 2 for p, s in zip((_ECAL, _HCAL), calo.sections, strict=True)]
    windows = {s.name: slice(e, e + s.cells) for e, s in zip(edges, calo.sections, strict=True)}
    absorbed, start, opening = np.zeros(n), np.zeros(n), np.zeros(n)
    left = np.arange(n)
    while len(left):
        shots, opening[left] = _shots(particle[left], energy[left], calo, rng)
        found = _kernel(options.material_x0).run(shots, rng)
        again = []
        for event, (cells, births) in zip(left, found, strict=True):
            seen = {s.name: _visible(cells[s.name], s.weight, s.name) for s in calo.sections}
            total = {name: float(image.sum()) for name, image in seen.items()}
            absorbed[event] = sum(total.values())
            if particle[event] == _PION and total["hcal"] > options.pion_hcal_share * absorbed[event]:
                again.append(event)
                continue
            for name, window in windows.items():
                images[name][event] = seen[name][window, window]
            begun = births[births[:, 1] > 1e3 * _LEAST * energy[event], 0]
            first = 0.0 if particle[event] == _ELECTRON else begun.min(initial=float(calo.edges_mm[-1]))
            start[event] = np.interp(first, calo.edges_mm, calo.edges_x0)
        left = np.asarray(again, np.int64)
    deposited = sum(image.sum((1, 2, 3), dtype=np.float64) for image in images.values())
    for section in calo.sections:
        suppress(images[section.name], section, rng)
    columns = truth(particle, energy, deposited, start, opening)
    return Generated(images, columns, energy, np.maximum(absorbed - deposited, 0))


def _visible(cells: Floats, weight: Floats, name: str) -> NDArray[np.float32]:
    """What cells [layers, y, x] in MeV read, GeV, [x, y, layers]."""
    return (cells.transpose(2, 1, 0) * (weight * _GEV_PER_MEV[name])).astype(np.float32)


def _shots(
    particle: NDArray[np.uint8], energy_gev: Floats, calo: Calorimeter, rng: np.random.Generator
) -> tuple[list[list[Shot]], Floats]:
    """What starts in events [n], and the opening angles of neutral pions [n]."""
    n, opening = len(particle), np.zeros(len(particle))
    half = calo.sections[0].pitch_mm / 2
    x, y = rng.uniform(-half, half, (2, n))
    none, event = np.zeros(n), np.arange(n)
    whole = Showers(event, energy_gev, none, x, y, none, none)
    neutral = particle == _PI0
    pairs, opening[neutral] = decay(whole.take(neutral), rng)
    shots: list[list[Shot]] = [[] for _ in range(n)]
    begin = _MATERIAL_MM - 100 - _ALUMINIUM_X0_MM
    for flying in (whole.take(~neutral), pairs):
        slopes = np.stack([flying.slope_x, flying.slope_y, np.ones(len(flying.event))], axis=1)
        front = np.stack([flying.x_mm, flying.y_mm, np.zeros(len(flying.event))], axis=1)
        aims = slopes / np.linalg.norm(slopes, axis=1, keepdims=True)
        places = front + begin * slopes
        for row, one in enumerate(flying.event):
            energy = 1e3 * flying.energy_gev[row]
            shots[one].append(Shot(_NAMES[particle[one]], energy, places[row], aims[row]))
    return shots, opening
