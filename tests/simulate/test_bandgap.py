"""Topographs and gaps: strain, constant current and blunt tips against what is known in closed form."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import grey_dilation

from levelone.data.images import open_images
from levelone.simulate.bandgap.generator import (
    CHUNK,
    levelled,
    look,
    make_pictures,
    simulate_bandgap,
)
from levelone.simulate.bandgap.microscope import (
    COULOMB_EV_NM,
    DEPTH_NM,
    KAPPA,
    SCREENED,
    SCREENING_NM,
    bending,
    dilated,
    lifted,
)
from levelone.simulate.bandgap.section import BandgapGenerate
from levelone.simulate.bandgap.sheet import POISSON, gap, stretch
from levelone.simulate.bandgap.surface import LAYER_NM, make_area

FREE = 1e6
"""nm: a sheet that nothing holds."""


def grid(points: int, pitch: float) -> tuple[np.ndarray, np.ndarray]:
    y, x = (np.indices((points, points)) - points // 2) * pitch
    return y, x


def test_a_bump_stretches_a_free_sheet_as_its_gaussian_curvature_says() -> None:
    """Height a x0 exp(-r^2 / 2 x0^2): (1 - nu) a^2 / 4 exp(-r^2 / x0^2), its curvature integrated."""
    y, x = grid(128, 0.25)
    r2, width, aspect = x**2 + y**2, 2.0, 0.15
    found = stretch(aspect * width * np.exp(-r2 / (2 * width**2)), 0.25, FREE)
    expected = (1 - POISSON) * aspect**2 / 4 * np.exp(-r2 / width**2)
    assert found - found.mean() == pytest.approx(expected - expected.mean(), abs=1e-9)


@pytest.mark.parametrize("grip", [0.5, 2.0, 7.0, FREE])
def test_a_ripple_stretches_a_held_sheet_where_it_is_steep(grip: float) -> None:
    """Height a cos(q x): the balance of forces is solved by hand; free, the ripple is stretched evenly."""
    points, pitch, height = 64, 0.25, 0.2
    q = 2 * np.pi * 3 / (points * pitch)
    _, x = grid(points, pitch)
    uneven = grip**-2 / (4 * q**2 + grip**-2)
    expected = (height * q) ** 2 / 4 * (1 - uneven * np.cos(2 * q * x))
    assert stretch(height * np.cos(q * x), pitch, grip) == pytest.approx(expected, abs=1e-12)


def test_a_sheet_that_cannot_slide_is_as_much_longer_as_its_slopes_make_it() -> None:
    y, x = grid(64, 0.25)
    u, v = 2 * np.pi * x / 16, 2 * np.pi * y / 16
    height = 0.3 * np.cos(u) * np.sin(2 * v)
    slopes = (0.3 * np.sin(u) * np.sin(2 * v)) ** 2 + (0.6 * np.cos(u) * np.cos(2 * v)) ** 2
    assert stretch(height, 0.25, 1e-3) == pytest.approx((2 * np.pi / 16) ** 2 * slopes / 2, abs=1e-7)


def test_gaps_are_the_published_ones() -> None:
    """2.40 and 2.10 eV (Huang et al. 2015); 99 meV per percent biaxial strain (Lloyd et al. 2016)."""
    one = np.ones(1)
    assert gap(one, 0 * one, 99.0) == pytest.approx(2.40)
    assert gap(2 * one, 0 * one, 99.0) == pytest.approx(2.10)
    assert gap(one, 0.02 * one, 99.0) == pytest.approx(2.40 - 0.099)


def test_current_stays_the_same_and_falls_tenfold_in_a_tenth_of_a_nanometre() -> None:
    assert np.exp(-2 * KAPPA * 0.1) == pytest.approx(0.1, rel=0.15)
    gaps, bent = np.array([2.4, 2.1, 2.3]), np.array([0.0, 0.2, -0.1])
    states = 1.6 - (gaps - 1.8 + bent)
    current = states * np.exp(-2 * KAPPA * lifted(gaps, bent, 1.6, 2.4))
    assert current == pytest.approx(np.full(3, 1.6 - 0.6))


def test_a_charge_is_screened_and_two_add_up() -> None:
    away = np.array([[[0.0, 1.0, 3.0]], [[3.0, 1.0, 0.0]]])
    alone = bending(np.ones(1), away[:1])
    assert alone[0, 0] == pytest.approx(COULOMB_EV_NM / SCREENED / DEPTH_NM)
    ratio = np.exp(-2 / SCREENING_NM) * np.hypot(1, DEPTH_NM) / np.hypot(3, DEPTH_NM)
    assert alone[0, 2] / alone[0, 1] == pytest.approx(ratio)
    assert bending(np.array([1.0, -1.0]), away) == pytest.approx(alone - alone[:, ::-1])


def test_a_blunt_tip_makes_a_round_top_as_much_blunter_as_it_is_itself() -> None:
    """A paraboloid of radius r dilated by one of radius R is one of r + R, exactly, also between points."""
    points, pitch, top, tip = 96, 0.25, 3.0, 5.0
    y, x = grid(points, pitch)
    inside = np.arange(points // 2 - 8, points // 2 + 9)
    seen = dilated(-(x**2 + y**2) / (2 * top), pitch, tip, inside)
    r2 = (x**2 + y**2)[np.ix_(inside, inside)]
    assert seen == pytest.approx(-r2 / (2 * (top + tip)), abs=1e-9)


def test_a_dilated_surface_is_the_greatest_of_all_shifted_tips() -> None:
    """Against scipy's grey dilation, which knows the points of the grid alone: never below, hardly above."""
    points, pitch, radius = 48, 0.25, 3.0
    y, x = grid(points, pitch)
    surface = 0.3 * np.tanh((4 - np.hypot(x, 1.3 * y)) / 0.5) + 0.1 * np.sin(x) * np.cos(y)
    far_y, far_x = grid(41, pitch)
    shape = -(far_x**2 + far_y**2) / (2 * radius)
    expected = grey_dilation(surface, structure=shape, mode="wrap")
    found = dilated(surface, pitch, radius, np.arange(points))
    assert (found >= expected - 1e-12).all()
    assert (found - expected).max() < 0.02  # nm: the tip touches between points
    assert np.abs(found - expected).mean() < 0.003


