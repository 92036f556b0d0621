"""Distributions, and the distance between two of them."""

from __future__ import annotations

import numpy as np
import pytest

from levelone.simulate.next.summary import extent
from levelone.simulate.summaries import (
    YES_NO,
    Comparison,
    Distribution,
    Landmark,
    Quantity,
    bins,
    compare,
    distributions,
    locate,
    log_bins,
    placed,
)

QUANTITY = Quantity("length", "mm", "length", bins(0, 10, 5), 0.02, "stated")


def test_what_lies_outside_counts_in_the_first_and_last_bin() -> None:
    found = Distribution.of(np.array([-5.0, 0.0, 2.0, 3.9, 9.0, 10.0, 77.0]), QUANTITY)
    assert found.counts == (2, 2, 0, 0, 3)
    assert found.events == 7
    assert found.mean == pytest.approx(96.9 / 7)
    assert found.error == pytest.approx(found.deviation / np.sqrt(7))


def test_the_distance_is_that_of_the_cumulative_distributions() -> None:
    one = distributions({"a": {"length": np.full(100, 1.0)}}, (QUANTITY,))
    other = distributions({"a": {"length": np.repeat([1.0, 5.0, 9.0], [50, 30, 20])}}, (QUANTITY,))
    (found,) = compare(one, other, (QUANTITY,))
    assert (found.kind, found.distance) == ("a", 0.5)
    assert found.allowed == pytest.approx(0.02 + 1.63 * np.sqrt(2 / 100))
    assert not found.agrees
    assert compare(one, one, (QUANTITY,))[0].agrees


def test_equal_distributions_agree_and_shifted_ones_do_not() -> None:
    rng = np.random.default_rng(1)
    strict = Quantity("length", "mm", "length", bins(0, 10, 50), 0.0, "the same distribution")

    def sample(mean: float) -> Distribution:
        return Distribution.of(rng.normal(mean, 1, 2000), strict)

    agree = [Comparison("a", strict, sample(5.0), sample(5.0)).agrees for _ in range(50)]
    assert np.mean(agree) > 0.9
    assert not Comparison("a", strict, sample(5.0), sample(5.2)).agrees


def test_shares_are_compared_with_their_own_errors() -> None:
    """A share of 2 % in 1,000 events is known to 0.0044, not to what a whole distribution is known to."""
    share = Quantity("rare", "", "something rare", YES_NO, 0.001, "stated")

    def of(rare: int) -> Distribution:
        return Distribution.of(np.repeat([0.0, 1.0], [1000 - rare, rare]), share)

    found = Comparison("a", share, of(30), of(10))
    assert found.distance == pytest.approx(0.02)
    assert found.allowed == pytest.approx(0.001 + 2.58 * np.sqrt(0.02 * 0.98 * 2 / 1000))
    assert not found.agrees
    assert Comparison("a", share, of(0), of(0)).agrees


LOSS = Quantity("loss", "keV", "loss", log_bins(10, 1000, 200), 0.0, "the same distribution")


def leaning(size: int, seed: int) -> np.ndarray:
    """Exponential of normal values: median 100, most probable 100 exp(-0.3 squared)."""
    return 100 * np.exp(np.random.default_rng(seed).normal(0, 0.3, size))


def test_peak_and_quantiles_of_a_leaning_law() -> None:
    found = Distribution.of(leaning(40_000, 1), LOSS)
    for share, score in ((0.01, -2.326), (0.5, 0.0), (0.9, 1.2816), (0.99, 2.326)):
        value, error = locate(found, LOSS, share)
        assert abs(value - 100 * np.exp(0.3 * score)) < 4 * error
        density = np.exp(-(score**2) / 2) / np.sqrt(2 * np.pi) / (0.3 * value)
        assert error == pytest.approx(np.sqrt(share * (1 - share) / 40_000) / density, rel=0.15)
    peak, error = locate(found, LOSS, None)
    assert peak == pytest.approx(100 * np.exp(-(0.3**2)), rel=0.02)
    assert 0.1 < error < 1.0


def test_errors_of_landmarks_are_those_of_repeated_samples() -> None:
    for share in (None, 0.5, 0.99):
        found = [locate(Distribution.of(leaning(5_000, seed), LOSS), LOSS, share) for seed in range(40)]
        values, errors = np.transpose(found)
        assert np.mean(errors) == pytest.approx(np.std(values), rel=0.4)


def test_landmarks_differ_by_a_share_of_geant4s() -> None:
    tail = Landmark("loss", "99 % quantile", 0.99, 0.05, "stated")

    def of(values: np.ndarray) -> dict[str, dict[str, Distribution]]:
        return distributions({"a": {"loss": values}}, (LOSS,))

    values = leaning(40_000, 2)
    (same,) = placed(of(values), of(values), (LOSS,), (tail,))
    assert (same.kind, same.name, same.distance) == ("a", "loss, 99 % quantile", 0.0)
    assert 0.05 < same.allowed < 0.1
    (larger,) = placed(of(1.2 * values), of(values), (LOSS,), (tail,))
    assert larger.distance == pytest.approx(0.2, abs=0.01)
    (smaller,) = placed(of(0.8 * values), of(values), (LOSS,), (tail,))
    assert smaller.distance == pytest.approx(-0.2, abs=0.01)
    assert not larger.agrees
    assert not smaller.agrees


def test_extent_of_two_voxels() -> None:
    image = np.zeros((1, 4, 4, 4), np.float32)
    image[0, 0, 1, 1], image[0, 2, 1, 1] = 3.0, 1.0
    # apart by 20 mm, shares 3/4 and 1/4: 20 sqrt(3/16)
    assert extent(image, (10.0, 10.0, 5.0))[0] == pytest.approx(20 * np.sqrt(3 / 16))
