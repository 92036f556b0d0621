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
from levelone.simulate.passage.particles import Kind, Particles
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


def test_ranges_straggle_as_their_losses_do() -> None:
    """Squared deviation of the range: that of the loss per length, over the stopping power cubed (Bohr)."""
    table = tables(MUON_MEV, OIL)
    energy = np.linspace(1.0, 1000.0, 20_000)
    _, beta2 = motion(energy, MUON_MEV)
    most = largest_transfer(energy, MUON_MEV)
    scale = 0.307_075 / 2 * CELL_MATTER.z_over_a * CELL_MATTER.density / beta2
    loss = stopping(energy, MUON_MEV, CELL_MATTER)
    expected = np.sqrt(np.trapezoid(scale * most * (1 - beta2 / 2) / loss**3, energy))

    count = 1500
    deposits, _ = follow_tracks(shot(Kind.MUON, 1000.0, count), OIL, 1.0, 1e5, np.random.default_rng(3))
    path = np.bincount(deposits.event, minlength=count)  # pieces of 1 cm, bent ones included
    assert path.mean() == pytest.approx(table.range_of(np.array([1000.0]))[0], rel=0.005)
    assert path.std() == pytest.approx(
        expected, rel=0.12
    )  # 5 % of statistics, and tails of single collisions


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


def test_scattering_turns_by_the_whole_cross_section() -> None:
    """Soft and rare angles together: the integral of Rutherford's screened cross section over all angles."""
    energy = np.array([300.0])
    momentum, beta2 = motion(energy, ELECTRON_MEV)
    argon = Scattering.of(momentum, beta2, ELECTRON_MEV, ARGON)
    z, a, _ = LIQUID_ARGON.elements[0]
    atoms = AVOGADRO * LIQUID_ARGON.density / a
    screen = (
        (ELECTRON_MEV * ALPHA * z ** (1 / 3) / (0.885 * momentum)) ** 2
        * (1.13 + 3.76 * (z * ALPHA) ** 2 / beta2)
        / 4
    )
    unit = np.pi * (CLASSICAL_RADIUS_CM * ELECTRON_MEV) ** 2 / (momentum**2 * beta2)
    expected = np.zeros(1)
    for charges, most in ((z**2, argon.most[0]), (z, 0.5)):
        mu = np.geomspace(1e-16, most, 200_001)
        expected += atoms * charges * np.trapezoid(2 * mu * unit / (mu + screen) ** 2, mu)

    length, count = 0.05, 400_000
    many = Scattering(*(np.repeat(each, count) for each in (argon.soft, argon.least, argon.most)))
    mu = many.draw(np.full(count, length), ARGON, np.random.default_rng(6))
    assert 2 * mu.mean() / length == pytest.approx(float(expected[0]), rel=0.03)


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
