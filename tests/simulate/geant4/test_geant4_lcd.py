"""A few particles in the linear-collider calorimeter through Geant4 itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from with_geant4 import needs_geant4

from levelone.data.voxels import open_voxels
from levelone.errors import LeveloneError
from levelone.simulate.geant4.data import DATA_SETS
from levelone.simulate.geant4.lcd import simulate_lcd
from levelone.simulate.lcd.section import LcdGenerate


def test_charged_pions_are_refused_without_data_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GEANT4_DATA_DIR", *DATA_SETS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(LeveloneError, match="the charged pion needs Geant4's data sets: G4LEDATA"):
        simulate_lcd(tmp_path / "l.h5", LcdGenerate(engine="geant4", events=8))
    assert list(tmp_path.iterdir()) == []


@needs_geant4
def test_showers_of_electrons_photons_and_neutral_pions(tmp_path: Path) -> None:
    told = LcdGenerate(
        engine="geant4", events=24, seed=4, energy_gev=(4.0, 6.0), particles=("electron", "photon", "pi0")
    )
    simulate_lcd(tmp_path / "l.h5", told, chunk=24, processes=1)
    with open_voxels(tmp_path / "l.h5") as file:
        file.check()
        ecal, hcal = (file.read(name, slice(None)) for name in ("ecal", "hcal"))
        particle, energy = file.truth("particle"), file.truth("energy")
        opening, start = file.truth("opening"), file.truth("start")
    seen = ecal.sum((1, 2, 3)) + hcal.sum((1, 2, 3))
    assert np.mean(seen / energy) == pytest.approx(0.93, abs=0.08)  # thresholds, and what misses the window
    assert set(particle) == {0, 1, 2}
    assert (opening[particle == 2] > 0.04).all()
    assert (opening[particle < 2] == 0).all()
    electron = particle == 0
    assert (ecal[electron, :, :, 0].sum((1, 2)) > 0).all()  # they are charged
    assert (start[electron] == 0).all()
    assert start[particle == 1].max() > 0.2
    middle = ecal.sum((2, 3)) @ (np.arange(25.0) - 12) / ecal.sum((1, 2, 3))
    assert np.abs(middle[particle < 2]).max() < 2  # cells
