"""Single particles in the linear-collider calorimeter."""

import numpy as np
import pytest

from levelone.data.voxels import open_voxels
from levelone.simulate.calorimeter.hadrons import HadronShowers, develop
from levelone.simulate.calorimeter.showers import Showers
from levelone.simulate.lcd import generator as simulation
from levelone.simulate.lcd.detector import calorimeter
from levelone.simulate.lcd.generator import generate, simulate_lcd
from levelone.simulate.lcd.pions import LATERAL, interact
from levelone.simulate.lcd.section import PARTICLES, LcdGenerate
from levelone.simulate.lcd.upstream import cross, energy_kept
from levelone.simulate.materials import IRON, POLYSTYRENE

BARE = {"material_x0": 0.0, "noise_mip": 0.0, "pion_hcal_share": 1.0}
"""Nothing in front, no noise, all pions: what a beam of particles in Geant4 shows."""


def many(particle, energy, n, seed=1, **told):
    options = LcdGenerate(**(BARE | told))
    calo = calorimeter(options.noise_mip, options.threshold_mip)
    codes = np.full(n, PARTICLES.index(particle), np.uint8)
    energies = np.full(n, float(energy)) if np.isscalar(energy) else energy
    return generate(codes, energies, calo, np.random.default_rng(seed), options)


def visible(made):
    return sum(image.sum((1, 2, 3), dtype=np.float64) for image in made.images.values())


def test_geometry():
    """25 layers, 23 radiation lengths and one interaction length of ECAL (CLIC note).

    Then 60 layers of steel.
    """
    calo = calorimeter()
    ecal, hcal = calo.sections
    assert ecal.shape == (25, 25, 25)
    assert hcal.shape == (5, 5, 60)
    assert sum(ecal.layer_x0) == pytest.approx(23, abs=0.5)
    assert sum(ecal.layer_mm) == pytest.approx(159, abs=1)
    assert sum(hcal.layer_interaction) > 5


@pytest.mark.parametrize("particle", PARTICLES)
def test_energy_is_conserved(particle):
    made = many(particle, 80.0, 200)
    np.testing.assert_allclose(made.truth["deposited"] + made.outside, made.deposited, rtol=1e-4)
    if particle != "pion":
        np.testing.assert_allclose(made.deposited, 80.0)


@pytest.mark.parametrize("energy", [20.0, 200.0])
def test_electron_resolution_is_the_sampling_term(energy):
    """Linear, with sigma / E of about 20 % / sqrt(E): 18.3 published for this detector, Geant4 20 to 24."""
    total = visible(many("electron", energy, 600))
    assert total.mean() == pytest.approx(energy, rel=0.03)
    assert 0.17 < total.std() / total.mean() * np.sqrt(energy) < 0.25


def test_particles_look_different():
    n, energy = 160, 100.0
    events = {name: many(name, energy, n, seed) for seed, name in enumerate(PARTICLES)}
    share = {name: made.images["hcal"].sum() / visible(made).sum() for name, made in events.items()}
    assert share["electron"] < 0.1
    assert share["pion"] > 0.4
    depth = {
        name: (made.images["ecal"].sum((1, 2)) @ np.arange(25)).sum() / made.images["ecal"].sum()
        for name, made in events.items()
    }
    assert depth["photon"] > depth["electron"] + 0.5
    assert events["electron"].truth["start"].max() == 0
    assert events["photon"].truth["start"].mean() == pytest.approx(9 / 7, rel=0.2)
    smallest = 2 * np.arcsin(0.1349768 / energy)
    assert events["pi0"].truth["opening"].min() == pytest.approx(smallest, rel=0.02)
    # pions see less than they carry, and worse
    assert visible(events["pion"]).mean() < 0.95 * energy
    assert visible(events["pion"]).std() > 3 * visible(events["electron"]).std()


def test_pions_start_exponentially():
    """Survival of pions through the ECAL is exp(-depth in pion interaction lengths)."""
    calo = calorimeter()
    depth = interact(np.full(200_000, 50.0), np.random.default_rng(7)).depth
    for layer in (8, 16, 24):
        expected = np.exp(-calo.edges_interaction[layer])
        assert np.mean(depth > calo.edges_interaction[layer]) == pytest.approx(expected, abs=0.004)
    # those that reach the HCAL leave a track: a hit in almost every ECAL layer
    made = many("pion", 50.0, 300)
    late = made.truth["start"] > calo.edges_x0[25]
    assert np.mean(late) == pytest.approx(np.exp(-calo.edges_interaction[25]), abs=0.06)
    column = made.images["ecal"][late][:, 11:14, 11:14].sum((1, 2))
    assert np.mean(column > 0) > 0.95
    assert np.median(column[:, 3]) == pytest.approx(6.6e-3 * 1.1, rel=0.1)  # Landau: above the most probable


