"""A few particles in the segmented scintillator through Geant4 itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from with_geant4 import needs_geant4

from levelone.data.images import open_images
from levelone.errors import LeveloneError
from levelone.simulate.geant4 import nova
from levelone.simulate.geant4.data import DATA_SETS
from levelone.simulate.geant4.running import started
from levelone.simulate.nova.generator import CHUNK, make_events, pass_through
from levelone.simulate.nova.gun import CHUNK as GUN_CHUNK
from levelone.simulate.nova.gun import fire
from levelone.simulate.nova.readout import BEFORE, WIDE
from levelone.simulate.nova.section import NovaGenerate
from levelone.simulate.passage.particles import Deposits, Kind, Particles, take
from levelone.zoo.nova import SYSTEM as NOVA


@pytest.mark.parametrize("kind", [Kind.PION, Kind.PROTON])
def test_hadrons_are_refused_without_data_sets(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GEANT4_DATA_DIR", *DATA_SETS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(LeveloneError, match=r"of pions and protons in nova's .* G4LEDATA"):
        next(fire(kind, 500.0, 1, 1, nova.pass_through))


def test_whole_events_are_refused_without_data_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As every neutrino makes hadrons; before a process is started, and with nothing written."""
    for name in ("GEANT4_DATA_DIR", *DATA_SETS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    options = NovaGenerate(events=4, engine="geant4")
    with pytest.raises(LeveloneError, match=r"generate\.engine = geant4: hadrons of neutrinos .* G4LEDATA"):
        NOVA.generator.make(tmp_path / "events.h5", options)
    assert list(tmp_path.iterdir()) == []


def leptons_and_photons(particles: Particles, rng: np.random.Generator) -> Deposits:
    """What Geant4 transports without its data sets; sent to a process of its own."""
    return nova.pass_through(take(particles, ~np.isin(particles.kind, nova.HADRONS)), rng)


@needs_geant4
def test_whole_events_without_their_hadrons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Muons, electrons and photons of neutrinos: as long and as bright as in the parametrised generator.

    All that of an engine's whole events can be run without the data sets: hadrons are left out in both.
    """
    monkeypatch.setattr(nova, "need_data", lambda *_: None)
    monkeypatch.setattr(nova, "pass_through", leptons_and_photons)
    options = NovaGenerate(events=CHUNK, seed=7, engine="geant4")
    nova.simulate_nova(tmp_path / "geant4.h5", options, processes=1)
    monkeypatch.undo()
    own = make_events(options, np.random.default_rng([7, 0]), without_hadrons)
    with open_images(tmp_path / "geant4.h5") as file:
        assert file.provenance["engine"] == "geant4"
        assert file.provenance["geant4"]["version"].startswith("geant4-11")
        batch = file.read(np.arange(CHUNK))
    counts = np.concatenate([batch.images["xz"], batch.images["yz"]], axis=1)
    for number in (0, 1):  # neutral currents leave little without their hadrons
        light = own.pictures.counts[own.truth["label"] == number].sum((1, 2, 3))
        other = counts[batch.truth["label"] == number].sum((1, 2, 3))
        assert abs(light.mean() - other.mean()) < 4 * np.hypot(
            light.std() / np.sqrt(len(light)), other.std() / np.sqrt(len(other))
        )


def without_hadrons(particles: Particles, rng: np.random.Generator) -> Deposits:
    """The same of levelone's own transport."""
    return pass_through(take(particles, ~np.isin(particles.kind, nova.HADRONS)), rng)


def steps_with_cut(cut_mm: float) -> int:
    """Steps of electrons that leave energy; in a process whose kernel does not run yet."""
    nova.Scintillator.cut_mm = cut_mm
    one = np.zeros(8, np.int64)
    particles = Particles(
        np.arange(8), one + Kind.ELECTRON, one + 200.0, np.zeros((8, 3)), np.tile([0.0, 0.0, 1.0], (8, 1))
    )
    return len(nova.pass_through(particles, np.random.default_rng(1)))


@needs_geant4
def test_a_production_cut_is_in_force() -> None:
    """Geant4 forgets one that is told too early, and takes 1 mm."""
    found = []
    for cut_mm in (0.05, 1.0):
        with started(nova.Scintillator, 1) as (pool, _):
            found += pool.map(steps_with_cut, [cut_mm])
    assert found[0] > 1.2 * found[1]


@needs_geant4
def test_showers_and_tracks_leave_their_energy_where_they_should() -> None:
    with started(nova.Scintillator, 1) as (pool, facts):
        showers, tracks = (
            next(fire(kind, 400.0, GUN_CHUNK, 3, nova.pass_through, pool.map))
            for kind in (Kind.ELECTRON, Kind.MUON)
        )
    # 0.65 of the energy, less what Birks' law and the threshold take; muons decay besides
    assert showers.sum((1, 2, 3)).mean() / 400 == pytest.approx(0.57, abs=0.02)
    assert tracks.sum((1, 2, 3)).mean() / 400 == pytest.approx(0.60 + 0.6 * 37 / 400, abs=0.03)
    planes = (tracks > 0).any(2)  # of either view
    assert np.median(planes[:, 0].sum(1)) == pytest.approx(170 / 13.2, abs=2)  # the range is 170 cm
    first = BEFORE + planes[:, :, BEFORE:].argmax(2)
    assert (first <= BEFORE + 1).all()
    assert showers[:, :, WIDE // 2 - 1 : WIDE // 2 + 2].sum((1, 2, 3)).mean() / 400 > 0.45
    assert nova.Scintillator.cut_mm == facts["production_cut_mm"]
    assert facts["left_out"] == [] or facts["physics_list"].endswith(", G4DecayPhysics")
