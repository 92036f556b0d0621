"""Neutrinos on nucleons: cross sections against published numbers, conservation laws, hadrons."""

from __future__ import annotations

import numpy as np
import pytest

from levelone.simulate.neutrino.hadrons import fragmented, how_many, of_delta
from levelone.simulate.neutrino.interactions import (
    BINDING_GEV,
    CLASSES,
    FERMI_GEV,
    Nucleons,
    channels,
    cross_section,
    interact,
)
from levelone.simulate.neutrino.kinematics import (
    MUON,
    NUCLEON,
    PION,
    boosted,
    mass,
    on_shell,
    phase_space,
    q2_limits,
    scattered,
)
from levelone.simulate.neutrino.sections import FERMI2, elastic
from levelone.simulate.passage.particles import anywhere

EVEN = Nucleons(free=0.0, protons=0.5)
TWO = np.array([2.0])


def along_z(energy: np.ndarray) -> np.ndarray:
    return np.column_stack([energy, np.zeros((len(energy), 2)), energy])


def test_elastic_scattering_forward_is_that_of_the_charges() -> None:
    """Q2 = 0, massless lepton: G_F2 cos2 / (2 pi) (1 + g_A2), 2.10e-38 cm2 / GeV2 per neutron."""
    found = elastic(np.array([5.0]), np.array([1e-7]), 0.0)
    expected = FERMI2 * 0.9743**2 / (2 * np.pi) * (1 + 1.2723**2)
    assert found[0] == pytest.approx(expected, rel=1e-5)
    assert expected == pytest.approx(2.096, abs=0.001)


@pytest.mark.parametrize(
    ("energy", "published", "within"), [(0.6, 0.95, 0.1), (1.0, 1.06, 0.1), (3.0, 1.0, 0.1)]
)
def test_elastic_cross_section_is_the_measured_one(energy: float, published: float, within: float) -> None:
    """Muon neutrinos on neutrons, 1e-38 cm2 (J. Formaggio, G. Zeller, Rev. Mod. Phys. 84 (2012) 1307)."""
    assert channels(0)[0, 0].at(np.array([energy]))[0] == pytest.approx(published, abs=within)


def test_other_processes_have_the_size_of_their_sources() -> None:
    delta, quarks = channels(0)[1, 1], channels(0)[2, 1]
    assert delta.at(np.array([3.0]))[0] == pytest.approx(0.6, abs=0.03)
    assert channels(0)[1, 0].at(TWO)[0] == pytest.approx(delta.at(TWO)[0] / 3)
    assert quarks.at(np.array([9.0]))[0] / 9 == pytest.approx(0.677, rel=0.2)  # scaling sets in slowly
    # protons over neutrons, Q2 of 0.5 to 1 GeV2: L. Ahrens et al., 0.153 +- 0.018
    q2 = np.linspace(0.5, 1.0, 201)
    neutral, charged = (
        elastic(np.full_like(q2, 2.0), q2, lepton, neutral=nucleon).sum()
        for lepton, nucleon in ((0.0, 0), (MUON, None))
    )
    assert neutral / charged == pytest.approx(0.153, abs=0.03)


def test_the_sum_is_the_inclusive_cross_section() -> None:
    """0.70 to 0.85 e-38 cm2 / GeV per nucleon at 1.5 to 3 GeV (Formaggio and Zeller, figure 9)."""
    energy = np.array([1.5, 2.0, 3.0])
    found = cross_section(0, energy, EVEN).sum(0) / energy
    assert (found > 0.68).all() and (found < 0.85).all()


def test_scattering_has_the_q2_and_the_mass_that_were_asked_for() -> None:
    rng = np.random.default_rng(1)
    energy = rng.uniform(1.0, 5.0, 500)
    w = rng.uniform(NUCLEON, 1.3, 500)
    low, high = q2_limits(energy, w, MUON)
    q2 = low + (high - low) * rng.random(500)
    comes = along_z(energy)
    lepton, hadrons = scattered(comes, q2, w, MUON, rng.uniform(0, 6, 500))
    transfer = comes - lepton
    assert (transfer[:, 1:] ** 2).sum(1) - transfer[:, 0] ** 2 == pytest.approx(q2, abs=1e-6)
    assert mass(lepton) == pytest.approx(np.full(500, MUON), abs=1e-6)
    assert mass(hadrons) == pytest.approx(w, abs=1e-6)


