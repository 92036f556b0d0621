from __future__ import annotations

import numpy as np
import pytest
from doublet_factory import detector

from levelone.data.detector import Clusters, Hits, reconstruct
from levelone.data.features import FEATURES, doublet_features, gev_per_mm, helix, wrap_phi

BARREL = np.array([True, True, False])
NUMBER = np.array([1, 2, 1], np.uint8)


def hit_on_helix(
    r: float, pt: float, phi0: float, cot: float, z0: float, charge: int, layer: int, drift_x: float = 0.0
) -> Hits:
    """Where a helix from the beam axis crosses the radius r, on a module that faces the beam."""
    radius = pt / gev_per_mm(2.0)
    turn = np.arcsin(r / (2 * radius))
    phi = np.array([wrap_phi(np.array([phi0 + charge * turn]))[0]])
    z = np.array([z0 + cot * 2 * radius * turn])
    zero, one = np.zeros(1), np.ones(1)
    radial = np.stack([np.cos(phi), np.sin(phi), zero], axis=1)
    azimuthal = np.stack([-np.sin(phi), np.cos(phi), zero], axis=1)
    along = np.stack([zero, zero, one], axis=1)
    return Hits(
        r=np.array([r]),
        phi=phi,
        z=z,
        charge_ke=np.array([22.0]),
        size_x=one,
        size_y=one * 3,
        overflow=zero,
        layer=np.array([layer], np.uint8),
        axis_x=azimuthal,
        axis_y=along,
        normal=radial,
        drift=np.array([[drift_x, 0.0]]),
    )


@pytest.mark.parametrize("pt", [0.5, 1.3, 40.0])
@pytest.mark.parametrize("charge", [-1, 1])
@pytest.mark.parametrize("phi0", [-3.14, 0.2, 3.13])
def test_helix_is_found_again(pt: float, charge: int, phi0: float) -> None:
    inner, outer = (
        hit_on_helix(r, pt, phi0, 1.7, -32.0, charge, layer) for r, layer in ((31.0, 0), (72.0, 1))
    )
    half, cot, z0, _ = helix(inner, outer)
    assert 2 * half / gev_per_mm(2.0) == pytest.approx(charge / pt, rel=1e-9)
    assert cot == pytest.approx(1.7, rel=1e-9)
    assert z0 == pytest.approx(-32.0, rel=1e-9)


def test_expected_length_of_an_inclined_track() -> None:
    inner, outer = (hit_on_helix(r, 1e6, 0.3, 2.0, 0.0, 1, layer) for r, layer in ((31.0, 0), (72.0, 1)))
    table = doublet_features(inner, outer, BARREL, NUMBER, (0.1, 0.15), 0.285, 2.0)
    named = dict(zip(FEATURES, table[0], strict=True))
    # A slope of 2 through 285 um covers 570 um: 3.8 pixels of 150 um, and one more for the two ends.
    assert named["inner_expected_y"] == pytest.approx(1 + 0.57 / 0.15, rel=1e-5)
    assert named["inner_excess_y"] == pytest.approx(3 - 4.8, rel=1e-5)
    assert named["outer_expected_x"] == pytest.approx(1.0, abs=1e-4)
    assert named["inner_charge_per_path"] == pytest.approx(22 / (0.285 * 5**0.5), rel=1e-5)
    assert (named["inner_layer"], named["outer_layer"], named["inner_barrel"]) == (1, 2, 1)


def test_curvature_widens_the_cluster_in_azimuth() -> None:
    inner, outer = (hit_on_helix(r, 0.5, 0.3, 0.0, 0.0, 1, layer) for r, layer in ((31.0, 0), (72.0, 1)))
    table = doublet_features(inner, outer, BARREL, NUMBER, (0.1, 0.15), 0.285, 2.0)
    named = dict(zip(FEATURES, table[0], strict=True))
    angle = np.arcsin(72.0 * gev_per_mm(2.0) / (2 * 0.5))
    assert named["outer_expected_x"] == pytest.approx(1 + np.tan(angle) * 0.285 / 0.1, rel=1e-5)


def test_drift_is_one_more_slope() -> None:
    # A straight track across its module, and one that bends against the drift.
    for pt, charge, slope in ((1e6, 1, -0.212), (0.5, -1, None)):
        plain, turned = (
            doublet_features(
                *(hit_on_helix(r, pt, 0.3, 0.0, 0.0, charge, n, drift) for n, r in enumerate((31.0, 72.0))),
                BARREL,
                NUMBER,
                (0.1, 0.15),
                0.285,
                2.0,
            )[0]
            for drift in (0.0, 0.212)
        )
        before, after = (dict(zip(FEATURES, table, strict=True)) for table in (plain, turned))
        if slope is None:
            slope = -np.tan(np.arcsin(72.0 * gev_per_mm(2.0) / (2 * 0.5))) - 0.212
        assert after["outer_expected_x"] == pytest.approx(1 + abs(slope) * 2.85, rel=1e-4)
        assert after["outer_expected_y"] == before["outer_expected_y"]


def test_absurd_pairs_stay_finite() -> None:
    rng = np.random.default_rng(1)
    n = 2000
    unit = rng.normal(size=(n, 3, 3))
    basis = np.linalg.qr(unit)[0]
    hits = [
        Hits(
            r=rng.choice([0.0, 1e-9, 30.0, 170.0], n),
            phi=rng.choice([-np.pi, 0.0, np.pi, 1.0], n),
            z=rng.choice([0.0, -1500.0, 20.0], n),
            charge_ke=rng.uniform(0.1, 600, n),
            size_x=np.ones(n),
            size_y=np.ones(n),
            overflow=np.zeros(n),
            layer=rng.integers(0, 3, n).astype(np.uint8),
            axis_x=basis[:, 0],
            axis_y=basis[:, 1],
            normal=basis[:, 2],
            drift=rng.normal(0, 0.2, (n, 2)),
        )
        for _ in range(2)
    ]
    assert np.isfinite(doublet_features(hits[0], hits[1], BARREL, NUMBER, (0.1, 0.15), 0.285, 2.0)).all()


def test_position_is_the_charge_weighted_centre() -> None:
    clusters = Clusters(
        module=np.array([0], np.uint16),
        row=np.array([80], np.int16),
        column=np.array([232], np.int16),
        size_x=np.array([1], np.uint8),
        size_y=np.array([2], np.uint8),
        pixel_offset=np.array([0, 2]),
        pixel_index=np.array([4 * 16 + 8, 4 * 16 + 9], np.uint8),
        pixel_charge=np.array([3.0, 1.0], np.float32),
    )
    hits = reconstruct(detector(), clusters)
    # Row 84.5 is 0.5 pixels from the centre at 84; the columns 240.5 and 241.5 weigh 3 and 1.
    assert hits.z[0] == pytest.approx((240.75 - 240) * 0.15)
    assert hits.r[0] == pytest.approx(np.hypot(30.0, 0.05))
    assert hits.phi[0] == pytest.approx(np.arctan2(0.05, 30.0))
    assert hits.charge_ke[0] == 4.0
    assert hits.overflow[0] == 0.0
