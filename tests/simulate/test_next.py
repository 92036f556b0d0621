"""Electrons in xenon against NIST's ESTAR, and the events made from them."""

from functools import partial

import numpy as np
import pytest

from levelone.data.voxels import open_voxels
from levelone.simulate.deflections import klein_nishina, turned
from levelone.simulate.materials import ALPHA, ELECTRON_MEV
from levelone.simulate.next.generator import generate, simulate_next
from levelone.simulate.next.scattering import deflections, mott_ratio, screening
from levelone.simulate.next.section import NextGenerate
from levelone.simulate.next.sources import ENERGY_MEV, Q_MEV, pair_spectrum, sample_decay, start
from levelone.simulate.next.stopping import (
    Z_XENON,
    beta_squared,
    collision_stopping,
    csda_range,
    radiative_stopping,
)
from levelone.simulate.next.tracks import Fineness, track

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


def beside(label, n, seed, fineness=None):
    """Energy (keV) within 20 cm of the vertex along every axis; rms extent (mm) within 10 cm."""
    rng = np.random.default_rng(seed)
    found = track(start(np.full(n, label, np.uint8), "double-beta", rng).particles, rng, fineness)
    middle = (found.start + found.end) / 2 * 10 / 0.0860
    kev = 1e3 * found.energy_mev
    far = np.abs(middle).max(1)
    energy = np.bincount(found.event, kev * (far < 200), n)
    kev = kev * (far < 100)
    total = np.bincount(found.event, kev, n)
    mean = [np.bincount(found.event, kev * axis, n) / total for axis in middle.T]
    square = np.bincount(found.event, kev * (middle**2).sum(1), n) / total
    return energy, np.sqrt(np.maximum(square - sum(m**2 for m in mean), 0))


@pytest.mark.parametrize(("label", "contained", "extent"), [(0, 0.732, 29.96), (1, 0.833, 26.32)])
def test_containment_and_extent_are_those_of_geant4(label, contained, extent):
    """Geant4 11.4, steps of 0.2 mm, 2,000 events: share above 2,400 keV to 0.04, extent (mm) to 5 %."""
    energy, rms = beside(label, 1600, 3)
    assert np.mean(energy > 2400) == pytest.approx(contained, abs=0.04)
    assert rms.mean() == pytest.approx(extent, rel=0.05)


def partial_waves(kinetic, cosine, waves=300, reductions=3):
    """Mott's cross section of a point charge over Rutherford's, [n], from its sum over partial waves.

    N. Sherman, Phys. Rev. 103 (1956) 1601; the sums converge after three reductions of D. R. Yennie et al.
    """
    from scipy.special import eval_legendre, loggamma

    beta2 = float(beta_squared(kinetic))
    q = ALPHA * Z_XENON / np.sqrt(beta2)
    k = np.arange(waves + 1)
    rho = np.sqrt(np.maximum(k**2 - (ALPHA * Z_XENON) ** 2, 0.5))
    wave = np.exp(loggamma(rho - 1j * q) - loggamma(rho + 1j * q) - 1j * np.pi * rho) / (rho + 1j * q)
    wave[0], sign, k = 0, (-1.0) ** k[:-1], k[:-1]
    parts = []
    for power, turn in ((1, 1), (2, -1)):
        series = 0.5j * sign * (k**power * wave[:-1] + turn * (k + 1) ** power * wave[1:])
        for _ in range(reductions):  # the coefficients of (1 - cosine) times the sum
            order = np.arange(len(series) - 1)
            lower = np.concatenate([[0], series[:-2]])
            series = (
                series[:-1] - order / (2 * order - 1) * lower - (order + 1) / (2 * order + 3) * series[1:]
            )
        legendre = np.stack([eval_legendre(n, cosine) for n in range(len(series))])
        parts.append(abs(series @ legendre / (1 - cosine) ** reductions) ** 2)
    mu = (1 - cosine) / 2
    return (q**2 * (1 - beta2) * parts[0] / mu + parts[1] / (1 - mu)) / (q / (2 * mu)) ** 2


