"""The lead tungstate calorimeter of `levelone.simulate.muon`, its muons by Geant4; read-out is the same."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from levelone.simulate import Progress
from levelone.simulate.geant4.kernel import Detector, Kernel, Shot, placed
from levelone.simulate.geant4.running import run_geant4
from levelone.simulate.geant4.scoring import Plates
from levelone.simulate.materials import LEAD_TUNGSTATE, MUON_MEV, Floats
from levelone.simulate.muon.generator import (
    CELLS,
    COLUMNS,
    ENTRY_MM,
    GAP_MM,
    LAYER_MM,
    LAYERS,
    PITCH_MM,
    calorimeter,
)
from levelone.simulate.muon.section import MuonGenerate
from levelone.simulate.voxelrun import Generated, VoxelSummary, draw_energy

_PLATES = Plates("lead tungstate", CELLS, PITCH_MM)
_DEPTH_MM = LAYERS * (LAYER_MM + GAP_MM)
_WORLD_MM = 2000.0  # half of its width: what leaves at a side is still seen behind the calorimeter


class Block(Detector):
    """The calorimeter in a field along y, and behind it a plane that sees the muon leave."""

    cut_mm = 1.0

    def __init__(self, field_tesla: float) -> None:
        self._tesla = field_tesla
        self._kept: list[Any] = []
        self._losses: defaultdict[float, float] = defaultdict(float)
        self._exit: list[tuple[float, float, float]] = []

    def construct(self, g4: Any) -> Any:
        """Plates of lead tungstate in air."""
        nist = g4.G4NistManager.Instance()
        air = nist.FindOrBuildMaterial("G4_AIR")
        density = LEAD_TUNGSTATE.density * g4.g / g4.cm3
        crystal = nist.BuildMaterialWithNewDensity("lead tungstate", "G4_PbWO4", density)
        box = g4.G4Box("world", _WORLD_MM, _WORLD_MM, _DEPTH_MM + 100)
        world = g4.G4LogicalVolume(box, air, "world")
        plate, *others = _PLATES.divided(g4, crystal, LAYER_MM)
        behind = g4.G4LogicalVolume(g4.G4Box("behind", _WORLD_MM, _WORLD_MM, 0.5), air, "behind")
        self._kept += [world, plate, *others, behind]
        for layer in range(LAYERS):
            z = layer * (LAYER_MM + GAP_MM) + LAYER_MM / 2
            self._kept.append(placed(g4, plate, z, world, layer))
        self._kept.append(placed(g4, behind, _DEPTH_MM + 1, world, 0))
        return g4.G4PVPlacement(None, g4.G4ThreeVector(), world, "world", None, False, 0)

    def sensitive(self, g4: Any, construction: Any) -> None:
        """The cells, the plane behind them, the field."""
        left = self._exit

        class Behind(g4.G4VSensitiveDetector):
            def ProcessHits(self, step: Any, history: Any) -> bool:  # noqa: N802 - Geant4's name
                if step.GetTrack().GetTrackID() == 1 and not left:
                    point = step.GetPreStepPoint()
                    left.append((point.GetTotalEnergy(), point.GetPosition().x, point.GetPosition().y))
                return True

        self._kept += _PLATES.score(g4, construction, LAYERS)
        behind = Behind("behind")
        g4.G4SDManager.GetSDMpointer().AddNewDetector(behind)
        construction.SetSensitiveDetector("behind", behind, True)
        self._kept.append(behind)
        if self._tesla:
            field = g4.G4UniformMagField(g4.G4ThreeVector(0, self._tesla * g4.tesla, 0))
            manager = g4.G4TransportationManager.GetTransportationManager().GetFieldManager()
            manager.SetDetectorField(field)
            manager.CreateChordFinder(field)
            self._kept.append(field)

    def actions(self, g4: Any) -> list[Any]:
        """What the muon sets free, added up where it is set free at once."""
        losses = self._losses

        class Stack(g4.G4UserStackingAction):
            def ClassifyNewTrack(self, track: Any) -> Any:  # noqa: N802
                if track.GetParentID() == 1:
                    losses[track.GetGlobalTime()] += track.GetKineticEnergy()
                return g4.G4ClassificationOfNewTrack.fUrgent

        return [Stack()]

    def begin(self) -> None:
        """Forget the muon before."""
        self._losses.clear()
        self._exit.clear()

    def end(self, g4: Any, event: Any) -> tuple[Floats, tuple[float, float, float] | None, float]:
        """Energy of the cells, MeV; energy (MeV) and place (mm) of the muon behind; its largest loss, MeV."""
        cells = _PLATES.read(g4, event, LAYERS)
        return cells, self._exit[0] if self._exit else None, max(self._losses.values(), default=0.0)


@lru_cache(maxsize=1)
def _kernel(field_tesla: float) -> Kernel:
    return Kernel(Block(field_tesla))


def simulate_muon(
    path: Path,
    options: MuonGenerate,
    progress: Progress | None = None,
    *,
    chunk: int = 16,
    processes: int | None = None,
) -> VoxelSummary:
    """Write the events of `levelone.simulate.muon.generator.simulate_muon`, with muons by Geant4.

    A muon that stops in the calorimeter has lost all its energy, and leaves where it has come in.

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
        If the extra [geant4] is missing, or the file cannot be written.
    """
    grids = [section.grid for section in calorimeter().sections]
    return run_geant4(
        path, "muon", options, partial(_generate, options), Block, grids, COLUMNS,
        chunk=chunk, progress=progress, processes=processes,
    )  # fmt: skip


def _generate(options: MuonGenerate, n: int, rng: np.random.Generator) -> Generated:
    energy = draw_energy(n, options.energy_gev, options.spectrum, rng)
    entry = rng.uniform(-ENTRY_MM, ENTRY_MM, (n, 2))
    muons = [
        [Shot("mu-", 1e3 * total - MUON_MEV, (x, y, -1.0), (0, 0, 1))]
        for total, (x, y) in zip(energy, entry, strict=True)
    ]
    found = _kernel(options.field_tesla).run(muons, rng)
    stopped = ((0.0, x, y) for x, y in entry)
    exits = np.asarray([left or here for (_, left, _), here in zip(found, stopped, strict=True)])
    cells = np.stack([cells for cells, _, _ in found]) / 1e3
    lost = energy - exits[:, 0] / 1e3
    deposited = cells.sum((1, 2, 3))
    images = {"calo": np.zeros(cells.shape, np.float32)}
    calorimeter().read_out({"calo": cells}, rng, images)
    truth = {
        "energy": energy,
        "x": entry[:, 0],
        "y": entry[:, 1],
        "lost": lost,
        "deposited": deposited,
        "leading": np.asarray([leading for _, _, leading in found]) / 1e3,
        "exit_x": exits[:, 1],
        "exit_y": exits[:, 2],
    }
    columns = {name: values.astype(np.float32) for name, values in truth.items()}
    return Generated(images, columns, lost, np.maximum(lost - deposited, 0))
