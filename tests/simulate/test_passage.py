"""Particles in any matter: energy that is neither lost nor made, ranges that straggle, angles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from levelone.simulate.materials import (
    ALPHA,
    AVOGADRO,
    CLASSICAL_RADIUS_CM,
    ELECTRON_MEV,
    LIQUID_ARGON,
    MUON_MEV,
    POLYSTYRENE,
    Floats,
    Sternheimer,
)
from levelone.simulate.nova.detector import CELL_MATTER
from levelone.simulate.passage.losses import largest_transfer, motion, stopping, tables
from levelone.simulate.passage.matter import Matter
from levelone.simulate.passage.particles import MASS, Kind, Particles
from levelone.simulate.passage.scattering import Scattering
from levelone.simulate.passage.showers import Region, annihilate, follow_photons, follow_showers
from levelone.simulate.passage.tracks import follow_tracks
from levelone.simulate.straggling import highland


def every_mev(loss: Floats) -> Floats:
    """A signal of one per MeV, however dense the loss."""
    return np.ones_like(loss)


OIL = Matter(CELL_MATTER, every_mev, absorption=0.009, captured=0.22, knock_on_mev=5.0)
ARGON = Matter(LIQUID_ARGON, every_mev, absorption=0.053, captured=0.76)
EVERYWHERE = Region((-1e5,) * 3, (1e5,) * 3)


def shot(kind: Kind, energy: float, count: int) -> Particles:
    """From the origin along z."""
    return Particles(
        np.arange(count),
        np.full(count, int(kind)),
        np.full(count, energy),
        np.zeros((count, 3)),
        np.tile([0.0, 0.0, 1.0], (count, 1)),
    )


@pytest.mark.parametrize("matter", [OIL, ARGON])
def test_a_track_leaves_its_energy_event_by_event(matter: Matter) -> None:
    """Deposits and knock-on electrons of every muon; what decays at rest is not the muon's motion."""
    muons = shot(Kind.MUON, 700.0, 300)
    deposits, electrons = follow_tracks(muons, matter, 1.0, 1e5, np.random.default_rng(1))
    knocked = electrons.kind == Kind.KNOCK_ON
    left = np.bincount(deposits.event, deposits.signal, 300)
    given = np.bincount(electrons.event[knocked], electrons.energy[knocked], 300)
    assert knocked.sum() > 100
    assert left + given == pytest.approx(np.full(300, 700.0), rel=1e-9)


@pytest.mark.parametrize("matter", [OIL, ARGON])
@pytest.mark.parametrize("kind", [Kind.ELECTRON, Kind.PHOTON])
def test_a_shower_leaves_its_energy(matter: Matter, kind: Kind) -> None:
    """The masses of pairs come back; in the mean, as larger losses are drawn around it."""
    first = shot(kind, 1000.0, 150)
    electrons, photons = (first, Particles.none()) if kind == Kind.ELECTRON else (Particles.none(), first)
    found = follow_showers(electrons, photons, EVERYWHERE, matter, 0.5, np.random.default_rng(2))
    left = np.bincount(found.event, found.signal, 150)
    assert abs(left.mean() - 1000) < 4 * left.std() / np.sqrt(150) + 1.0


@pytest.mark.parametrize(
    ("kind", "kinetic", "step_cm"),
    [(Kind.MUON, 1000.0, 1.0), (Kind.MUON, 100.0, 0.2), (Kind.PROTON, 150.0, 0.1)],
)
def test_ranges_straggle_as_their_losses_do(kind: Kind, kinetic: float, step_cm: float) -> None:
    """Squared deviation of the range: that of the loss per length, over the stopping power cubed (Bohr).

    A range of few steps straggles less (`levelone.simulate.passage.tracks`).
    """
    mass = MASS[kind]
    table = tables(mass, OIL)
    energy = np.linspace(1.0, kinetic, 20_000)
    _, beta2 = motion(energy, mass)
    most = largest_transfer(energy, mass)
    scale = 0.307_075 / 2 * CELL_MATTER.z_over_a * CELL_MATTER.density / beta2
    loss = stopping(energy, mass, CELL_MATTER)
    expected = np.sqrt(np.trapezoid(scale * most * (1 - beta2 / 2) / loss**3, energy))

    count = 1500
    none = replace(OIL, material=replace(CELL_MATTER, interaction=1e9))  # no proton interacts
    deposits, _ = follow_tracks(shot(kind, kinetic, count), none, step_cm, 1e5, np.random.default_rng(3))
    path = np.bincount(deposits.event, minlength=count) * step_cm  # bent ones included
    path = path - step_cm / 2
    assert path.mean() == pytest.approx(table.range_of(np.array([kinetic]))[0], rel=0.005)
    assert path.std() == pytest.approx(expected, rel=0.12)  # statistics 2 %, tails of single collisions


def test_positrons_at_rest_become_two_photons() -> None:
    rest = replace(shot(Kind.PHOTON, 0.0, 500), position=np.full((500, 3), 7.0))
    photons = annihilate(rest, np.random.default_rng(4))
    one, two = photons.direction[:500], photons.direction[500:]
    assert np.array_equal(one, -two)
    assert (photons.energy == ELECTRON_MEV).all()
    assert (photons.position == 7.0).all()
    assert np.abs(one.mean(0)).max() < 4 / np.sqrt(3 * 500)


