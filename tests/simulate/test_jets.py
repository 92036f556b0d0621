"""Towers, clustering, trimming and N-subjettiness, on jets that are known."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest

from levelone.errors import LeveloneError
from levelone.simulate.jets import towers
from levelone.simulate.jets.clustering import Momenta, cluster, load_fastjet
from levelone.simulate.jets.particles import Particles
from levelone.simulate.jets.substructure import subjettiness, trim, turned, two_point

needs_fastjet = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("fastjet", "awkward")),
    reason="needs levelone[sim]",
)


def momenta(*groups: list[tuple[float, float, float]]) -> Momenta:
    """From (pt, eta, phi) of each group."""
    table = np.array([row for group in groups for row in group], np.float64).reshape(-1, 3)
    group = np.repeat(np.arange(len(groups)), [len(rows) for rows in groups])
    return Momenta(*table.T, group, len(groups))


def test_particles_in_a_tower_add_their_energies() -> None:
    """Two massless particles in one tower, one in the next, one beyond the calorimeter."""
    eta, phi = np.array([0.01, 0.09, 0.11, 5.1]), np.array([0.02, 0.02, 0.02, 0.02])
    pt = np.array([3.0, 4.0, 5.0, 6.0])
    event = np.zeros(4, np.int64)
    p = (pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta))
    found = towers.fill(Particles(event, event, *p, pt * np.cosh(eta)))
    assert found.column.tolist() == [50, 51]
    np.testing.assert_allclose(found.energy, [3 * np.cosh(0.01) + 4 * np.cosh(0.09), 5 * np.cosh(0.11)])
    seen = found.momenta
    np.testing.assert_allclose(seen.eta, [0.05, 0.15], atol=1e-12)
    np.testing.assert_allclose(seen.pt * np.cosh(seen.eta), found.energy)


def test_the_order_of_particles_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    p = rng.normal(0, 3, (3, 200))
    event = np.repeat([0, 1], 100)
    energy = np.sqrt((p**2).sum(0))
    one = towers.fill(Particles(event, event, *p, energy))
    order = rng.permutation(200)
    other = towers.fill(Particles(event[order], event, *p[:, order], energy[order]))
    assert np.array_equal(one.row, other.row)
    assert np.array_equal(one.column, other.column)
    np.testing.assert_allclose(one.energy, other.energy, rtol=1e-12)


def test_every_direction_has_a_tower() -> None:
    row, column = towers.place(np.array([-4.999, 0.0, 4.999]), np.array([-np.pi, 0.0, np.pi]))
    assert row.tolist() == [0, towers.AROUND // 2, 0]  # pi is -pi
    assert column.tolist() == [0, 50, 99]


@needs_fastjet
def test_jets_of_each_group_the_hardest_first() -> None:
    """Across pi in azimuth, too; the second group has one jet below the threshold."""
    found = cluster(
        momenta(
            [(20, 0.0, 3.1), (50, 1.8, 0.0), (30, 0.2, -3.1), (5, 2.0, 0.1)], [(8, -1.0, 1.0), (90, 1.0, 1.0)]
        ),
        "antikt",
        1.0,
        pt_min=10,
    )
    assert found.group.tolist() == [0, 0, 1]
    assert [sorted(found.member[found.jet == jet].tolist()) for jet in range(3)] == [[1, 3], [0, 2], [5]]
    np.testing.assert_allclose(found.momentum.pt[2], 90)
    assert abs(abs(found.momentum.phi[1]) - np.pi) < 0.1


@needs_fastjet
def test_trimming_drops_soft_subjets_and_keeps_the_mass_of_two() -> None:
    """Two hard towers 0.8 apart in azimuth, and a soft one far from both."""
    jet = momenta([(150, 0.0, 0.4), (150, 0.0, -0.4), (9, 0.6, 0.0)])
    whole = np.array([300.0])
    trimmed = trim(jet, whole, 0.3, 0.05)
    assert trimmed.subjets.member.tolist() == [0, 1] or trimmed.subjets.member.tolist() == [1, 0]
    mass = np.sqrt(2 * 150 * 150 * (np.cosh(0.0) - np.cos(0.8)))
    np.testing.assert_allclose(trimmed.momentum.mass, mass)
    np.testing.assert_allclose(trimmed.momentum.pt, 300 * np.cos(0.4))
    untouched = trim(jet, whole, 0.3, 0.02)
    assert len(untouched.subjets.group) == 3
    assert trim(jet, np.array([1e4]), 0.3, 0.05).momentum.pt.tolist() == [0]  # nothing is hard enough


@needs_fastjet
def test_subjettiness_by_hand() -> None:
    """Axes are the two harder towers; the soft one is 0.1 from the first."""
    jets = momenta([(100, 0.0, 0.0), (50, 0.0, 0.5), (10, 0.1, 0.0)], [(40, 1.0, 3.1), (60, 1.0, -3.1)])
    two = subjettiness(jets, 2, 1.0)
    np.testing.assert_allclose(two, [10 * 0.1 / 160, 0.0], atol=1e-12)
    one = subjettiness(jets, 1, 1.0)
    # one axis: the hardest tower
    np.testing.assert_allclose(one, [(50 * 0.5 + 10 * 0.1) / 160, 40 * abs(turned(6.2)) / 100], rtol=1e-9)
    assert subjettiness(jets, 3, 1.0).tolist() == [0, 0]


def test_fastjet_is_named_when_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastjet", None)
    with pytest.raises(LeveloneError, match="fastjet") as caught:
        load_fastjet()
    assert caught.value.hint == "pip install 'levelone[sim]'"


def test_two_point_correlations_by_hand() -> None:
    """Two particles: z1 z2 d**beta; a particle alone, or three in one place: 0."""
    found = two_point(
        momenta(
            [(30.0, 0.0, 3.1), (10.0, 0.3, 3.1 + 0.4 - 2 * np.pi)], [(5.0, 0.1, 0.2)], [(1.0, 0.5, 0.5)] * 3
        ),
        0.2,
    )
    np.testing.assert_allclose(found, [0.75 * 0.25 * 0.5**0.2, 0, 0], atol=1e-12)