def test_two_photons_of_a_slow_pi0_are_apart():
    """At 10 GeV the photons are at least 40 mm apart at 1.5 m: 8 cells, beyond one shower's core."""
    made = many("pi0", 10.0, 200)
    lateral = made.images["ecal"].sum(3)
    hottest = lateral.reshape(200, -1).max(1) / lateral.sum((1, 2))
    other = many("photon", 10.0, 200)
    single = other.images["ecal"].sum(3)
    alone = single.reshape(200, -1).max(1) / single.sum((1, 2))
    assert np.median(hottest) < 0.85 * np.median(alone)


def test_file(tmp_path):
    options = LcdGenerate(events=80, seed=2, energy_gev=(10.0, 100.0))
    one = simulate_lcd(tmp_path / "a.h5", options, chunk=32)
    simulate_lcd(tmp_path / "b.h5", options, chunk=32)
    assert one.mean_voxels["ecal"] > 50
    with open_voxels(tmp_path / "a.h5") as a, open_voxels(tmp_path / "b.h5") as b:
        a.check()
        for grid in ("ecal", "hcal"):
            np.testing.assert_array_equal(a.read(grid, slice(None)), b.read(grid, slice(None)))
        assert set(np.unique(a.truth("pdg"))) == {11, 22, 111, 211}
        assert a.columns["particle"].names == PARTICLES
        energy = a.truth("energy")
        assert energy.min() >= 10
        assert energy.max() <= 100


def test_hadronic_part_lies_within_one_nuclear_interaction_length():
    """95 % of it (Wigmans, Calorimetry); nuclear lengths are shorter than those of pions."""
    calo = calorimeter()
    hcal = calo.sections[1]
    n = 400
    zero = np.zeros(n)
    start = np.full(n, calo.edges_interaction[25] + 0.2)
    hadrons = HadronShowers(np.arange(n), np.full(n, 100.0), start, zero, zero, zero, zero)
    _, spots, _ = develop(calo, hadrons, np.random.default_rng(3), lateral=LATERAL)
    plates = ((IRON, 19.0), (POLYSTYRENE, 3.0))
    nuclear = 26.5 / sum(width / material.interaction_mm for material, width in plates)
    radius = np.hypot(spots.x_mm, spots.y_mm)
    inside = (spots.layer >= 25) & (spots.layer < 25 + len(hcal.layer_x0))
    within = spots.energy[inside & (radius < nuclear)].sum() / spots.energy[inside].sum()
    assert within == pytest.approx(0.95, abs=0.02)


def test_few_cells_are_lost_to_the_cap_on_spots(monkeypatch):
    """Spots are fewer than asked for above 50 GeV; at 200 GeV the cap leaves more than eight cells in ten."""
    capped = np.count_nonzero(many("electron", 200.0, 24).images["ecal"])
    monkeypatch.setattr(simulation, "_SPOTS", 10**6)
    every = np.count_nonzero(many("electron", 200.0, 24).images["ecal"])
    assert 0.8 < capped / every < 1
    monkeypatch.setattr(simulation, "_SPOTS", 1000)
    assert np.count_nonzero(many("electron", 200.0, 24).images["ecal"]) < 0.7 * every


def test_moliere_radius_is_that_of_the_stack_with_its_gaps():
    """Gaps stretch it, in the thin layers more than in the thick ones.

    A layer of thickness t has t / sum(w / R) of its materials: R is 9.327 mm for tungsten and 49.42 mm for
    silicon (Particle Data Group). The thick layers are scaled from the thin ones, by radiation length.
    """
    calo = calorimeter()
    for layer, plate_mm in ((0, 2.4), (24, 4.8)):
        whole_mm, silicon_mm = plate_mm + 0.5 + 2.7, 0.5
        expected = whole_mm / (plate_mm / 9.327 + silicon_mm / 49.42)
        assert calo.moliere_mm[layer] == pytest.approx(expected, abs=0.3)


def test_electrons_are_those_of_geant4():
    """Geant4 11.4, option 1, 600 electrons of 10 GeV.

    72 and 88 % within 10 and 20 mm of the axis, 215 cells above half a minimum ionising particle, mean depth
    10.2 layers, all of them seen in the first layer; there 7, 26 and 68 MeV in a tenth, half and nine tenths.
    """
    images = many("electron", 10.0, 400).images["ecal"].astype(np.float64)
    total = images.sum((1, 2, 3))
    along = images.sum((1, 2))
    radius = np.hypot(*np.meshgrid(*[5.1 * np.arange(-12, 13)] * 2))
    within = [np.mean(images.sum(3)[:, radius < r].sum(1) / total) for r in (10, 20)]
    assert within == pytest.approx([0.72, 0.88], abs=0.015)
    assert np.count_nonzero(images) / len(images) == pytest.approx(215, rel=0.04)
    assert along.sum(0) @ np.arange(25) / along.sum() == pytest.approx(10.2, abs=0.25)
    assert np.mean(along[:, 0] > 0) > 0.995
    found = 1e3 * np.quantile(along[:, 0], (0.1, 0.5, 0.9))
    assert found == pytest.approx([7.0, 25.8, 68.4], rel=0.25)