def test_pairs_open_as_their_mass_over_energy() -> None:
    """The mean of u (exp(-a u) + 27 exp(-3 a u)), by hand: 2 / a times (1 + 27 / 27) / (1 + 27 / 9)."""
    photons = shot(Kind.PHOTON, 8000.0, 20_000)  # hardly one scatters before
    electrons, positrons = follow_photons(photons, EVERYWHERE, OIL, np.random.default_rng(5))
    total = positrons.energy + ELECTRON_MEV
    far = total > 50
    u = np.arccos(np.minimum(positrons.direction[far, 2], 1)) * total[far] / ELECTRON_MEV
    assert u.mean() == pytest.approx(2 / 0.625 * 2 / 4, rel=0.03)
    assert len(electrons) > len(positrons)  # Compton scattering makes electrons alone


@pytest.mark.parametrize("matter", [OIL, ARGON])
@pytest.mark.parametrize("energy", [5.0, 300.0])
def test_scattering_turns_by_the_whole_cross_section(matter: Matter, energy: float) -> None:
    """Soft and rare angles together: the integral over all angles, element by element; within 3 %.

    Nuclei up to twice a wave length over 1.2 fm A^(1/3), electrons up to where two share the energy.
    """
    momentum, beta2 = (float(each[0]) for each in motion(np.array([energy]), ELECTRON_MEV))
    # both electrons leave with half of the energy, at this angle
    half = np.sqrt((energy / 2) ** 2 + energy * ELECTRON_MEV)
    share = (1 - momentum / (2 * half)) / 2
    expected = 0.0
    for z, a, weight in matter.material.elements:
        atoms = AVOGADRO * matter.material.density * weight / a
        angle = ALPHA * ELECTRON_MEV * z ** (1 / 3) / (0.885 * momentum)
        screen = angle**2 * (1.13 + 3.76 * (z * ALPHA) ** 2 / beta2) / 4
        unit = atoms * np.pi * (CLASSICAL_RADIUS_CM * ELECTRON_MEV / momentum) ** 2 / beta2
        wide = np.sin(min(2 * 197.327 / (1.2 * a ** (1 / 3) * momentum), np.pi) / 2) ** 2
        for charges, most in ((z**2, wide), (z, share)):
            mu = np.geomspace(1e-4 * screen, most, 40_001)
            expected += charges * np.trapezoid(2 * mu * unit / (mu + screen) ** 2, mu)
    of = Scattering.of(np.array([momentum]), np.array([beta2]), ELECTRON_MEV, matter)
    rare = np.log(of.most / of.least) / (1 / of.least - 1 / of.most) / matter.x0_cm
    assert (of.soft + 2 * rare)[0] == pytest.approx(expected, rel=0.03)


def test_scattering_is_drawn_as_it_says() -> None:
    """The mean of many: soft and rare, of which one hides the soft ones of its step."""
    momentum, beta2 = motion(np.full(400_000, 300.0), ELECTRON_MEV)
    of = Scattering.of(momentum, beta2, ELECTRON_MEV, ARGON)
    mu = of.draw(np.full(400_000, 0.05), ARGON, np.random.default_rng(6))
    rare = np.log(of.most[0] / of.least[0]) / (1 / of.least[0] - 1 / of.most[0]) / ARGON.x0_cm
    expected = (of.soft[0] / 2 + rare) * 0.05
    assert abs(mu.mean() - expected) < 4 * mu.std() / np.sqrt(len(mu)) + 0.01 * expected


@pytest.mark.parametrize("matter", [OIL, ARGON])
@pytest.mark.parametrize(("mass", "energy"), [(MUON_MEV, 1000.0), (MUON_MEV, 200.0), (ELECTRON_MEV, 500.0)])
@pytest.mark.parametrize("lengths", [0.1, 1.0])
def test_scattering_is_as_wide_as_published(
    matter: Matter, mass: float, energy: float, lengths: float
) -> None:
    """Central 98 % of the plane angle behind so many radiation lengths: Highland's, good to 11 % (PDG)."""
    pieces, count = 40, 20_000
    momentum, beta2 = motion(np.full(count, energy), mass)
    scattering = Scattering.of(momentum, beta2, mass, matter)
    rng, angle = np.random.default_rng(7), np.zeros(count)
    for _ in range(pieces):
        mu = scattering.draw(np.full(count, lengths * matter.x0_cm / pieces), matter, rng)
        angle += np.arccos(1 - 2 * mu) * np.cos(rng.uniform(0, 2 * np.pi, count))
    inner = angle[np.abs(angle) <= np.quantile(np.abs(angle), 0.98)]
    width = inner.std() / 0.930  # of a normal law without its outer 2 %
    assert width == pytest.approx(highland(momentum[:1], lengths, mass)[0], rel=0.11)


def test_density_effect_of_what_is_not_in_the_tables() -> None:
    """Polystyrene by the general formula: its tabulated C-bar, and losses within a percent."""
    electrons = POLYSTYRENE.density * POLYSTYRENE.z_over_a
    general = replace(POLYSTYRENE, sternheimer=Sternheimer.of_dense(POLYSTYRENE.excitation_ev, electrons))
    assert general.sternheimer.cbar == pytest.approx(POLYSTYRENE.sternheimer.cbar, abs=0.005)
    energy = np.geomspace(50, 10_000, 60)
    assert stopping(energy, MUON_MEV, general) == pytest.approx(
        stopping(energy, MUON_MEV, POLYSTYRENE), rel=0.01
    )
