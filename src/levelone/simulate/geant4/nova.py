"""The segmented scintillator of `levelone.simulate.nova`, its particles transported by Geant4.

The detector is the same homogeneous matter, and its light the same law: Birks' for the loss of a step. What a
photon leaves at a point counts as what an electron of that energy loses on its range. Without Geant4's data
sets muons decay, but no nucleus captures them.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from levelone.simulate import Progress
from levelone.simulate.geant4.data import find_data, need_data
from levelone.simulate.geant4.kernel import Detector, Kernel, Shot
from levelone.simulate.geant4.running import started
from levelone.simulate.materials import ELECTRON_MEV, Floats
from levelone.simulate.nova import generator
from levelone.simulate.nova.detector import CELL_MATTER, light, matter
from levelone.simulate.nova.generator import CHUNK, STEP_CM, NovaSummary
from levelone.simulate.nova.section import NovaGenerate
from levelone.simulate.passage.losses import tables
from levelone.simulate.passage.particles import Deposits, Kind, Particles

_NAMES = {
    Kind.ELECTRON: "e-",
    Kind.PHOTON: "gamma",
    Kind.MUON: "mu-",
    Kind.PION: "pi+",
    Kind.PROTON: "proton",
}
HADRONS = (Kind.PION, Kind.PROTON)
_BESIDE_MM, _ALONG_MM = 4000.0, 16_000.0
"""Half widths of the matter, in whose middle particles start."""


class Scintillator(Detector):
    """One block; every step that leaves energy is kept."""

    cut_mm = 0.7
    decays = True

    def __init__(self) -> None:
        self._steps: list[tuple[float, ...]] = []

    def construct(self, g4: Any) -> Any:
        """A block of elements."""
        mixture = g4.G4Material(
            CELL_MATTER.name, CELL_MATTER.density * g4.g / g4.cm3, len(CELL_MATTER.elements)
        )
        self._elements = []
        for z, a, share in CELL_MATTER.elements:
            element = g4.G4Element(f"Z{z}", f"Z{z}", float(z), a * g4.g / g4.mole)
            mixture.AddElement(element, share)
            self._elements.append(element)
        mixture.GetIonisation().SetMeanExcitationEnergy(CELL_MATTER.excitation_ev * g4.eV)
        box = g4.G4Box("block", _BESIDE_MM, _BESIDE_MM, _ALONG_MM)
        volume = g4.G4LogicalVolume(box, mixture, "block")
        self._limits = g4.G4UserLimits(10 * STEP_CM)
        volume.SetUserLimits(self._limits)
        return g4.G4PVPlacement(None, g4.G4ThreeVector(), volume, "block", None, False, 0)

    def actions(self, g4: Any) -> list[Any]:
        """Steps that leave energy."""
        steps = self._steps

        class Steps(g4.G4UserSteppingAction):
            def UserSteppingAction(self, step: Any) -> None:  # noqa: N802 - Geant4's name
                energy = step.GetTotalEnergyDeposit()
                if energy > 0:
                    a, b = step.GetPreStepPoint().GetPosition(), step.GetPostStepPoint().GetPosition()
                    charge = step.GetTrack().GetDefinition().GetPDGCharge()
                    length = step.GetStepLength() if charge else 0.0
                    steps.append((energy, length, a.x, a.y, a.z, b.x, b.y, b.z))

        return [Steps()]

    def begin(self) -> None:
        """Forget the event before."""
        self._steps.clear()

    def end(self, g4: Any, event: Any) -> Floats:
        """Steps, [steps, 8]: energy (MeV), length (mm; 0 of neutral particles), where from and to (mm)."""
        return np.asarray(self._steps, np.float64).reshape(-1, 8)


@lru_cache(maxsize=1)
def _kernel() -> Kernel:
    return Kernel(Scintillator())


def pass_through(particles: Particles, rng: np.random.Generator) -> Deposits:
    """What particles of events 0, 1, ... leave; in a process that can load Geant4 (`workers`).

    Raises
    ------
    LeveloneError
        If there are hadrons without Geant4's data sets.
    """
    if np.isin(particles.kind, HADRONS).any():
        need_data(find_data(), "transport of pions and protons in nova's detector")
    events: list[list[Shot]] = [[] for _ in range(int(particles.event.max()) + 1)]
    for event, kind, energy, place, aim in zip(
        particles.event,
        particles.kind,
        particles.energy,
        particles.position,
        particles.direction,
        strict=True,
    ):
        events[event].append(Shot(_NAMES[Kind(kind)], energy, 10 * place, aim))
    found = _kernel().run(events, rng)
    steps = np.concatenate(found)
    event = np.repeat(np.arange(len(found)), [len(left) for left in found])
    energy, length = steps[:, 0], steps[:, 1] / 10
    begin, end = steps[:, 2:5] / 10, steps[:, 5:] / 10
    rest = length == 0
    length[rest] = tables(ELECTRON_MEV, matter()).range_of(energy[rest])
    place = np.where(rest[:, None], end, (begin + end) / 2)
    signal = energy * light(energy / length)
    kinds = np.zeros(len(event), np.int64)
    return Deposits(event, kinds, place, signal)


def simulate_nova(
    path: Path, options: NovaGenerate, progress: Progress | None = None, *, processes: int | None = None
) -> NovaSummary:
    """Write the events of `levelone.simulate.nova.generator.simulate_nova`, transported by Geant4.

    Neutrinos interact as there, and neutrons of the interaction leave nothing.

    Parameters
    ----------
    path, options, progress
        As there.
    processes
        At most so many, one per CPU by default; the events do not depend on it.

    Raises
    ------
    LeveloneError
        If the extra [geant4] or Geant4's data sets are missing, or the file cannot be written.
    """
    need_data(find_data(), "generate.engine = geant4: hadrons of neutrinos")
    with started(Scintillator, -(-options.events // CHUNK), processes) as (pool, facts):
        said = {"engine": "geant4", "geant4": facts}
        return generator.simulate_nova(
            path, options, progress, transport=pass_through, each=pool.map, engine=said
        )
