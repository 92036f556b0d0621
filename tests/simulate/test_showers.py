"""Shower parametrisations against the numbers of their sources."""

import numpy as np
import pytest

from levelone.simulate.calorimeter.cells import Calorimeter, Section
from levelone.simulate.calorimeter.hadrons import HadronShowers, develop, mean_em_fraction, sample_em_fraction
from levelone.simulate.calorimeter.showers import (
    Showers,
    mean_profile,
    pi0_photons,
    sample_pair_share,
    sample_profile,
    sample_radius,
)
from levelone.simulate.materials import (
    IRON,
    LEAD_TUNGSTATE,
    PI0_MEV,
    SILICON,
    TUNGSTEN,
    Medium,
)


def block(material=LEAD_TUNGSTATE, layers=400, layer_x0=0.25, cells=101, pitch_rm=0.2):
    """A huge homogeneous block in fine layers: nothing escapes but the lateral tails."""
    mm = layer_x0 * material.x0_mm
    return Calorimeter(
        (
            Section(
                name="block",
                medium=Medium.homogeneous(material),
                layer_x0=(layer_x0,) * layers,
                layer_interaction=(mm / material.pion_interaction_mm,) * layers,
                layer_mm=(mm,) * layers,
                cells=cells,
                pitch_mm=pitch_rm * material.moliere_mm,
                resolution=0.0,
                quantum_gev=1e-4,
                threshold_gev=0.0,
                depth_first=True,
            ),
        )
    )


def electrons(energy, n):
    zero = np.zeros(n)
    return Showers(np.arange(n), np.full(n, float(energy)), zero, zero, zero, zero, zero)


def longitudinal(calo, spots, layers=400):
    depth = np.bincount(np.clip(spots.layer, 0, layers - 1), spots.energy, layers)
    centre = (np.arange(layers) + 0.5) * calo.sections[0].layer_x0[0]
    return centre, depth / depth.sum()


@pytest.mark.parametrize("energy", [1.0, 10.0, 100.0, 1000.0])
def test_mean_shower_maximum_follows_the_logarithm(energy):
    """PDG review: t_max = ln(E / Ec) - 0.5 for electrons, as far as a gamma profile.

    Grindhammer-Peters: - 0.86.
    """
    calo = block()
    spots = calo.shower_spots(electrons(energy, 2000), np.random.default_rng(1))
    centre, profile = longitudinal(calo, spots)
    smooth = np.convolve(profile, np.ones(5) / 5, "same")
    top = smooth > 0.9 * smooth.max()
    maximum = (centre[top] * smooth[top]).sum() / smooth[top].sum()
    expected = np.log(energy * 1e3 / LEAD_TUNGSTATE.critical_mev)
    assert maximum == pytest.approx(expected - 0.858, abs=0.35)
    assert abs(maximum - (expected - 0.5)) < 0.75


def test_shower_maximum_scales_with_radiation_length_and_critical_energy():
    energy = np.array([50.0])
    iron = mean_profile(Medium.homogeneous(IRON), energy).t_max[0]
    crystal = mean_profile(Medium.homogeneous(LEAD_TUNGSTATE), energy).t_max[0]
    assert crystal - iron == pytest.approx(np.log(21.68 / 9.64), abs=1e-9)
    assert iron * IRON.x0_mm == pytest.approx((np.log(50e3 / 21.68) - 0.812) * 17.58, rel=1e-3)


def test_profiles_fluctuate_with_the_published_widths_and_correlation():
    """Appendix of hep-ex/0001020.

    Sigma(ln T) = 1 / (-1.4 + 1.26 ln y), rho = 0.705 - 0.023 ln y, and so on.
    """
    medium = Medium.homogeneous(LEAD_TUNGSTATE)
    profile = sample_profile(medium, np.full(200_000, 20.0), np.random.default_rng(2))
    y = np.log(20e3 / 9.64)
    log_t, log_a = np.log(profile.t_max), np.log(profile.alpha)
    assert log_t.mean() == pytest.approx(np.log(y - 0.812), abs=2e-3)
    assert log_t.std() == pytest.approx(1 / (-1.4 + 1.26 * y), rel=0.01)
    assert log_a.std() == pytest.approx(1 / (-0.58 + 0.86 * y), rel=0.01)
    assert np.corrcoef(log_t, log_a)[0, 1] == pytest.approx(0.705 - 0.023 * y, abs=0.01)


