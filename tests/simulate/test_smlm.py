"""Frames of molecules: point-spread functions, cameras and bounds against numbers of their sources."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.special import j0, j1

from levelone.data.images import open_images
from levelone.simulate.smlm.camera import OFFSET, Emccd, Scmos, camera_of
from levelone.simulate.smlm.generator import (
    CHUNK,
    LIST,
    draw_photons,
    make_frames,
    molecule_map,
    simulate_smlm,
)
from levelone.simulate.smlm.optics import Airy, Gaussian, optics_of
from levelone.simulate.smlm.precision import bounds, mortensen, thompson
from levelone.simulate.smlm.section import SmlmGenerate


class Ideal:
    """A camera that counts every photon."""

    efficiency = 1.0

    def variance(self, photons):
        return photons


def one(value: float) -> np.ndarray:
    return np.array([value])


@pytest.mark.parametrize("psf", ["gaussian", "airy"])
def test_all_photons_of_a_molecule_land_somewhere(psf):
    optics = optics_of(SmlmGenerate(psf=psf, pixels=64))
    spot = optics.spots(one(32.3), one(31.8))[0]
    v = 2 * np.pi * 1.4 / 670 * 100 * 31.8
    # what an Airy pattern has outside a circle that fits into the frame
    outside = 0.0 if psf == "gaussian" else j0(v) ** 2 + j1(v) ** 2
    assert 1 - outside - 1e-3 < spot.sum() <= 1 + 1e-6
    rows, columns = np.indices(spot.shape) + 0.5
    assert (columns * spot).sum() / spot.sum() == pytest.approx(32.3, abs=0.05)
    assert (rows * spot).sum() / spot.sum() == pytest.approx(31.8, abs=0.05)


def test_encircled_energy_of_the_airy_pattern_is_that_of_the_textbook():
    """83.8 % within the first dark ring, 91.0 % within the second: Born and Wolf, section 8.5.2."""
    optics = Airy(64, 2.0)  # fine pixels: half a unit of v each
    spot = optics.spots(one(32.0), one(32.0))[0]
    rows, columns = np.indices((64, 64)) + 0.5
    far = np.hypot(rows - 32, columns - 32) * 2.0
    fine = Airy(64, 0.25).spots(one(32.0), one(32.0))[0]
    assert fine[far / 8 < 3.8317].sum() == pytest.approx(0.838, abs=0.01)
    assert spot[far < 7.0156 + 1.4].sum() == pytest.approx(0.92, abs=0.02)


def test_width_of_the_gaussian_is_the_published_one():
    """0.21 wavelength / aperture: Zhang et al. 2007; here 100.5 nm."""
    options = SmlmGenerate()
    airy, gaussian = (optics_of(options.model_copy(update={"psf": psf})) for psf in ("airy", "gaussian"))
    assert gaussian.sigma * options.pixel_nm == pytest.approx(100.5)
    peaks = [optics.spots(one(16.5), one(16.5))[0, 16, 16] for optics in (airy, gaussian)]
    assert peaks[0] == pytest.approx(peaks[1], rel=0.15)  # it is the nearest Gaussian to that Airy pattern


@pytest.mark.parametrize("optics", [Gaussian(32, 1.1), Airy(32, 1.3)])
def test_slopes_are_those_of_the_spots(optics):
    x, y, step = one(15.2), one(16.9), 1e-3
    along_x, along_y = optics.slopes(x, y)
    assert along_x == pytest.approx(
        (optics.spots(x + step, y) - optics.spots(x - step, y)) / (2 * step), abs=2e-4
    )
    assert along_y == pytest.approx(
        (optics.spots(x, y + step) - optics.spots(x, y - step)) / (2 * step), abs=2e-4
    )


def test_noise_of_an_emccd_has_the_published_moments():
    """Mean and variance of a gain register: 2 gain^2 electrons, Robbins and Hadwen 2003."""
    camera = Emccd(bits=16)
    photons = np.full((40, 100, 100), 20.0)
    found = camera.expose(photons, np.random.default_rng(1)).astype(float) - OFFSET
    slope = camera.gain / camera.per_adu
    electrons = 0.9 * 20 + 0.002
    assert found.mean() == pytest.approx(slope * electrons, rel=2e-3)
    assert found.var() == pytest.approx(slope**2 * camera.variance(photons)[0, 0, 0], rel=0.01)
    assert camera.variance(photons)[0, 0, 0] == pytest.approx(2 * electrons + (74.4 / 300) ** 2, abs=3e-3)
    assert Emccd(bits=8).expose(np.full((1, 2, 2), 1e4), np.random.default_rng(1)).max() == 255


def test_noise_of_an_scmos_is_that_of_each_pixel():
    camera = Scmos.of(32, 16)
    photons = np.full((2000, 32, 32), 30.0)
    found = camera.expose(photons, np.random.default_rng(1)).astype(float)
    assert np.abs(found.mean(0) - (camera.offset + camera.gain * 21)).max() < 5 * np.sqrt(200 / 2000)
    expected = camera.gain**2 * camera.variance(photons[0])
    assert np.median(found.var(0) / expected) == pytest.approx(1, abs=0.01)
    assert np.abs(found.var(0) / expected - 1).max() < 6 * np.sqrt(2 / 2000)
    assert np.array_equal(Scmos.of(32, 12).gain, camera.gain)  # one camera


@pytest.mark.parametrize(("photons", "background"), [(500, 0.5), (1000, 10), (3000, 40)])
def test_bound_is_the_published_one_of_a_single_molecule(photons, background):
    """Mortensen et al. 2010; an EMCCD has the square root of 2 of it."""
    optics = Gaussian(32, 1.2)
    offsets = np.linspace(0, 1, 9)[:-1]
    found = [
        bounds(optics, Ideal(), one(16 + o), one(16 + p), one(photons), background)[0]
        for o in offsets
        for p in offsets
    ]
    both = np.sqrt(2) * mortensen(1.2, 1.0, photons, background, likelihood=True)
    assert np.mean(found) == pytest.approx(both, rel=0.015)
    multiplied = bounds(optics, Emccd(16, 1.0, readout=0.0), one(16.5), one(16.5), one(photons), background)
    assert multiplied[0] == pytest.approx(np.sqrt(2) * both, rel=0.03)


def test_formulas_agree_where_they_must():
    """Thompson's and Mortensen's limits: without background s / sqrt(N); 16/9 is what least squares lose."""
    assert thompson(130, 100, 1000, 0) == pytest.approx(np.sqrt((130**2 + 100**2 / 12) / 1000))
    assert mortensen(130, 100, 1000, 0, likelihood=True) == pytest.approx(thompson(130, 100, 1000, 0))
    assert mortensen(130, 100, 1000, 0, likelihood=False) == pytest.approx(
        4 / 3 * thompson(130, 100, 1000, 0)
    )
    dim = [mortensen(130, 100, 100, 1e6, likelihood=how) for how in (True, False)]
    assert dim[0] == pytest.approx(dim[1], rel=1e-3)  # only background: both are as good


def test_a_least_squares_fit_reaches_what_mortensen_says_of_it():
    """400 isolated molecules, EMCCD; the error of the spread is 3.5 %."""
    optics, camera = Gaussian(11, 1.2), Emccd(16, 1.0, readout=0.0, spurious=0.0)
    rng = np.random.default_rng(4)
    photons, background = 1000.0, 10.0
    places = rng.uniform(5, 6, (400, 2))
    found = []
    for x, y in places:
        light = photons * optics.spots(one(x), one(y)) + background
        frame = (camera.expose(light, rng)[0] - OFFSET) / (camera.gain / camera.per_adu)

        def missed(p, frame=frame):
            return (p[2] * optics.spots(one(p[0]), one(p[1]))[0] + p[3] - frame).ravel()

        found.append(least_squares(missed, (5.5, 5.5, 800, 8), method="lm").x[:2])
    spread = np.sqrt(np.mean((np.array(found) - places) ** 2))
    assert spread == pytest.approx(
        mortensen(1.2, 1, photons, background, likelihood=False, excess=2), rel=0.12
    )


def test_neighbours_make_a_place_less_certain_and_the_order_does_not_matter():
    optics, camera = Gaussian(32, 1.0), Emccd(12)
    x, y, photons = np.array([10.0, 11.5, 25.0]), np.array([10.0, 10.0, 20.0]), np.array([900.0, 1000, 1000])
    together = bounds(optics, camera, x, y, photons, 10.0)
    alone = [bounds(optics, camera, x[[i]], y[[i]], photons[[i]], 10.0)[0] for i in range(3)]
    assert together[0] > 1.2 * alone[0]
    assert together[2] == pytest.approx(alone[2], rel=1e-3)
    turned = [2, 0, 1]
    assert bounds(optics, camera, x[turned], y[turned], photons[turned], 10.0) == pytest.approx(
        together[turned]
    )
    same = bounds(optics, camera, np.full(2, 16.0), np.full(2, 16.0), np.full(2, 1e3), 10.0)
    assert np.isfinite(same).all()
    assert same.min() > 1  # nothing tells the two apart


@pytest.mark.parametrize(
    ("brightness", "spread"), [("exponential", 1.0), ("lognormal", 0.533), ("fixed", 0.0)]
)
def test_photons_have_the_mean_that_is_asked_for(brightness, spread):
    drawn = draw_photons(SmlmGenerate(brightness=brightness), 400_000, np.random.default_rng(2))
    assert drawn.mean() == pytest.approx(1500, rel=0.01)
    assert drawn.std() == pytest.approx(1500 * spread, rel=0.02)


def test_map_and_list_tell_of_the_same_molecules():
    options = SmlmGenerate(densities=(0.5, 3.0))
    made = make_frames(options, optics_of(options), camera_of(options), np.random.default_rng(7))
    for frame in range(CHUNK):
        listed = made.molecules[frame]
        present, dx, dy, light = made.truth[frame]
        rows, columns = np.nonzero(present)
        assert set(np.unique(present)) <= {0, 1}
        pixels = {(int(y // 100), int(x // 100)) for x, y in zip(listed["x"], listed["y"], strict=True)}
        assert pixels == set(zip(rows.tolist(), columns.tolist(), strict=True))
        for row, column in zip(rows, columns, strict=True):
            x, y = (column + 0.5 + dx[row, column]) * 100, (row + 0.5 + dy[row, column]) * 100
            near = np.hypot(listed["x"] - x, listed["y"] - y)
            assert near.min() < 0.01
            bright = max(float(listed["photons"][near.argmin()]), 1.0)
            assert np.log(bright) == pytest.approx(light[row, column], abs=1e-4)
    counts = np.array([len(each["x"]) for each in made.molecules])
    for density in (0.5, 3.0):
        mine = counts[made.density == np.float32(density)]
        assert mine.mean() == pytest.approx(density * 3.2**2, abs=5 * np.sqrt(density * 3.2**2 / len(mine)))


def test_order_of_molecules_does_not_change_the_map():
    rng = np.random.default_rng(3)
    x, y, photons = rng.uniform(0, 8, 60), rng.uniform(0, 8, 60), rng.exponential(1000, 60)
    turned = rng.permutation(60)
    assert np.array_equal(
        molecule_map(x, y, photons, 8), molecule_map(x[turned], y[turned], photons[turned], 8)
    )


def test_a_file_is_the_same_again_and_begins_a_longer_one(tmp_path: Path):
    for name, events in (("a", 150), ("b", 150), ("c", 200)):
        simulate_smlm(tmp_path / name, SmlmGenerate(events=events, seed=5))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    rows = np.arange(150)
    with open_images(tmp_path / "a") as a, open_images(tmp_path / "c") as c:
        one, other = a.read(rows), c.read(rows)
        a.check()
        assert a.provenance["generator_version"] == 1
        assert a.images["frame"].bits == 12
        assert tuple(column for column in LIST if column in one.lists["molecules"].columns) == LIST
    assert np.array_equal(one.images["frame"], other.images["frame"])
    assert np.array_equal(one.maps["molecules"], other.maps["molecules"])
    assert np.array_equal(one.lists["molecules"].columns["bound"], other.lists["molecules"].columns["bound"])


@pytest.mark.parametrize("told", [{"camera": "scmos"}, {"psf": "airy", "pixels": 64, "densities": (0.1,)}])
def test_other_cameras_and_frames(told, tmp_path: Path):
    summary = simulate_smlm(tmp_path / "f", SmlmGenerate(events=20, **told))
    assert sum(summary.splits.values()) == 20
    assert 0 < summary.median_bound_nm < 100
    assert summary.saturated < 0.01