def test_half_of_all_steps_changes_nothing() -> None:
    """The same areas computed twice as finely."""
    coarse, fine = (make_pictures(BandgapGenerate(fine=each), np.random.default_rng(3), 8) for each in (2, 4))
    assert fine.gap == pytest.approx(coarse.gap, abs=5e-5)
    assert fine.surface == pytest.approx(coarse.surface, abs=1e-4)
    changed = fine.topography.astype(float) - coarse.topography
    assert changed.std() < 1.5  # pm; the noise has 5
    assert fine.topography.std() == pytest.approx(coarse.topography.std(), rel=1e-3)


def test_charged_defects_change_the_topograph_and_not_the_gap() -> None:
    options = BandgapGenerate(defects=0.02)
    area = make_area(options, np.random.default_rng(2))
    assert len(area.charge)
    height, true = look(options, area, 4.0)
    other_height, other = look(options, replace(area, charge=-area.charge), 4.0)
    assert np.array_equal(true, other)
    assert np.abs(height - other_height).max() > 0.01  # nm: twice the noise


def test_an_island_is_a_layer_higher_and_has_the_gap_of_two() -> None:
    options = BandgapGenerate(
        islands=1, terraces=0, defects=0, corrugation_nm=(0.0, 0.0), height_noise_pm=0, gap_noise_mev=0
    )
    found = 0
    for seed in range(8):
        area = make_area(options, np.random.default_rng(seed))
        height, true = look(options, area, 2.0)
        if np.ptp(true) < 0.29:
            continue
        found += 1
        assert (true.min(), true.max()) == pytest.approx((2.10, 2.40), abs=1e-3)
        lift = np.log(1.3) / (2 * KAPPA)  # of a smaller gap
        assert np.ptp(height) == pytest.approx(LAYER_NM + lift, abs=2e-3)
    assert found > 2


def test_roughness_has_the_height_and_the_correlation_that_are_asked_for() -> None:
    told = {"corrugation_nm": (0.2, 0.2), "terraces": 0, "islands": 0, "defects": 0}
    options = BandgapGenerate(**told)
    rng = np.random.default_rng(4)
    height = np.stack([make_area(options, rng).sheet for _ in range(60)])
    assert height.std() == pytest.approx(0.2, rel=0.05)
    shift = round(options.correlation_nm / 0.25)
    correlation = (height * np.roll(height, shift, -1)).mean() / height.var()
    assert correlation == pytest.approx(np.exp(-1), abs=0.06)


def test_levelled_images_have_no_plane_left() -> None:
    rng = np.random.default_rng(6)
    y, x = np.indices((16, 16))
    images = rng.normal(size=(3, 16, 16)) + 0.3 * x - 0.7 * y + 5
    design = np.stack([np.ones(256), x.ravel(), y.ravel()], axis=1)
    for image, flat in zip(images, levelled(images), strict=True):
        plane = design @ np.linalg.lstsq(design, image.ravel(), rcond=None)[0]
        assert flat == pytest.approx(image - plane.reshape(16, 16), abs=1e-12)


def test_a_file_is_the_same_again_and_begins_a_longer_one(tmp_path: Path) -> None:
    for name, events in (("a", CHUNK), ("b", CHUNK), ("c", CHUNK + 6)):
        summary = simulate_bandgap(tmp_path / name, BandgapGenerate(events=events, seed=5))
    assert sum(summary.splits.values()) == CHUNK + 6
    assert 0 < summary.second_layer < 0.3
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    rows = np.arange(CHUNK)
    with open_images(tmp_path / "a") as a, open_images(tmp_path / "c") as c:
        a.check()
        one, other = a.read(rows), c.read(rows)
    for kind, name in (("images", "topography"), ("maps", "gap"), ("maps", "surface")):
        assert np.array_equal(getattr(one, kind)[name], getattr(other, kind)[name])
    measured, true = np.moveaxis(one.maps["gap"].astype(float), 1, 0)
    noise = measured - true
    assert noise.std() == pytest.approx(0.015, rel=4 / np.sqrt(2 * noise.size))
    assert abs(noise.mean()) < 4 * 0.015 / np.sqrt(noise.size)