def test_cells_tell_little_more_of_the_energy_than_their_sum():
    """As in Geant4: at 10 GeV the number of cells, at a given sum, narrows the resolution by less than 2 %.

    Were cells to fluctuate one by one, counting them would be worth several times as much. The number of
    cells grows with the power 0.65 of the energy.
    """
    images = many("electron", 10.0, 600, 8).images["ecal"]
    energy = np.log(images.sum((1, 2, 3), dtype=np.float64))
    extra = np.log(np.count_nonzero(images, axis=(1, 2, 3))) - 0.65 * energy
    correlation = np.corrcoef(energy, extra)[0, 1]
    assert np.sqrt(1 - correlation**2) > 0.98
    assert energy.std() == pytest.approx(0.063, rel=0.08)


def test_the_first_layer_tells_electrons_from_photons_as_far_as_it_does_in_geant4():
    """Area under the curve 0.74 to 0.75 at 10 and at 50 GeV; half of the photons leave nothing there."""
    from sklearn.metrics import roc_auc_score

    n = 400
    front = {kind: many(kind, 10.0, n, 3).images["ecal"][..., 0].sum((1, 2)) for kind in PARTICLES[:2]}
    kind = np.repeat([1, 0], n)
    assert roc_auc_score(kind, np.concatenate(list(front.values()))) == pytest.approx(0.745, abs=0.035)
    assert np.mean(front["photon"] > 0) == pytest.approx(0.46, abs=0.08)


def test_material_in_front_is_as_its_two_halves():
    """Bethe and Heitler: an electron keeps exp(-t) of its energy on average; 1 - exp(-7/9 t) convert."""
    rng = np.random.default_rng(4)
    n, thick = 100_000, 0.4
    whole = energy_kept(np.full(n, thick), rng)
    halves = energy_kept(np.full(n, thick / 2), rng) * energy_kept(np.full(n, thick / 2), rng)
    assert whole.mean() == pytest.approx(np.exp(-thick), abs=0.004)
    for q in (0.1, 0.3, 0.5, 0.8):
        assert np.quantile(whole, q) == pytest.approx(np.quantile(halves, q), abs=0.01)
    zero = np.zeros(n)
    photons = Showers(np.arange(n), zero + 50.0, zero, zero, zero, zero, zero)
    electrons, left = cross(photons.take(np.arange(0)), photons, thick, rng)
    converted = np.unique(electrons.event)
    assert len(converted) / n == pytest.approx(1 - np.exp(-7 / 9 * thick), abs=0.006)
    energy = sum(np.bincount(part.event, part.energy_gev, n) for part in (electrons, left))
    np.testing.assert_allclose(energy, 50.0)


def test_noise_is_seen_where_it_passes_the_threshold():
    """Empty cells: 2.3 % are above two standard deviations; with the default noise next to none are."""
    made = many("photon", 10.0, 16, noise_mip=0.25, threshold_mip=0.5)
    clean = many("photon", 10.0, 16, noise_mip=0.0, threshold_mip=0.5)
    more = (
        np.count_nonzero(made.images["ecal"], axis=(1, 2, 3)).mean()
        - np.count_nonzero(clean.images["ecal"], axis=(1, 2, 3)).mean()
    )
    assert more == pytest.approx(0.02275 * 25**3, rel=0.1)
    assert LcdGenerate().noise_mip == 0.1 and LcdGenerate().threshold_mip == 0.5
    corner = [many("photon", 10.0, 16, noise_mip=noise).images["ecal"][:, :2, :2] for noise in (0.1, 0.0)]
    assert np.count_nonzero(corner[0]) <= np.count_nonzero(corner[1]) + 3


def test_pions_that_are_kept_leave_little_behind_the_ecal():
    """Then the share of the HCAL alone no longer tells them from electrons; without the filter it does."""
    from sklearn.metrics import roc_auc_score

    n = 200
    energy = np.random.default_rng(5).uniform(10, 510, n)
    shares = {}
    for name, told in (("electron", {}), ("pion", {"pion_hcal_share": 0.1}), ("every pion", {})):
        made = many(name.split()[-1], energy, n, 6, **told)
        shares[name] = made.images["hcal"].sum((1, 2, 3)) / visible(made)
        np.testing.assert_allclose(made.truth["deposited"] + made.outside, made.deposited, rtol=1e-4)
    kind = np.repeat([0, 1], n)
    area = {
        name: roc_auc_score(kind, np.concatenate([shares["electron"], shares[name]]))
        for name in ("pion", "every pion")
    }
    assert area["every pion"] > 0.995
    assert area["pion"] < 0.96
    assert np.quantile(shares["pion"], 0.9) < 0.2


def test_a_shower_has_the_energy_for_its_tracks():
    """At 1 GeV, too, all energy is accounted for, and nothing is negative."""
    made = many("photon", 1.0, 100)
    np.testing.assert_allclose(made.truth["deposited"] + made.outside, 1.0, rtol=1e-4)
    assert made.images["ecal"].min() >= 0
