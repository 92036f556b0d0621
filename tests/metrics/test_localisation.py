"""Matching of points on known cases and against all assignments; figures with their uncertainties."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest

from levelone.metrics.localisation import FIGURES, count, match, summarise


def brute_force(true, found, tolerance):
    """(most matches, least sum of squared distances) of every way to assign."""
    best = (0, 0.0)
    for k in range(1, min(len(true), len(found)) + 1):
        for rows in combinations(range(len(true)), k):
            for columns in permutations(range(len(found)), k):
                d = np.hypot(*(true[list(rows)] - found[list(columns)]).T)
                if (d <= tolerance).all():
                    best = max(best, (k, -float((d**2).sum())))
    return best


@pytest.mark.parametrize("seed", range(25))
def test_matching_is_the_best_of_all_assignments(seed):
    rng = np.random.default_rng(seed)
    true, found = rng.uniform(0, 700, (rng.integers(0, 5), 2)), rng.uniform(0, 700, (rng.integers(0, 5), 2))
    made = match(true, found, 250)
    matches, squares = brute_force(true, found, 250)
    assert len(made.true) == matches
    assert -(made.distance**2).sum() == pytest.approx(squares)
    assert made.distance == pytest.approx(np.hypot(*(true[made.true] - found[made.found]).T))


def test_one_match_more_is_better_than_nearer_matches():
    true = np.array([[0.0, 0.0], [200.0, 0.0]])
    found = np.array([[190.0, 0.0], [440.0, 0.0]])
    made = match(true, found, 250)
    assert sorted(zip(made.true.tolist(), made.found.tolist(), strict=True)) == [(0, 0), (1, 1)]
    assert match(true, found[1:], 239).true.size == 0  # 240 away
    assert match(true, found[1:], 240).distance.tolist() == [240]


def test_order_of_points_is_irrelevant():
    rng = np.random.default_rng(1)
    true, bound = rng.uniform(0, 3000, (30, 2)), rng.uniform(5, 400, 30)
    found = true[:25] + rng.normal(0, 60, (25, 2))
    rows, columns = rng.permutation(30), rng.permutation(25)
    one = count(match(true, found, 250), 30, 25, bound, 250)
    other = count(match(true[rows], found[columns], 250), 30, 25, bound[rows], 250)
    assert one == pytest.approx(other)


def test_figures_of_known_counts():
    bound = np.array([10.0, 1e6])
    one = count(
        match(np.array([[0.0, 0], [900, 0]]), np.array([[30.0, 40], [2000, 0], [0, 2000]]), 250),
        2,
        3,
        bound,
        250,
    )
    assert one.tolist() == [2, 3, 1, 2500, 100]
    far = count(match(np.array([[9.0, 9]]), np.array([[9.0, 9]]), 250), 1, 1, bound[1:], 250)
    assert far.tolist() == [1, 1, 1, 0, 250**2 / 2]  # a bound says no more than chance within the tolerance
    models, _ = summarise({"a": np.stack([one, one])}, replicas=20, seed=1)
    assert {name: models["a"][name]["value"] for name in FIGURES} == {
        "jaccard": 0.25, "recall": 0.5, "precision": pytest.approx(1 / 3), "rmse": 50, "bound": 10,
    }  # fmt: skip
    assert models["a"]["jaccard"]["error"] == 0  # all frames are alike
    assert summarise({"a": np.zeros((3, 5))}, replicas=5, seed=1)[0]["a"]["rmse"] is None


def test_uncertainty_is_that_of_frames_and_differences_are_paired():
    """Frames with one point each, found or not: a binomial error."""
    rng = np.random.default_rng(2)
    hit = (rng.random(400) < 0.7).astype(float)
    rows = np.stack([np.ones(400), hit, hit, hit * 100, hit * 25], axis=1)
    models, deltas = summarise({"a": rows, "b": rows}, replicas=2000, seed=3, differences=(("a", "b"),))
    assert models["a"]["jaccard"]["error"] == pytest.approx(np.sqrt(0.7 * 0.3 / 400), rel=0.1)
    assert models["a"]["rmse"]["value"] == 10
    assert deltas["a-b"]["jaccard"] == {"value": 0.0, "error": 0.0}