def test_a_sandwich_shower_is_shorter_in_radiation_lengths():
    """hep-ex/0001020.

    T_sam = T_hom - 0.55 / F_S - 0.69 (1 - e/mip), here for 2.4 mm of tungsten and silicon.
    """
    medium = Medium.sandwich(TUNGSTEN, 2.4, SILICON, 0.5)
    assert medium.inverse_frequency == pytest.approx(2.4 / 3.504 + 0.5 / 93.7, rel=2e-3)
    assert medium.e_hat == pytest.approx(1 / (1 + 0.007 * 60))
    t_max = mean_profile(medium, np.array([100.0])).t_max[0]
    homogeneous = np.log(100e3 / medium.critical_mev) - 0.812
    assert homogeneous - t_max == pytest.approx(0.55 * 0.6905 + 0.69 * (1 - 0.7042), abs=1e-3)


def test_gaps_stretch_lengths_and_change_no_shower_in_radiation_lengths():
    dense = Medium.sandwich(TUNGSTEN, 2.4, SILICON, 0.5)
    loose = Medium.sandwich(TUNGSTEN, 2.4, SILICON, 0.5, 2.9)
    assert loose.moliere_mm == pytest.approx(2 * dense.moliere_mm)
    assert loose.x0_mm == pytest.approx(2 * dense.x0_mm)
    assert loose.inverse_frequency == dense.inverse_frequency
    assert loose.critical_mev == dense.critical_mev


def test_moliere_radii_of_the_particle_data_group():
    assert LEAD_TUNGSTATE.moliere_mm == pytest.approx(19.59, rel=0.01)  # PDG: 1.959 cm
    assert IRON.moliere_mm == pytest.approx(17.19, rel=0.01)  # PDG: 1.719 cm
    assert TUNGSTEN.moliere_mm == pytest.approx(9.327, rel=0.01)  # PDG: 0.9327 cm


@pytest.mark.parametrize("material", [LEAD_TUNGSTATE, TUNGSTEN])
@pytest.mark.parametrize("energy", [10.0, 100.0])
def test_lateral_containment(material, energy):
    """PDG review: about 90 % of the energy within one Moliere radius, 99 % within 3.5."""
    calo = block(material)
    spots = calo.shower_spots(electrons(energy, 500), np.random.default_rng(3))
    radius = np.hypot(spots.x_mm, spots.y_mm) / material.moliere_mm
    share = [spots.energy[radius < r].sum() / spots.energy.sum() for r in (1.0, 2.0, 3.5)]
    assert share[0] == pytest.approx(0.90, abs=0.035)
    assert 0.94 < share[1] < 0.985
    assert share[2] == pytest.approx(0.99, abs=0.015)


def test_tail_spots_weigh_less_and_do_not_shift_the_profile():
    medium = Medium.homogeneous(LEAD_TUNGSTATE)
    tau = np.full(400_000, 1.0)
    energy = np.full(400_000, 30.0)
    radius, weight = sample_radius(medium, energy, tau, np.random.default_rng(4))
    assert weight.mean() == pytest.approx(1, abs=0.01)
    # the closed form: p r^2 / (r^2 + Rc^2) + (1 - p) r^2 / (r^2 + Rt^2)
    z, log_e = LEAD_TUNGSTATE.z_effective, np.log(30.0)
    core = 0.0251 + 0.00319 * log_e + 0.1162 - 0.000381 * z
    tail = (0.659 - 0.00309 * z) * (np.exp(-2.59 * 0.355) + np.exp((0.3585 + 0.0412 * log_e) * 0.355))
    ratio = (0.401 + 0.00187 * z - 1) / (1.313 - 0.0686 * log_e)
    p = (2.632 - 0.00094 * z) * np.exp(ratio - np.exp(ratio))
    for r in (0.1, 0.5, 2.0):
        expected = p * r**2 / (r**2 + core**2) + (1 - p) * r**2 / (r**2 + tail**2)
        assert weight[radius < r].sum() / weight.sum() == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize(
    "medium", [Medium.homogeneous(LEAD_TUNGSTATE), Medium.sandwich(TUNGSTEN, 2.4, SILICON, 0.5)]
)
def test_energies_by_shower_are_energies_by_spot(medium):
    """Bit for bit: what is computed once per shower must not change the events that a seed means."""
    energy = np.array([0.3, 5.0, 40.0, 2000.0])
    spots = np.array([7, 300, 1, 900])
    tau = np.random.default_rng(1).gamma(3.0, 0.4, spots.sum())
    once = sample_radius(medium, energy, tau, np.random.default_rng(2), spots)
    each = sample_radius(medium, np.repeat(energy, spots), tau, np.random.default_rng(2))
    for by_shower, by_spot in zip(once, each, strict=True):
        assert np.array_equal(by_shower, by_spot)


