from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from levelone.metrics.ranking import REJECTIONS, Ranking, balance, bootstrap_counts, compare, thinned


def slow_auc(score, target, weight):
    """Weighted chance that a signal scores above a background candidate, ties one half."""
    total = wins = 0.0
    for s, ts, ws in zip(score, target, weight, strict=True):
        for b, tb, wb in zip(score, target, weight, strict=True):
            if ts == 1 and tb == 0:
                total += ws * wb
                wins += ws * wb * (1.0 if s > b else 0.5 if s == b else 0.0)
    return wins / total


def slow_efficiency(score, target, weight, rejection):
    """Lower the threshold until the allowed background is used up, taking a part of the last tie."""
    allowed = (1 - rejection) * weight[target == 0].sum()
    kept = 0.0
    for threshold in sorted(set(score), reverse=True):
        tied = score == threshold
        background = weight[tied & (target == 0)].sum()
        signal = weight[tied & (target == 1)].sum()
        if background > allowed:
            return (kept + signal * allowed / background) / weight[target == 1].sum()
        allowed -= background
        kept += signal
    return 1.0


@settings(deadline=None, max_examples=60)
@given(n=st.integers(4, 40), levels=st.integers(1, 12), seed=st.integers(0, 10_000))
def test_figures_against_the_slow_definitions(n, levels, seed):
    rng = np.random.default_rng(seed)
    score = rng.integers(0, levels, n).astype(np.float32)
    target = rng.integers(0, 2, n).astype(np.uint8)
    target[:2] = (0, 1)
    weight = rng.integers(1, 4, n).astype(np.float64)
    figures = Ranking.of(score, target).figures(weight)
    assert figures[0] == pytest.approx(slow_auc(score, target, weight), abs=1e-12)
    for value, rejection in zip(figures[1:], REJECTIONS, strict=True):
        assert value == pytest.approx(slow_efficiency(score, target, weight, rejection), abs=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_roc_curve_is_scikit_learns(weighted):
    rng = np.random.default_rng(5)
    target = (rng.random(3000) < 0.3).astype(np.uint8)
    score = np.round(rng.normal(size=3000) + target, 1)  # many equal scores
    weight = rng.random(3000) + 0.1 if weighted else np.ones(3000)
    false, true = Ranking.of(score, target).roc(weight)
    x, y, _ = roc_curve(target, score, sample_weight=weight, drop_intermediate=False)
    np.testing.assert_allclose(false, x, atol=1e-12)
    np.testing.assert_allclose(true, y, atol=1e-12)


def test_a_thinned_curve_keeps_both_ends_and_the_working_points():
    false = np.sort(np.random.default_rng(1).random(50_000))
    kept = false[thinned(false)]
    assert kept[0] == false[0]
    assert kept[-1] == false[-1]
    for point in (0.5, 0.25, 0.1, 0.01):
        assert np.abs(kept - point).min() < 0.02 * point


def test_perfect_and_useless_scores():
    target = np.repeat([0, 1], 500).astype(np.uint8)
    assert Ranking.of(target, target).figures(np.ones(1000)).tolist() == [1.0] * 5
    useless = Ranking.of(np.zeros(1000), target).figures(np.ones(1000))
    assert useless == pytest.approx([0.5, *(1 - r for r in REJECTIONS)])


def test_scores_must_be_finite():
    with pytest.raises(ValueError, match="finite"):
        Ranking.of(np.array([0.0, np.nan]), np.array([0, 1], np.uint8))


def test_balance_makes_classes_equal_within_each_group():
    rng = np.random.default_rng(1)
    target = (rng.random(5000) < 0.2).astype(np.uint8)
    group = rng.integers(0, 4, 5000).astype(np.int32)
    target[group == 3] = 1
    weight = balance(target, group)
    for g in range(3):
        sums = [weight[(group == g) & (target == t)].sum() for t in (0, 1)]
        assert sums[0] == pytest.approx(sums[1])
        assert sums[1] == (target[group == g] == 1).sum()  # the rarer class keeps its weight
    assert not weight[group == 3].any()


def test_balance_hides_the_group_alone():
    rng = np.random.default_rng(2)
    group = rng.integers(0, 3, 9000).astype(np.int32)
    target = (rng.random(9000) < np.array([0.1, 0.5, 0.8])[group]).astype(np.uint8)
    ranking = Ranking.of(group, target)
    assert ranking.figures(np.ones(9000))[0] > 0.75
    assert ranking.figures(balance(target, group))[0] == pytest.approx(0.5)


def test_bootstrap_draws_whole_events():
    event = np.array([7, 7, 9, 3, 9, 9])
    counts = bootstrap_counts(event, 50, 1)
    assert counts.shape == (50, 6)
    assert (counts[:, 0] == counts[:, 1]).all()
    assert (counts[:, 2] == counts[:, 4]).all()
    assert (counts[:, [0, 2, 3]].sum(axis=1) == 3).all()
    assert (counts == bootstrap_counts(event, 50, 1)).all()
    assert (counts != bootstrap_counts(event, 50, 2)).any()


def test_compare_reports_values_errors_and_paired_differences():
    rng = np.random.default_rng(3)
    n = 4000
    target = rng.integers(0, 2, n).astype(np.uint8)
    event = np.arange(n) % 40
    good = target + rng.normal(size=n)
    scores = {"good": good, "copy": good * 3 + 1, "bad": rng.normal(size=n)}
    models, deltas = compare(
        scores,
        target,
        np.ones(n),
        event,
        replicas=40,
        seed=1,
        differences=(("good", "copy"), ("good", "bad")),
    )
    assert models["good"]["auc"]["value"] == pytest.approx(0.76, abs=0.02)
    assert 0.003 < models["good"]["auc"]["error"] < 0.02
    assert deltas["good-copy"]["auc"] == {"value": 0.0, "error": 0.0}
    assert deltas["good-bad"]["efficiency"]["90"]["value"] > 0.2
    assert list(models["good"]["efficiency"]) == ["50", "75", "90", "99"]


def test_compare_without_a_class_gives_nothing():
    ones = np.ones(10, np.uint8)
    assert compare({"a": np.arange(10.0)}, ones, np.ones(10), np.arange(10), replicas=3, seed=1) == ({}, {})
