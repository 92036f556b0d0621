"""Widths in bins and the fit of the three terms."""

import numpy as np
import pytest

from levelone.metrics.resolution import FEWEST, fit_terms, summarise, widths

EDGES = np.array([10.0, 20, 30, 45, 70, 110, 160, 230, 310, 400, 510])


def sampled(a, b, c, n=60_000, seed=3, response=1.0):
    rng = np.random.default_rng(seed)
    true = np.exp(rng.uniform(np.log(10), np.log(510), n))
    sigma = np.sqrt(a**2 / true + b**2 + c**2 / true**2)
    return true, response * true * (1 + sigma * rng.standard_normal(n))


@pytest.mark.parametrize("terms", [(0.183, 0.0075, 1.31), (0.18, 0.02, 0.5), (1.14, 0.05, 2.0)])
def test_known_terms_are_recovered(terms):
    found = summarise(*sampled(*terms), EDGES, replicas=40)
    for name, expected in zip("abc", terms, strict=True):
        entry = found[name]
        assert abs(entry["value"] - expected) < 4 * entry["error"] + 0.02 * expected, name
        assert 0 < entry["error"] < max(0.5 * expected, 0.01)
    assert found["points"] == len(EDGES) - 1
    assert found["chi2"] < 30


def test_exact_widths_give_exact_terms():
    energy = np.geomspace(10, 500, 9)
    width = np.sqrt(0.187**2 / energy + 0.00574**2 + (1.11 / energy) ** 2)
    terms, chi2 = fit_terms(energy, width, 0.01 * width)
    np.testing.assert_allclose(terms, [0.187, 0.00574, 1.11], rtol=1e-5)
    assert chi2 < 1e-10


def test_a_term_that_is_not_there_is_zero_not_imaginary():
    energy = np.geomspace(10, 500, 9)
    terms, _ = fit_terms(energy, 0.2 / np.sqrt(energy) * (1 - 1e-4 * energy), np.full(9, 1e-4))
    assert np.all(terms >= 0)
    assert terms.min() == 0


def test_width_is_relative_to_the_response():
    true, predicted = sampled(0.2, 0.01, 0, response=0.5)
    bins = widths(true, predicted, EDGES)
    np.testing.assert_allclose(bins.response, 0.5, rtol=0.01)
    expected = np.sqrt(0.2**2 / bins.energy + 0.01**2)
    assert np.all(np.abs(bins.width / expected - 1) < 0.08)
    pulls = [(widths(*sampled(0.2, 0.0, 0, n=2000, seed=seed), EDGES).width / 0.2) for seed in range(40)]
    stated = widths(*sampled(0.2, 0.0, 0, n=2000), EDGES)
    assert np.std(pulls, axis=0) == pytest.approx(stated.error / 0.2, rel=0.5)


def test_thin_bins_are_left_out():
    true = np.repeat([15.0, 25.0], [FEWEST, FEWEST - 1])
    bins = widths(true, true * np.linspace(0.9, 1.1, len(true)), EDGES)
    assert np.isfinite(bins.width).tolist() == [True] + [False] * 9
    terms, chi2 = fit_terms(bins.energy, bins.width, bins.error)
    assert np.isnan(terms).all()
    assert np.isnan(chi2)