def test_energy_is_conserved_by_spots_and_cells():
    calo = block(layers=60, cells=21)  # 15 X0: some leaves at the back and the sides
    showers = electrons(40.0, 50)
    spots = calo.shower_spots(showers, np.random.default_rng(5))
    np.testing.assert_allclose(np.bincount(spots.event, spots.energy), 40.0, rtol=1e-5)
    images, outside = calo.deposit(spots, 50)
    np.testing.assert_allclose(images["block"].sum((1, 2, 3)) + outside, 40.0, rtol=1e-5)
    assert 0.01 < outside.mean() / 40 < 0.2


def test_photons_start_later_than_electrons():
    """Conversion after 9/7 X0 on average (PDG review).

    Shower maxima then differ by about one radiation length.
    """
    n = 4000
    calo = block()
    rng = np.random.default_rng(6)
    pairs = electrons(50.0, n).converted(rng)
    assert len(pairs.event) == 2 * n
    np.testing.assert_allclose(np.bincount(pairs.event, pairs.energy_gev), 50.0)
    depth = pairs.start[:n]
    assert depth.mean() == pytest.approx(9 / 7, rel=0.05)
    assert depth.std() == pytest.approx(9 / 7, rel=0.07)
    centres = []
    for showers in (electrons(50.0, n), pairs):
        centre, profile = longitudinal(calo, calo.shower_spots(showers, rng, 300))
        centres.append((centre * profile).sum())
    assert centres[1] - centres[0] == pytest.approx(1.0, abs=0.35)


def test_pair_spectrum():
    """Mean and variance of 1 - 4/3 x (1 - x)."""
    share = sample_pair_share(400_000, np.random.default_rng(7))
    x = np.linspace(0, 1, 20_001)
    density = 1 - 4 / 3 * x * (1 - x)
    variance = np.trapezoid(density * (x - 0.5) ** 2, x) / np.trapezoid(density, x)
    assert share.mean() == pytest.approx(0.5, abs=2e-3)
    assert share.var() == pytest.approx(variance, rel=0.01)


@pytest.mark.parametrize("energy", [0.5, 5.0, 100.0])
def test_pi0_decay_is_exact(energy):
    """The photons' invariant mass is the pion's, and the opening angle is never below 2 asin(m / E)."""
    photon, angle, _ = pi0_photons(np.full(20_000, energy), np.random.default_rng(8))
    np.testing.assert_allclose(photon.sum(0), energy)
    opening = angle.sum(0)
    mass = 2 * np.sqrt(photon[0] * photon[1]) * np.sin(opening / 2)  # 1 - cos would cancel for tiny angles
    smallest = 2 * np.arcsin(PI0_MEV / 1e3 / energy)
    np.testing.assert_allclose(mass, PI0_MEV / 1e3, rtol=1e-9)
    assert opening.min() >= smallest * (1 - 1e-9)
    assert opening.min() == pytest.approx(smallest, rel=1e-3)
    # photon energies are flat between the kinematic limits
    momentum = np.sqrt(energy**2 - (PI0_MEV / 1e3) ** 2)
    assert photon[0].mean() == pytest.approx(energy / 2, rel=0.02)
    assert photon[0].std() == pytest.approx(momentum / np.sqrt(12), rel=0.02)


