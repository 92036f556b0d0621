"""A few electrons in xenon through Geant4 itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from with_geant4 import needs_geant4

from levelone.data.voxels import open_voxels
from levelone.simulate.geant4.next import simulate_next
from levelone.simulate.next.section import NextGenerate

pytestmark = needs_geant4


def test_the_events_do_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    told = NextGenerate(engine="geant4", events=24, seed=5)
    for processes in (1, 2):
        simulate_next(tmp_path / f"{processes}.h5", told, chunk=8, processes=processes)
    with open_voxels(tmp_path / "1.h5") as one, open_voxels(tmp_path / "2.h5") as two:
        one.check()
        np.testing.assert_array_equal(one.read("tpc", slice(None)), two.read("tpc", slice(None)))
        _holds(one.truth("energy"), 2458.0)
        said = one.provenance
    assert said["engine"] == "geant4"
    assert said["geant4"]["version"].startswith("geant4-11-04")
    assert said["geant4"]["production_cut_mm"] == 1.0


def test_annihilation_photons_of_a_double_escape_leave(tmp_path: Path) -> None:
    told = NextGenerate(engine="geant4", events=16, seed=5, signal="double-escape", signal_fraction=1.0)
    simulate_next(tmp_path / "e.h5", told, chunk=16, processes=1)
    with open_voxels(tmp_path / "e.h5") as file:
        _holds(file.truth("energy"), 1592.5)


def _holds(energy: np.ndarray, most_kev: float) -> None:
    assert energy.max() == pytest.approx(most_kev, abs=0.1)
    assert np.mean(energy > most_kev - 60) > 0.5
