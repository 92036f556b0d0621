"""Electrons in xenon against NIST's ESTAR, and the events made from them."""

import numpy as np
import pytest

from levelone.data.voxels import open_voxels
from levelone.simulate.materials import ELECTRON_MEV
from levelone.simulate.next.generator import Q_MEV, generate, sample_pair, simulate_next
from levelone.simulate.next.section import NextGenerate
from levelone.simulate.next.tracks import (
    Electrons,
    collision_stopping,
    csda_range,
    radiative_stopping,
    track,
    turned,
)

# NIST ESTAR, xenon: kinetic energy (MeV), total stopping power (MeV cm2 / g).
ESTAR = np.array(
    [
        (0.01, 10.55), (0.0125, 9.097), (0.015, 8.041), (0.0175, 7.238), (0.02, 6.604), (0.025, 5.664),
        (0.03, 4.997), (0.04, 4.108), (0.05, 3.539), (0.06, 3.142), (0.07, 2.849), (0.08, 2.623),
        (0.09, 2.443), (0.1, 2.298), (0.125, 2.030), (0.15, 1.848), (0.175, 1.717), (0.2, 1.619),
        (0.25, 1.483), (0.3, 1.396), (0.35, 1.336), (0.4, 1.294), (0.45, 1.264), (0.5, 1.243),
        (0.6, 1.216), (0.7, 1.203), (0.8, 1.199), (0.9, 1.200), (1.0, 1.204), (1.25, 1.225),
        (1.5, 1.253), (1.75, 1.284), (2.0, 1.316), (2.5, 1.382),
    ]
)  # fmt: skip


def single(energy, n):
    direction = np.tile([0.0, 0.0, 1.0], (n, 1))
    return Electrons(np.arange(n), np.full(n, float(energy)), np.zeros((n, 3)), direction)


def test_stopping_power_agrees_with_estar():
    """Total stopping power to 1.5 % from 10 keV to 2.5 MeV."""
    ours = collision_stopping(ESTAR[:, 0]) + radiative_stopping(ESTAR[:, 0])
    np.testing.assert_allclose(ours, ESTAR[:, 1], rtol=0.015)


def test_csda_range_agrees_with_estar():
    """Range at Q from the integral of ESTAR's stopping power (1.86 g / cm2), to 1 %."""
    energy = np.geomspace(0.01, Q_MEV, 4000)
    estar = np.trapezoid(1 / np.exp(np.interp(np.log(energy), *np.log(ESTAR).T)), energy)
    assert csda_range(Q_MEV) == pytest.approx(estar, rel=0.01)


def test_stopping_power_rises_at_the_end():
    """The blob: the last 100 keV are lost on under 3 % of the range."""
    share = csda_range(0.1, radiative=False) / csda_range(Q_MEV, radiative=False)
    assert share < 0.03
    assert collision_stopping(np.array([0.03]))[0] > 4 * collision_stopping(np.array([1.0]))[0]


@pytest.mark.parametrize("energy", [0.5, Q_MEV])
def test_track_length_is_the_csda_range(energy):
    """Without knock-on electrons taking part of it, the mean path would be the collision range; 6 %."""
    deposits = track(single(energy, 1500), np.random.default_rng(1))
    assert deposits.path.mean() == pytest.approx(csda_range(energy, radiative=False), rel=0.06)
    assert deposits.path.std() > 0.01 * deposits.path.mean()  # straggling


def test_tracks_conserve_energy_and_bend():
    deposits = track(single(Q_MEV, 500), np.random.default_rng(2))
    np.testing.assert_allclose(np.bincount(deposits.event, deposits.energy_mev), Q_MEV, rtol=1e-9)
    # multiple scattering: tracks end far short of their length from the start
    furthest = np.zeros(500)
    np.maximum.at(furthest, deposits.event, np.linalg.norm(deposits.position, axis=1))
    assert 0.2 < furthest.mean() / deposits.path.mean() < 0.8


def first_steps(steps, n, seed):
    """Mean kinetic energy before, length (g/cm2) and cosine to z of the first steps of electrons of Q."""
    deposits = track(single(Q_MEV, n), np.random.default_rng(seed))
    end, kinetic, found = np.zeros((n, 3)), np.full(n, Q_MEV), []
    for number in range(steps):
        rows = slice(number * n, (number + 1) * n)
        assert np.array_equal(deposits.event[rows], np.arange(n))
        half = deposits.position[rows] - end
        length = np.linalg.norm(half, axis=1)
        found.append((kinetic.mean(), 2 * length.mean(), half[:, 2] / length))
        end, kinetic = end + 2 * half, kinetic - deposits.energy_mev[rows]
    return found


def test_scattering_of_one_step_is_highlands():
    """The space angle after the first step has twice the variance of Highland's plane angle."""
    (_, length, _), (kinetic, _, cosine) = first_steps(2, 20_000, 3)
    # the PDG review's formula and radiation length of xenon, 8.48 g/cm2, written out
    total = kinetic + 0.51099895
    beta2 = 1 - (0.51099895 / total) ** 2
    expected = 13.6 / (beta2 * total) * np.sqrt(length / 8.48) * (1 + 0.038 * np.log(length / 8.48 / beta2))
    assert expected == pytest.approx(0.398, abs=0.002)  # 2.37 MeV, 0.0098 radiation lengths
    assert np.sqrt((np.arccos(cosine) ** 2).mean() / 2) == pytest.approx(expected, rel=0.03)


