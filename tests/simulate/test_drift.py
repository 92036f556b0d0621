"""Drift in a sensor against published and analytical numbers."""

from __future__ import annotations

import numpy as np
import pytest

from levelone.simulate.pixelseed.drift import LORENTZ_PER_TESLA, Passages, cut, diffusion_mm, share

PITCH, THICKNESS = (0.100, 0.150), 0.285


def passages(n: int, slope: tuple[float, float], seed: int = 1) -> Passages:
    start = np.random.default_rng(seed).uniform(5.0, 6.0, (n, 2))
    enter = np.column_stack([start, np.full(n, THICKNESS)])
    leave = np.column_stack([start + np.array(slope) * THICKNESS, np.zeros(n)])
    return Passages(enter, leave)


def profile(found: Passages, drift: tuple[float, float], step_mm: float) -> dict[str, float]:
    """Mean position from the entry, spread, size and charge of the clusters of equal charge per path."""
    count, begin, end = cut(found, step_mm)
    owner = np.repeat(np.arange(len(count)), count)
    shares = share(begin, end, np.tile(drift, (len(begin), 1)), PITCH)
    row = np.concatenate([shares.row, shares.row, shares.row - 1, shares.row - 1])
    column = np.concatenate([shares.column, shares.column - 1] * 2)
    down, left = 1 - shares.above, 1 - shares.right
    part = [shares.above * shares.right, shares.above * left, down * shares.right, down * left]
    charge = np.concatenate(part) / np.tile(count[owner], 4)
    key = np.tile(owner, 4) * 10_000_000 + row * 10_000 + column
    pixel, inverse = np.unique(key, return_inverse=True)
    collected = np.bincount(inverse, charge)
    whose = pixel // 10_000_000
    x = (pixel // 10_000 % 1000 + 0.5) * PITCH[0] - found.enter[whose, 0]
    alive = collected > 0.08
    return {
        "charge": collected.sum() / len(found.enter),
        "mean": float((x * collected).sum() / collected.sum()),
        "square": float((x**2 * collected).sum() / collected.sum()),
        "size": alive.sum() / len(found.enter),
        "single": float((np.bincount(whose[alive], minlength=len(found.enter)) == 1).mean()),
    }


def test_lorentz_angle_is_the_one_measured_at_2_tesla() -> None:
    # ATLAS, Eur. Phys. J. C 70 (2010) 787: 11.77 degrees in 250 um at 150 V and 2 T.
    assert np.degrees(np.arctan(2 * LORENTZ_PER_TESLA)) == pytest.approx(11.77, abs=0.3)


def test_diffusion_is_of_the_size_of_einsteins() -> None:
    # sqrt(2 kT/q depth thickness / voltage), here for 300 V at -10 degrees Celsius.
    thermal_volt = 8.617333e-5 * 263.15
    einstein = 0.300 * np.sqrt(2 * thermal_volt / 300.0)
    assert diffusion_mm(np.array(0.300)) == pytest.approx(einstein, rel=0.02)
    assert diffusion_mm(np.array(0.075)) == pytest.approx(einstein / 2, rel=0.02)


def test_charge_is_moved_by_half_the_drift_of_the_whole_depth() -> None:
    found = passages(5_000, (0.0, 0.0))
    straight, turned = (profile(found, (t, 0.0), 0.01) for t in (0.0, 0.212))
    assert turned["mean"] - straight["mean"] == pytest.approx(0.212 * THICKNESS / 2, abs=0.001)
    # Single pixels along x: the share of positions whose charge stays within one pitch falls by what drifts.
    assert turned["single"] < straight["single"] - 0.3


def test_a_track_along_the_lorentz_angle_has_the_smallest_clusters() -> None:
    # How experiments measure it: the drift undoes the slope of the track.
    sizes = {
        t: profile(passages(1_000, (t, 0.0)), (0.212, 0.0), 0.01)["size"] for t in np.arange(-0.6, 0.7, 0.106)
    }
    assert abs(abs(min(sizes, key=sizes.__getitem__)) - 0.212) < 0.07


@pytest.mark.parametrize("slope", [(0.0, 0.0), (0.3, 0.0), (0.2, 4.0)])
def test_halving_the_step_changes_nothing(slope: tuple[float, float]) -> None:
    found = passages(5_000, slope)
    coarse, fine = (profile(found, (0.212, 0.0), step) for step in (0.020, 0.010))
    assert coarse["charge"] == pytest.approx(1, abs=1e-6)
    for name in coarse:
        assert coarse[name] == pytest.approx(fine[name], rel=2e-3, abs=2e-3), name