@pytest.mark.parametrize("kinetic", [0.02, 0.1, 0.4, 1.0, 2.458])
def test_large_angles_follow_mott(kinetic):
    mu = np.linspace(0.001, 0.999, 60)
    expected = partial_waves(kinetic, 1 - 2 * mu)
    np.testing.assert_allclose(mott_ratio(mu, np.full(60, kinetic)), expected, atol=0.012)
    assert expected.max() < 1.45  # what sampling takes for the largest


def test_transport_path_is_that_of_screened_partial_waves():
    """Elastic scattering alone, of Liljequist et al. (1990): tin and barium, interpolated."""
    energy = np.array([0.1, 0.2, 0.4, 0.7, 1.0, 2.0, 2.4])
    published = np.array([3.075e-3, 9.294e-3, 2.711e-2, 6.285e-2, 0.10728, 0.31087, 0.41515])  # g / cm2
    ours = (Z_XENON + 1) / Z_XENON / deflections(energy, 0.1)[0]
    np.testing.assert_allclose(ours[1:], published[1:], rtol=0.015)
    assert ours[0] == pytest.approx(published[0], rel=0.05)


def test_energy_is_conserved_but_for_photons_that_leave():
    rng = np.random.default_rng(2)
    found = track(start(np.zeros(400, np.uint8), "double-beta", rng).particles, rng)
    total = np.bincount(found.event, found.energy_mev, 400)
    assert total.max() <= Q_MEV * (1 + 1e-9)
    assert 0.4 < np.mean(total > Q_MEV - 1e-9) < 0.95
    assert (found.energy_mev >= 0).all()


def test_path_on_which_direction_is_lost():
    """The part of large and small deflections in it adds up, wherever they are divided."""
    energy = np.array([0.1, 1.0, 2.4])
    whole, large, rate, soft = deflections(energy, 0.1)
    assert 1 / whole[2] == pytest.approx(0.405, abs=0.005)  # g / cm2
    screen = screening(energy)
    mu = large + (1 - large) * np.linspace(0, 1, 200_001)[:, None] ** 3
    density = mott_ratio(mu, energy) / (mu + screen) ** 2
    scale = rate / 1.45 / (1 / (large + screen) - 1 / (1 + screen))
    hard = scale * np.trapezoid(2 * mu * density, mu, axis=0)
    np.testing.assert_allclose(hard + soft, whole, rtol=0.01)


def summaries(seed, **fine):
    """What a person would compute of 240 events of both kinds: name -> [n]."""
    from levelone.zoo.next.features import blob_score

    label = np.repeat(np.array([0, 1], np.uint8), 120)
    image = generate(label, np.random.default_rng(seed), NextGenerate(), **fine).images["tpc"]
    flat = np.sort(image.reshape(len(image), -1), axis=1)[:, ::-1]
    found = {
        "energy": flat.sum(1),
        "voxels": (flat > 0).sum(1),
        "largest": flat[:, 0],
        "tenth": flat[:, 9],
        "thirtieth": flat[:, 29],
        "blob": blob_score(image),
    }
    return {f"{name}, {k}": v[label == k].astype(float) for name, v in found.items() for k in (0, 1)}


def test_nothing_depends_on_steps_and_clouds():
    """Half of every step and cut and half the cloud: no summary moves by 4 standard errors."""
    coarse = summaries(11)
    fine = summaries(12, follow=partial(track, fineness=Fineness().halved()), cloud_kev=0.05)
    for name, values in coarse.items():
        error = np.sqrt((values.var() + fine[name].var()) / len(values))
        assert abs(values.mean() - fine[name].mean()) < 4 * error, name


def test_compton_scattering_keeps_the_mean_share():
    """Mean share of energy kept, from Klein and Nishina's formula integrated."""
    e = np.linspace(1 / 3, 1, 4001)  # a photon of 511 keV
    weight = 1 / e + e - 1 + (1 - (1 / e - 1)) ** 2
    expected = np.trapezoid(weight * e, e) / np.trapezoid(weight, e)
    share = klein_nishina(np.full(100_000, ELECTRON_MEV), np.random.default_rng(1))
    assert share.mean() == pytest.approx(expected, abs=0.003)