def test_electromagnetic_fraction():
    """Wigmans: 1 - E^(k - 1), k = 0.82: 0.34 at 10 GeV, 0.56 at 100 GeV."""
    energy = np.full(100_000, 100.0)
    assert mean_em_fraction(np.array([10.0, 100.0])) == pytest.approx([0.3393, 0.5635], abs=1e-3)
    sample = sample_em_fraction(energy, np.random.default_rng(9))
    assert sample.mean() == pytest.approx(0.5635, abs=2e-3)
    assert sample.std() == pytest.approx(np.sqrt(0.5635 * 0.4365 / 16), rel=0.02)


def test_hadron_energy_balance_and_width():
    n = 300
    calo = block(IRON, layers=900, layer_x0=1.0, cells=401, pitch_rm=0.5)
    zero = np.zeros(n)
    hadrons = HadronShowers(np.arange(n), np.full(n, 100.0), zero + 1.0, zero, zero, zero, zero)
    showers, spots, invisible = develop(calo, hadrons, np.random.default_rng(10))
    total = np.bincount(showers.event, showers.energy_gev, n) + np.bincount(spots.event, spots.energy, n)
    np.testing.assert_allclose(total + invisible, 100.0, rtol=1e-6)
    # Wigmans: 95 % within one interaction length (the hadronic part; R fluctuates)
    radius = np.hypot(spots.x_mm, spots.y_mm) / IRON.pion_interaction_mm
    assert spots.energy[radius < 1].sum() / spots.energy.sum() == pytest.approx(0.95, abs=0.015)
    # Bock: mean depth after the start a / d interaction lengths
    log_e = np.log(100.0)
    depth = (spots.layer + 0.5) * calo.sections[0].layer_interaction[0]
    mean = (depth * spots.energy).sum() / spots.energy.sum() - 1
    assert mean == pytest.approx((0.6165 + 0.3183 * log_e) / (0.9099 - 0.0237 * log_e), rel=0.03)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_layers_and_places_of_unequal_layers_are_those_of_a_search(dtype):
    from levelone.simulate.lcd.detector import calorimeter

    calo = calorimeter()
    depth = np.random.default_rng(1).uniform(-1, 100, 100_000).astype(dtype)
    edges = calo.edges_x0.astype(dtype)
    depth[: len(edges)] = edges
    found = calo.layer_of(depth, calo.edges_x0)
    assert np.array_equal(found, np.searchsorted(edges, depth, side="right") - 1)
    expected = np.interp(depth, calo.edges_x0, calo.edges_mm)
    np.testing.assert_allclose(calo.z_of(depth.astype(np.float32)), expected, atol=0.01)


@pytest.mark.parametrize("depth_first", [False, True])
def test_a_spot_lands_in_its_cell(depth_first):
    from dataclasses import replace

    from levelone.simulate.calorimeter.cells import Spots

    calo = block(layers=7, cells=5, pitch_rm=1.0)
    section = replace(calo.sections[0], depth_first=depth_first, pitch_mm=10.0)
    calo = Calorimeter((section, replace(section, name="behind", cells=3)))
    spots = Spots(
        np.array([0, 1, 1, 1, 1]),
        np.array([2, 6, 7, -1, 14]),
        np.array([-24.0, 11.0, -14.0, 0.0, 0.0]),
        np.array([6.0, 0.0, 14.0, 0.0, 0.0]),
        np.array([1.0, 2.0, 4.0, 8.0, 16.0]),
    )
    images, outside = calo.deposit(spots, 2)
    front, behind = images["block"], images["behind"]
    assert front[(0, 2, 3, 0) if depth_first else (0, 0, 3, 2)] == 1
    assert front[(1, 6, 2, 3) if depth_first else (1, 3, 2, 6)] == 2
    assert behind[1, 0, 2, 0] == 4
    assert front.sum() == 3
    assert behind.sum() == 4
    np.testing.assert_allclose(outside, [0, 24])
