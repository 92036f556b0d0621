"""Particles in liquid argon: losses and ranges against tables, showers, read-out; independence of steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from levelone.data.argon_images import NOTHING, ORIGINS, SHOWER, TRACK
from levelone.data.images import open_images
from levelone.simulate.lartpc.argon import PAIR_MEV, argon, survives
from levelone.simulate.lartpc.generator import CHUNK, make_crops, simulate_lartpc, start
from levelone.simulate.lartpc.readout import Readout, read_out, response
from levelone.simulate.lartpc.section import PARTICLES, LartpcGenerate
from levelone.simulate.materials import ELECTRON_MEV, LIQUID_ARGON, MUON_MEV, PROTON_MEV
from levelone.simulate.passage.losses import Collisions, stopping, straggled, tables
from levelone.simulate.passage.particles import SHOWERS, TRACKS, Deposits, Kind, Particles, anywhere, take
from levelone.simulate.passage.showers import (
    Region,
    compton_rate,
    follow_showers,
    pair_rate,
    radiation_rate,
    soft_radiation,
)
from levelone.simulate.passage.tracks import follow_tracks

ARGON = argon("box")
DENSITY = LIQUID_ARGON.density


def beam(kind: Kind, energy: float, count: int) -> Particles:
    """Particles that start in the middle of nowhere, along the wires' order."""
    heading = np.tile([1.0, 0.0, 0.0], (count, 1))
    return Particles(
        np.arange(count), np.full(count, int(kind)), np.full(count, energy), np.zeros((count, 3)), heading
    )


def showers(energy: float, count: int, step_cm: float, seed: int) -> Deposits:
    """Those of electrons that start in the middle of a block without borders, which is the origin."""
    first = beam(Kind.ELECTRON, energy, count)
    middle = replace(first, position=first.position + 5e3)
    rng = np.random.default_rng(seed)
    block = Region((0, 0, 0), (1e4, 1e4, 1e4))
    found = follow_showers(middle, Particles.none(), block, ARGON, step_cm, rng)
    return replace(found, position=found.position - 5e3)


@pytest.mark.parametrize(
    ("energy", "range_"), [(20, 3.321), (40, 10.58), (100, 42.50), (200, 106.3), (400, 238.5)]
)
def test_muon_ranges_are_the_published_ones(energy, range_):
    """Groom, Mokhov and Striganov, table of liquid argon, g / cm2."""
    assert tables(MUON_MEV, ARGON).range_of(energy) * DENSITY == pytest.approx(range_, rel=4e-3)


def test_smallest_loss_is_the_published_one():
    """1.508 MeV cm2 / g, PDG."""
    energy = np.geomspace(50, 2000, 400)
    assert stopping(energy, MUON_MEV, LIQUID_ARGON).min() / DENSITY == pytest.approx(1.508, rel=3e-3)


def test_most_probable_loss_is_landaus():
    """Landau's most probable loss with j = 0.2 (H. Bichsel, PDG review) of 1 GeV muons in 3 mm."""
    energy, length = np.full(60_000, 1000.0), np.full(60_000, 0.3)
    mean = stopping(energy, MUON_MEV, LIQUID_ARGON) * length
    high = 50.0
    mean = mean - Collisions.of(energy, MUON_MEV, high, np.inf, LIQUID_ARGON).mean * length
    lost = straggled(energy, MUON_MEV, mean, length, high, LIQUID_ARGON, np.random.default_rng(1))
    assert lost.mean() == pytest.approx(mean[0], rel=0.01)
    counts, edges = np.histogram(lost, np.linspace(0.35, 0.8, 46))
    top = np.argmax(np.convolve(counts, np.ones(5), "same"))
    gamma = 1 + 1000 / MUON_MEV
    beta2 = 1 - gamma**-2
    xi = 0.1535 * LIQUID_ARGON.z_over_a * DENSITY * 0.3 / beta2
    excitation, bg = LIQUID_ARGON.excitation_ev * 1e-6, np.sqrt(gamma**2 - 1)
    logs = np.log(2 * ELECTRON_MEV * bg**2 / excitation) + np.log(xi / excitation)
    expected = xi * (logs + 0.2 - beta2 - LIQUID_ARGON.sternheimer.delta(np.array([bg]))[0])
    assert (edges[top] + edges[top + 1]) / 2 == pytest.approx(expected, abs=0.015)


def test_recombination_is_that_of_the_sources():
    """Both laws leave 0.70 of a minimum ionising track at 0.5 kV / cm; dense tracks lose more."""
    loss = np.array([2.105, 20.0])
    box, birks = survives(loss, "box"), survives(loss, "birks")
    assert box[0] == pytest.approx(0.705, abs=0.002)
    assert birks[0] == pytest.approx(0.698, abs=0.002)
    assert box[1] < 0.36 > birks[1]