def test_double_escape_is_a_pair_of_1592_kev():
    assert ENERGY_MEV["double-escape"] == pytest.approx(1.5925, abs=1e-4)
    energy = np.linspace(0.01, ENERGY_MEV["double-escape"] - 0.01, 101)
    spectrum = pair_spectrum(energy)
    assert (spectrum > 0).all()
    np.testing.assert_allclose(spectrum, spectrum[::-1], rtol=1e-9)  # electron and positron alike
    made = start(np.ones(4000, np.uint8), "double-escape", np.random.default_rng(3))
    assert made.cosine.mean() > 0.3  # both go forward
    total = np.bincount(made.particles.event, made.particles.energy)
    np.testing.assert_allclose(total, ENERGY_MEV["double-escape"], rtol=2e-3)


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
    one, cosine = sample_decay(400_000, np.random.default_rng(5))
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
    label = np.repeat(np.array([0, 1], np.uint8), 150)
    made = generate(label, np.random.default_rng(6), NextGenerate(drift_mm=(0.0, 100.0)))
    image = made.images["tpc"]
    assert image.shape == (300, 20, 20, 60)
    total = image.sum((1, 2, 3))
    full = (made.truth["energy"] > 1e3 * Q_MEV - 0.01) & (made.outside < 0.2)
    assert 0.2 < full.mean() < 0.9
    # voxels below their threshold lose a percent, not always the same, beside 1 % FWHM
    assert total[full].mean() == pytest.approx(0.99 * 1e3 * Q_MEV, rel=0.005)
    assert 0.01 / 2.3548 < total[full].std() / total[full].mean() < 0.01
    # two sharing electrons make shorter tracks: fewer voxels
    filled = (image > 0).sum((1, 2, 3))
    assert filled[:150].mean() > filled[150:].mean()


def test_events_are_centred():
    """Medians over the events: photons far away do not move the image."""
    image = generate(np.ones(200, np.uint8), np.random.default_rng(7), NextGenerate()).images["tpc"]
    for axis, cells in enumerate((20, 20, 60)):
        profile = image.sum(tuple(a for a in (1, 2, 3) if a != axis + 1))
        centre = profile @ (np.arange(cells) + 0.5) / profile.sum(1)
        assert np.median(np.abs(centre - cells / 2)) < 0.45
        assert np.quantile(np.abs(centre - cells / 2), 0.2) > 0.02  # at random within a voxel


def test_diffusion_widens():
    label = np.zeros(100, np.uint8)
    sharp, wide = (
        generate(label, np.random.default_rng(8), NextGenerate(drift_mm=(drift, drift))).images["tpc"]
        for drift in (1.0, 1000.0)
    )
    assert (wide > 0).sum() > 1.5 * (sharp > 0).sum()


def test_file_is_deterministic_and_split(tmp_path):
    one = simulate_next(tmp_path / "a.h5", NextGenerate(events=120, seed=3), chunk=64)
    simulate_next(tmp_path / "b.h5", NextGenerate(events=160, seed=3), chunk=64)
    assert sum(one.splits.values()) == 120
    with open_voxels(tmp_path / "a.h5") as a, open_voxels(tmp_path / "b.h5") as b:
        a.check()
        np.testing.assert_array_equal(a.read("tpc", slice(None)), b.read("tpc", slice(0, 120)))
        chosen = [set(a.select(name)) for name in ("train", "validation", "test")]
        assert sum(len(part) for part in chosen) == 120 == len(set.union(*chosen))
        assert len(chosen[0]) == pytest.approx(96, abs=20)
        longer = [set(b.select(name)) for name in ("train", "validation", "test")]
        assert all(
            short <= long for short, long in zip(chosen, longer, strict=True)
        )  # events keep their split
        assert a.columns["label"].names == ("one electron", "two electrons")
        assert a.truth("label").mean() == pytest.approx(0.5, abs=0.15)
