"""Distributions, and the distance between two of them."""

from __future__ import annotations

import numpy as np
import pytest

from levelone.simulate.next.summary import extent
from levelone.simulate.summaries import Comparison, Distribution, Quantity, bins, compare, distributions

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


def test_extent_of_two_voxels() -> None:
    image = np.zeros((1, 4, 4, 4), np.float32)
    image[0, 0, 1, 1], image[0, 2, 1, 1] = 3.0, 1.0
    # apart by 20 mm, shares 3/4 and 1/4: 20 sqrt(3/16)
    assert extent(image, (10.0, 10.0, 5.0))[0] == pytest.approx(20 * np.sqrt(3 / 16))