def test_photons_interact_as_often_as_published():
    """Klein and Nishina's 0.2112 barn at 1 MeV per electron; pairs: 7/9 per radiation length in the end."""
    electrons = 18 / 39.948 * 0.602214 * DENSITY
    assert compton_rate(np.array([1.0]), ARGON)[0] / electrons == pytest.approx(0.2112, rel=2e-3)
    limit = 7 / 9 / (LIQUID_ARGON.x0_mm / 10)
    assert pair_rate(np.array([1e5]), ARGON)[0] == pytest.approx(limit, rel=0.02)
    assert pair_rate(np.array([1.0]), ARGON)[0] == 0
    rising = pair_rate(np.geomspace(1.1, 1e4, 50), ARGON)
    assert (np.diff(rising) > 0).all()


def test_electrons_radiate_their_energy_over_a_radiation_length():
    """The integral of the spectrum, above and below the cut, is E / X0."""
    energy = np.array([100.0])
    y = np.linspace(0.3 / 100, 1, 200_001)
    above = np.trapezoid((4 / 3 - 4 / 3 * y + y**2), y) * 100 / (LIQUID_ARGON.x0_mm / 10)
    assert above + soft_radiation(energy, ARGON)[0] == pytest.approx(
        100 / (LIQUID_ARGON.x0_mm / 10), rel=1e-4
    )
    number = np.trapezoid((4 / 3 - 4 / 3 * y + y**2) / y, y) / (LIQUID_ARGON.x0_mm / 10)
    assert radiation_rate(energy, ARGON)[0] == pytest.approx(number, rel=1e-3)


def test_showers_are_as_deep_as_the_rule_says_and_lose_nothing():
    """Maximum at ln(E / Ec) - 0.5 radiation lengths for electrons, PDG; within half a radiation length."""
    found = showers(1000.0, 60, 0.2, 3)
    most = 1000 / PAIR_MEV * survives(np.array([2.105]), "box")[0]
    # the masses of pairs are not seen, and slow electrons lose more in recombination
    assert 0.92 * most < np.bincount(found.event, found.signal, 60).mean() < most
    x0 = LIQUID_ARGON.x0_mm / 10
    counts, edges = np.histogram(found.position[:, 0] / x0, np.linspace(0, 15, 31), weights=found.signal)
    top = np.average((edges[1:] + edges[:-1])[counts > 0.9 * counts.max()] / 2)
    assert top == pytest.approx(np.log(1000 / LIQUID_ARGON.critical_mev) - 0.5, abs=0.6)


@pytest.mark.parametrize("kind", [Kind.MUON, Kind.PROTON])
def test_half_of_all_steps_changes_no_track(kind):
    """Charge, where it ends and how wide it lies, of 600 tracks: within four standard errors."""
    sums = []
    for step, seed in ((0.2, 1), (0.1, 2)):
        tracks = beam(kind, 120.0, 600)
        deposits, _ = follow_tracks(tracks, ARGON, step, 45.0, np.random.default_rng(seed))
        mine = take(deposits, deposits.kind == kind)
        charge = np.bincount(mine.event, mine.signal, 600)
        far = np.bincount(mine.event, mine.signal * mine.position[:, 0], 600) / charge
        wide = np.bincount(mine.event, mine.signal * np.abs(mine.position[:, 2]), 600)
        sums.append(np.stack([charge, far, wide / charge]))
    errors = np.sqrt(sum(each.var(axis=1) / 600 for each in sums))
    assert (np.abs(sums[0].mean(1) - sums[1].mean(1)) < 4 * errors + 1e-3 * sums[1].mean(1)).all()


def test_half_of_all_steps_changes_no_shower():
    """Charge, depth and width of 250 showers of 100 MeV: within four standard errors and a percent."""
    sums = []
    for step, seed in ((0.2, 1), (0.1, 2)):
        found = showers(100.0, 250, step, seed)
        charge = np.bincount(found.event, found.signal, 250)
        deep = np.bincount(found.event, found.signal * found.position[:, 0], 250) / charge
        wide = np.bincount(found.event, found.signal * np.abs(found.position[:, 2]), 250) / charge
        sums.append(np.stack([charge, deep, wide]))
    errors = np.sqrt(sum(each.var(axis=1) / 250 for each in sums))
    assert (np.abs(sums[0].mean(1) - sums[1].mean(1)) < 4 * errors + 0.01 * sums[1].mean(1)).all()


