"""The charge of a path through silicon against published numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from levelone.simulate.pixelseed import charge
from levelone.simulate.pixelseed.charge import (
    DELTA_LIMIT_KEV,
    KEV_PER_ELECTRON,
    LANDAU_MODE,
    SHELL_KEV,
    XI_KEV_PER_MM,
    most_probable_kev,
)
from levelone.simulate.straggling import sample_landau

N = 300_000


def freed_electrons(rng: np.random.Generator, path: np.ndarray, beta_gamma: np.ndarray) -> np.ndarray:
    return charge.freed_electrons(rng, path, beta_gamma, np.ones(path.size, np.int64))


def mode(values: np.ndarray, width: float) -> float:
    """Peak of a parabola through the logarithm of a histogram near its maximum."""
    edges = np.arange(values.min(), np.quantile(values, 0.9), width)
    counts, edges = np.histogram(values, edges)
    top = slice(max(counts.argmax() - 6, 0), counts.argmax() + 7)
    centers = (edges[:-1] + edges[1:]) / 2
    a, b, _ = np.polyfit(centers[top], np.log(counts[top]), 2)
    return -b / (2 * a)


def test_landau_follows_the_law() -> None:
    rng = np.random.default_rng(1)
    values = sample_landau(np.full(N, np.inf), rng)
    # scipy's Landau has the scale pi/2 and the shift ln(pi/2) of the standard variable.
    reference = stats.landau(loc=np.log(np.pi / 2), scale=np.pi / 2)
    assert stats.kstest(values, reference.cdf).pvalue > 1e-3
    assert mode(values, 0.08) == pytest.approx(LANDAU_MODE, abs=0.05)


def test_limit_cuts_without_a_pile_up() -> None:
    rng = np.random.default_rng(2)
    limit = np.full(N, 12.0)
    values = sample_landau(limit, rng)
    assert values.max() < 12
    assert 0.8 < (values > 11.5).sum() / ((values > 11.0) & (values < 11.5)).sum() < 1.1


def test_high_energy_limit_by_the_plasma_energy() -> None:
    # At high energy the density effect leaves xi (ln(2 m c^2 xi / (plasma energy)^2) + j) (PDG 34.2.9),
    # with 31.05 eV for silicon: a constant that the code does not use.
    path = np.array([0.05, 0.15, 0.285, 0.6])
    xi = XI_KEV_PER_MM * path
    expected = xi * (np.log(2 * 510.99895 * xi / 0.03105**2) + 0.200)
    np.testing.assert_allclose(most_probable_kev(path, np.full(4, 3000.0)), expected, rtol=2e-3)


def test_anchor_of_a_300_um_sensor() -> None:
    # The textbook value is "about 82 keV" in 300 um of silicon for a minimum-ionising particle.
    rng = np.random.default_rng(3)
    energy = freed_electrons(rng, np.full(N, 0.300), np.full(N, 4.0)) * KEV_PER_ELECTRON
    assert mode(energy, 0.75) == pytest.approx(82, rel=0.05)


def test_bound_electrons_widen_the_law_and_move_its_peak_up() -> None:
    # Wider than Landau's 4.02 xi, because the electrons are bound (G. Hall, NIM 220 (1984) 356). Folding a
    # skewed law with a Gaussian also moves its peak up, by less than half of the Gaussian's width.
    rng = np.random.default_rng(3)
    path, beta_gamma = np.full(N, 0.300), np.full(N, 3000.0)
    energy = freed_electrons(rng, path, beta_gamma) * KEV_PER_ELECTRON
    counts, edges = np.histogram(energy, np.arange(40, 200, 0.5))
    high = edges[:-1][counts > counts.max() / 2]
    assert 1.05 < (high[-1] - high[0]) / (4.02 * XI_KEV_PER_MM * 0.300) < 1.4
    width = np.sqrt(8 / 3 * XI_KEV_PER_MM * 0.300 * SHELL_KEV)
    assert 0 < mode(energy, 0.75) - most_probable_kev(path[:1], beta_gamma[:1])[0] < width / 2


def test_mean_is_that_of_the_restricted_loss() -> None:
    # Bethe's restricted loss, with the delta-electron limit as its cut.
    rng = np.random.default_rng(4)
    mean = freed_electrons(rng, np.full(N, 0.300), np.full(N, 4.0)).mean() * KEV_PER_ELECTRON
    beta2 = 16 / 17
    argument = 2 * 511.0 * 16 * DELTA_LIMIT_KEV / 0.173**2
    restricted = XI_KEV_PER_MM * 0.300 / beta2 * (np.log(argument) - beta2)
    assert mean == pytest.approx(restricted, rel=0.04)


def test_steps_add_up_to_the_whole_path() -> None:
    rng = np.random.default_rng(5)
    whole = freed_electrons(rng, np.full(N, 0.4), np.full(N, 50.0))
    n = N // 4
    parts = charge.freed_electrons(rng, np.full(n, 0.02), np.full(n, 50.0), np.full(n, 20)).reshape(n, 20)
    parts = parts.sum(axis=1)
    for share in (0.05, 0.25, 0.5, 0.75, 0.9):
        assert np.quantile(parts, share) == pytest.approx(np.quantile(whole, share), rel=0.015)


def test_slow_particles_lose_more() -> None:
    rng = np.random.default_rng(6)
    path = np.full(20_000, 0.285)
    slow, fast = (np.median(freed_electrons(rng, path, np.full(path.size, bg))) for bg in (0.5, 4.0))
    assert slow > 3 * fast
    strange = freed_electrons(rng, np.full(1000, 1e-9), np.full(1000, 1e9))
    assert np.isfinite(strange).all()
    assert freed_electrons(rng, np.zeros(0), np.zeros(0)).size == 0
