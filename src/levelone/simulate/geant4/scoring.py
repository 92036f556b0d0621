"""Energy in the cells of sandwich calorimeters, added up inside Geant4."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from levelone.simulate.materials import Floats


@dataclass(frozen=True)
class Plates:
    """Plates along z, divided into square cells, all of the same size.

    Attributes
    ----------
    name
        Of the scorer.
    cells, pitch_mm
        How many cells along x and along y, and how wide they are.
    """

    name: str
    cells: int
    pitch_mm: float

    @property
    def half_mm(self) -> float:
        """Half the width of a plate."""
        return self.cells * self.pitch_mm / 2

    def plate(self, g4: Any, material: Any, thickness_mm: float) -> Any:
        """A plate without cells; Geant4's logical volume."""
        box = g4.G4Box(self.name, self.half_mm, self.half_mm, thickness_mm / 2)
        return g4.G4LogicalVolume(box, material, self.name)

    def divided(self, g4: Any, material: Any, thickness_mm: float) -> list[Any]:
        """A plate with cells: its logical volume first, then what Geant4 needs to be kept."""
        plate = self.plate(g4, material, thickness_mm)
        row_box = g4.G4Box(self.name, self.half_mm, self.pitch_mm / 2, thickness_mm / 2)
        row = g4.G4LogicalVolume(row_box, material, f"{self.name} row")
        cell_box = g4.G4Box(self.name, self.pitch_mm / 2, self.pitch_mm / 2, thickness_mm / 2)
        cell = g4.G4LogicalVolume(cell_box, material, f"{self.name} cell")
        rows = g4.G4PVReplica(f"{self.name} row", row, plate, g4.kYAxis, self.cells, self.pitch_mm)
        cells = g4.G4PVReplica(f"{self.name} cell", cell, row, g4.kXAxis, self.cells, self.pitch_mm)
        return [plate, row, cell, rows, cells]

    def score(self, g4: Any, construction: Any, layers: int) -> list[Any]:
        """Add up the energy in every cell of `layers` divided plates, whose copies count from 0."""
        detector = g4.G4MultiFunctionalDetector(self.name)
        energy = g4.G4PSEnergyDeposit3D("energy", layers, self.cells, self.cells, 2, 1, 0)
        detector.RegisterPrimitive(energy)
        g4.G4SDManager.GetSDMpointer().AddNewDetector(detector)
        construction.SetSensitiveDetector(f"{self.name} cell", detector, True)
        return [detector, energy]

    def read(self, g4: Any, event: Any, layers: int) -> Floats:
        """Energy of an event, MeV, [layers, cells along y, cells along x]."""
        number = g4.G4SDManager.GetSDMpointer().GetCollectionID(f"{self.name}/energy")
        found = np.zeros(layers * self.cells**2)
        for cell, energy in event.GetHCofThisEvent().GetHC(number):
            found[cell] = energy
        return found.reshape(layers, self.cells, self.cells)