def test_steps_together_scatter_less_than_one_highland_step():
    """The logarithm is of each step: documented as a simplification, with this ratio."""
    steps = first_steps(6, 4000, 3)
    depths = [length / 8.48 for _, length, _ in steps]
    squares, one = 0.0, 0.0
    for (kinetic, _, _), depth in zip(steps, depths, strict=True):
        total = kinetic + 0.51099895
        beta2 = 1 - (0.51099895 / total) ** 2
        plain = (13.6 / (beta2 * total)) ** 2 * depth
        squares += plain * (1 + 0.038 * np.log(depth / beta2)) ** 2
        one += plain
    first = 1 - (0.51099895 / (Q_MEV + 0.51099895)) ** 2
    together = np.sqrt(squares / one) / (1 + 0.038 * np.log(sum(depths) / first))
    assert sum(depths) == pytest.approx(0.054, abs=0.002)
    assert together == pytest.approx(0.92, abs=0.01)


def test_turned_vectors():
    rng = np.random.default_rng(4)
    direction = rng.standard_normal((1000, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    direction[:2] = (0, 0, 1), (0, 0, -1)
    cosine = rng.uniform(-1, 1, 1000)
    out = turned(direction, cosine, rng.uniform(0, 7, 1000))
    np.testing.assert_allclose(np.linalg.norm(out, axis=1), 1)
    np.testing.assert_allclose((out * direction).sum(1), cosine, atol=1e-9)


def test_pair_energy_and_angle():
    """(T1 + m)^2 (T2 + m)^2 and 1 - b1 b2 cos: mean, variance and mean cosine -b1 b2 / 3."""
    one, cosine = sample_pair(400_000, np.random.default_rng(5))
    t = np.linspace(0, Q_MEV, 4001)
    density = (t + ELECTRON_MEV) ** 2 * (Q_MEV - t + ELECTRON_MEV) ** 2
    density /= np.trapezoid(density, t)
    assert one.mean() == pytest.approx(Q_MEV / 2, rel=2e-3)
    assert one.var() == pytest.approx(np.trapezoid(density * (t - Q_MEV / 2) ** 2, t), rel=0.01)

    def velocity(kinetic):
        return np.sqrt(1 - (ELECTRON_MEV / (kinetic + ELECTRON_MEV)) ** 2)

    assert cosine.mean() == pytest.approx(-np.mean(velocity(one) * velocity(Q_MEV - one)) / 3, abs=3e-3)
    assert np.abs(cosine).max() <= 1


def test_events_hold_the_energy_and_show_blobs():
    label = np.repeat(np.array([0, 1], np.uint8), 400)
    made = generate(label, np.random.default_rng(6), drift_mm=(0.0, 100.0))
    image = made.images["tpc"]
    assert image.shape == (800, 20, 20, 60)
    np.testing.assert_allclose(made.truth["energy"], 1e3 * Q_MEV, rtol=1e-6)
    total = image.sum((1, 2, 3))
    assert total.mean() == pytest.approx(1e3 * Q_MEV, rel=0.01)
    assert total.std() / total.mean() == pytest.approx(0.01 / 2.3548, rel=0.4)
    assert made.outside.sum() / made.deposited.sum() < 0.005
    # two sharing electrons make shorter tracks: fewer voxels
    filled = (image > 0).sum((1, 2, 3))
    assert filled[:400].mean() > filled[400:].mean()


def test_events_are_centred():
    image = generate(np.ones(200, np.uint8), np.random.default_rng(7)).images["tpc"]
    for axis, (cells, half) in enumerate(((20, 0.55), (20, 0.55), (60, 0.55))):
        profile = image.sum(tuple(a for a in (1, 2, 3) if a != axis + 1))
        centre = profile @ (np.arange(cells) + 0.5) / profile.sum(1)
        assert np.abs(centre - cells / 2).max() < half
        assert centre.std() == pytest.approx(1 / np.sqrt(12), rel=0.2)  # at random within a voxel


def test_diffusion_widens():
    label = np.zeros(200, np.uint8)
    sharp = generate(label, np.random.default_rng(8), drift_mm=(1.0, 1.0)).images["tpc"]
    wide = generate(label, np.random.default_rng(8), drift_mm=(1000.0, 1000.0)).images["tpc"]
    assert (wide > 0).sum() > 1.5 * (sharp > 0).sum()


def test_file_is_deterministic_and_split(tmp_path):
    one = simulate_next(tmp_path / "a.h5", NextGenerate(events=300, seed=3), chunk=64)
    simulate_next(tmp_path / "b.h5", NextGenerate(events=400, seed=3), chunk=64)
    assert sum(one.splits.values()) == 300
    with open_voxels(tmp_path / "a.h5") as a, open_voxels(tmp_path / "b.h5") as b:
        a.check()
        np.testing.assert_array_equal(a.read("tpc", slice(None)), b.read("tpc", slice(0, 300)))
        chosen = [set(a.select(name)) for name in ("train", "validation", "test")]
        assert sum(len(part) for part in chosen) == 300 == len(set.union(*chosen))
        assert len(chosen[0]) == pytest.approx(240, abs=30)
        longer = [set(b.select(name)) for name in ("train", "validation", "test")]
        assert all(
            short <= long for short, long in zip(chosen, longer, strict=True)
        )  # events keep their split
        assert a.columns["label"].names == ("one electron", "two electrons")
        assert a.truth("label").mean() == pytest.approx(0.5, abs=0.1)
