"""A few muons through Geant4 itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from with_geant4 import needs_geant4

from levelone.data.voxels import open_voxels
from levelone.simulate.geant4.muon import simulate_muon
from levelone.simulate.muon.section import MuonGenerate

pytestmark = needs_geant4


def test_muons_lose_energy_and_bend(tmp_path: Path) -> None:
    told = MuonGenerate(engine="geant4", events=16, seed=3, energy_gev=(30.0, 40.0), field_tesla=4.0)
    summary = simulate_muon(tmp_path / "m.h5", told, chunk=16, processes=1)
    assert summary.events == 16
    with open_voxels(tmp_path / "m.h5") as file:
        file.check()
        lost, deposited = file.truth("lost"), file.truth("deposited")
        leading = file.truth("leading")
        bent = file.truth("exit_x") - file.truth("x")
        seen = file.read("calo", slice(None)).sum((1, 2, 3))
    assert 2.2 < np.median(lost) < 3.2  # 1.6 GeV/m of ionisation at its minimum, more at 35 GeV
    assert (deposited <= lost * 1.001).all()
    assert (leading < lost).all()
    assert (leading > 0).all()
    np.testing.assert_allclose(seen, deposited, rtol=0.1)  # photo-electrons and thresholds
    # 0.3 B L^2 / 2 p of a negative muon, less its losses
    assert 0.055 < np.median(bent) / 1e3 < 0.095