def test_drawn_q2_follow_the_cross_section() -> None:
    """Mean Q2 of quasi-elastic scattering at 2 GeV, by integration and by drawing."""
    energy = np.full(40_000, 2.0)
    found, _ = channels(0)[0, 0].draw(energy, np.random.default_rng(3))
    low, high = (limit[0] for limit in q2_limits(TWO, np.array([NUCLEON]), MUON))
    grid = np.linspace(low, high, 20_001)
    density = elastic(np.full_like(grid, 2.0), grid, MUON)
    mean = np.trapezoid(grid * density, grid) / np.trapezoid(density, grid)
    assert found.mean() == pytest.approx(mean, rel=0.02)


@pytest.mark.parametrize("pions", [1, 2, 4])
def test_phase_space_keeps_energy_and_momentum(pions: int) -> None:
    rng = np.random.default_rng(2)
    whole = on_shell(anywhere(3000, rng) * 0.8, 1.9)
    found = phase_space(whole, pions, rng)
    assert np.abs(found.sum(1) - whole).max() < 1e-9
    assert mass(found[:, 0]) == pytest.approx(np.full(3000, NUCLEON), abs=1e-6)
    assert mass(found[:, 1]) == pytest.approx(np.full(3000, PION), abs=1e-6)
    rest = boosted(found[:, 1], -whole[:, 1:] / whole[:, :1])
    assert np.abs(rest[:, 1:].mean(0)).max() < 4 * rest[:, 1:].std() / np.sqrt(3000)
    # pions are alike: the order in which they were split off is not to be seen
    if pions == 4:
        last = boosted(found[:, 4], -whole[:, 1:] / whole[:, :1])
        assert last[:, 0].mean() == pytest.approx(rest[:, 0].mean(), rel=0.05)


def test_a_delta_decays_by_isospin() -> None:
    n = 20_000
    for charge, share in ((2, 0.0), (1, 2 / 3), (0, 2 / 3)):
        whole = on_shell(np.zeros((n, 3)), 1.232)
        made = of_delta(whole, np.full(n, charge), np.random.default_rng(4))
        pions = made.charge[~made.nucleon]
        assert np.mean(pions == 0) == pytest.approx(share, abs=0.012)
        assert (np.bincount(made.event, made.charge, n) == charge).all()


def test_hadrons_are_as_many_as_measured() -> None:
    """1.5 times the charged ones of the AGKY model, at a mass where neither end cuts."""
    w = np.full(20_000, 2.4)
    for proton, offset in ((1, 0.40), (0, -0.20)):
        found = how_many(w, np.full(20_000, proton), np.random.default_rng(5)) + 1
        assert found.mean() == pytest.approx(1.5 * (offset + 1.42 * np.log(2.4**2)), rel=0.06)
    made = fragmented(on_shell(np.zeros((20_000, 3)), w), found - 1, found * 0 + 1, np.random.default_rng(6))
    assert (np.bincount(made.event, made.charge, 20_000) == 1).all()
    assert set(made.charge[made.nucleon]) == {0, 1}


@pytest.mark.parametrize("kind", range(len(CLASSES)))
def test_interactions_keep_what_must_be_kept(kind: int) -> None:
    nucleons = Nucleons(free=0.1, protons=0.45)
    final, done = interact(kind, np.full(4000, 2.0), nucleons, np.random.default_rng(kind))
    n = len(final.process)
    assert n == done.sum() > 0.9 * 4000
    momentum = final.lepton + np.stack(
        [np.bincount(final.hadrons.event, column, n) for column in final.hadrons.momentum.T], axis=1
    )
    # a nucleon of the sphere, its binding: no more may be missing
    assert np.abs(momentum[:, 1:] - [0, 0, 2.0]).max() < FERMI_GEV + 0.15
    assert momentum[:, 0] == pytest.approx(np.full(n, 2.0 + NUCLEON), abs=0.06)
    charge = np.bincount(final.hadrons.event, final.hadrons.charge, n)
    assert set(charge) == ({0, 1} if kind == 2 else {1, 2})


def test_the_exclusion_principle_refuses_slow_nucleons_of_nuclei_alone() -> None:
    energy = np.full(4000, 2.0)
    final, done = interact(0, energy, EVEN, np.random.default_rng(8))
    assert 0.01 < 1 - done.mean() < 0.1
    elastic_ones = final.process[final.hadrons.event] == 0
    slowest = np.sqrt((final.hadrons.momentum[elastic_ones, 1:] ** 2).sum(1)).min()
    # as fast as the sphere's radius, then without the binding energy
    left = np.hypot(FERMI_GEV, NUCLEON) - BINDING_GEV
    assert np.sqrt(left**2 - NUCLEON**2) - 1e-9 < slowest < FERMI_GEV
    _, done = interact(2, energy, Nucleons(free=1.0, protons=0.0), np.random.default_rng(8))
    assert done.all()
