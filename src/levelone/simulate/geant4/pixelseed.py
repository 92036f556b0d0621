"""The sensors of `levelone.simulate.pixelseed` as plates of silicon, and muons through them by Geant4.

Collisions come from Pythia and tracks from ACTS, whatever the engine: this is there to compare the energy
that is left in a sensor (`levelone.simulate.pixelseed.summary`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from levelone.simulate.geant4.kernel import Detector, Kernel, Shot
from levelone.simulate.materials import MUON_MEV, Floats
from levelone.simulate.pixelseed.gun import Muons
from levelone.simulate.pixelseed.sensors import SENSORS

_NAMES = tuple(SENSORS)
_HALF_MM, _APART_MM = 50.0, 150.0
"""Half the width of a plate, and from one plate's middle to the next."""
_STEP_MM = 0.02
"""Longest step."""


class Sensors(Detector):
    """A plate per sensor beside each other in a vacuum; electrons of more than 1 keV are followed."""

    cut_mm = 0.001

    def construct(self, g4: Any) -> Any:
        """Plates whose front is at z = 0."""
        nist = g4.G4NistManager.Instance()
        silicon, vacuum = (nist.FindOrBuildMaterial(name) for name in ("G4_Si", "G4_Galactic"))
        size = _APART_MM * len(_NAMES)
        world = g4.G4LogicalVolume(g4.G4Box("world", size, size, size), vacuum, "world")
        self._limits = g4.G4UserLimits(_STEP_MM)
        self._kept: list[Any] = [world]
        for copy, sensor in enumerate(SENSORS.values()):
            box = g4.G4Box(sensor.name, _HALF_MM, _HALF_MM, sensor.thickness_mm / 2)
            plate = g4.G4LogicalVolume(box, silicon, sensor.name)
            plate.SetUserLimits(self._limits)
            middle = g4.G4ThreeVector(copy * _APART_MM, 0, sensor.thickness_mm / 2)
            self._kept += [plate, g4.G4PVPlacement(None, middle, plate, "plate", world, False, copy)]
        return g4.G4PVPlacement(None, g4.G4ThreeVector(), world, "world", None, False, 0)

    def sensitive(self, g4: Any, construction: Any) -> None:
        """Whatever is left in a plate."""
        plates = g4.G4MultiFunctionalDetector("plates")
        energy = g4.G4PSEnergyDeposit("energy", 0)
        plates.RegisterPrimitive(energy)
        g4.G4SDManager.GetSDMpointer().AddNewDetector(plates)
        for name in _NAMES:
            construction.SetSensitiveDetector(name, plates, True)
        self._kept += [plates, energy]

    def end(self, g4: Any, event: Any) -> float:
        """Energy in the plates, MeV; only the one that was shot at has any."""
        number = g4.G4SDManager.GetSDMpointer().GetCollectionID("plates/energy")
        return float(sum(energy for _, energy in event.GetHCofThisEvent().GetHC(number)))


@lru_cache(maxsize=1)
def _kernel() -> Kernel:
    return Kernel(Sensors())


def pass_through(muons: Muons, rng: np.random.Generator) -> Floats:
    """What each muon leaves in the sensor, keV [count]; in a process that can load Geant4 (`workers`)."""
    kinetic = float(np.hypot(1e3 * muons.momentum_gev, MUON_MEV) - MUON_MEV)
    place = (_NAMES.index(muons.geometry) * _APART_MM, 0.0, 0.0)
    shot = Shot("mu-", kinetic, place, muons.direction)
    return 1e3 * np.asarray(_kernel().run([[shot]] * muons.count, rng))