def test_what_the_wires_read_does_not_know_how_finely_it_was_deposited():
    """A line of charge in 300 and in 3,000 deposits: the same pixels, to the last number but one."""
    pictures = []
    for count in (300, 3000):
        at = (np.arange(count) + 0.5) / count * 15 + 1
        zeros = np.zeros(count, np.int64)
        place = np.column_stack([at, zeros, at / 2 + 3])
        line = Deposits(zeros, zeros + Kind.MUON, place, np.full(count, 3e6 / count))
        plan = Readout(noise=0.0, threshold=1.0, lifetime_ms=5.0)
        pictures.append(read_out(line, 1, 64, np.array([80.0]), plan, np.random.default_rng(0)))
    one, two = (picture.adu.astype(int) for picture in pictures)
    assert np.abs(one - two).max() <= 2
    assert np.array_equal(pictures[0].classes == TRACK, one > 0)


def test_charge_arrives_attenuated_and_shaped():
    place = np.array([[9.75, 0, 9.75]])
    deposit = Deposits(np.zeros(1, np.int64), np.full(1, int(Kind.PHOTON)), place, np.full(1, 1e5))
    plan = Readout(noise=0.0, threshold=100.0, lifetime_ms=5.0)
    found = read_out(deposit, 1, 64, np.array([70.25]), plan, np.random.default_rng(0))
    assert found.adu.sum() == pytest.approx(1e3 * np.exp(-80 / 0.16 / 5000), rel=0.02)
    assert response().sum() == pytest.approx(1)
    rows = found.adu[0, 0].sum(1)
    assert (rows.argmax(), found.adu[0, 0].sum(0).argmax()) == (33, 32)  # a pixel later, in its wire
    assert set(np.unique(found.classes)) == {NOTHING, SHOWER}
    assert set(np.unique(found.kinds)) == {0, Kind.PHOTON + 1}


def test_files_hold_what_was_made_and_short_runs_begin_long_ones(tmp_path: Path):
    options = LartpcGenerate(events=CHUNK + 12, seed=3, most_particles=2)
    summary = simulate_lartpc(tmp_path / "long.h5", options)
    simulate_lartpc(tmp_path / "short.h5", options.model_copy(update={"events": 20}))
    with open_images(tmp_path / "long.h5") as long, open_images(tmp_path / "short.h5") as short:
        long.check()
        both = [file.read(np.arange(20)) for file in (long, short)]
        assert np.array_equal(both[0].images["charge"], both[1].images["charge"])
        assert np.array_equal(both[0].maps["particle"], both[1].maps["particle"])
        all_events = long.read(np.arange(CHUNK + 12))
        assert long.maps["particle"].names == ("nothing", *ORIGINS)
    charge, classes, kinds = (
        all_events.images["charge"], all_events.maps["class"], all_events.maps["particle"],
    )  # fmt: skip
    assert ((classes == NOTHING) == (kinds == 0)).all()
    for code, mine in ((TRACK, TRACKS), (SHOWER, SHOWERS)):
        assert (np.isin(kinds, np.array(mine) + 1) == (classes == code)).all()
    assert (charge[classes != NOTHING] > 0).all()
    assert 0.2 < summary.shower < 0.6
    assert summary.unexplained < 0.02
    assert all_events.lists["particles"].lengths.min() >= 1


def test_particles_that_are_not_asked_for_do_not_start():
    options = LartpcGenerate(particles=("muon", "photon"), cosmics=0.0)
    started = start(options, 19.2, np.random.default_rng(0))
    assert set(started.kind) == {Kind.MUON, Kind.PHOTON}
    assert np.linalg.norm(started.direction, axis=1) == pytest.approx(np.ones(len(started)))
    made = make_crops(options, np.random.default_rng(0))
    assert not np.isin(made.pictures.kinds, [Kind.PROTON + 1, Kind.ELECTRON + 1]).any()
    assert tuple(name for name in ORIGINS[: len(PARTICLES)]) == PARTICLES


def test_directions_prefer_none():
    found = anywhere(40_000, np.random.default_rng(1))
    assert np.abs(found.mean(0)).max() < 4 / np.sqrt(3 * 40_000)
    assert np.abs((found**2).mean(0) - 1 / 3).max() < 0.008


def test_a_particle_that_rests_leaves_the_charge_of_its_energy():
    """Protons of 60 MeV: the table's charge, and no more than their energy could free."""
    tracks = beam(Kind.PROTON, 60.0, 400)
    deposits, _ = follow_tracks(tracks, argon("birks"), 0.1, 45.0, np.random.default_rng(1))
    charge = np.bincount(deposits.event, deposits.signal, 400)
    expected = tables(PROTON_MEV, argon("birks")).signal_of(np.array([60.0]))[0]
    assert np.median(charge) == pytest.approx(expected, rel=0.01)
    assert expected < 60 / PAIR_MEV * 0.7
