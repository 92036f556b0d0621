"""Background rejection at half of the signal: known scores, ties, and nothing left."""

from __future__ import annotations

import numpy as np
import pytest

from levelone.metrics.ranking import Ranking, bootstrap_counts
from levelone.metrics.rejection import compare_rejections, rejection


def test_counted_by_hand() -> None:
    """Above the second of four signal scores lies one of ten background scores."""
    score = np.array([9, 8, 3, 2, 8.5, 7, 6, 5, 4, 1, 0, -1, -2, -3])
    target = np.array([1] * 4 + [0] * 10, np.uint8)
    assert rejection(Ranking.of(score, target), np.ones(14)) == pytest.approx(10)
    assert rejection(Ranking.of(np.zeros(14), target), np.ones(14)) == pytest.approx(2)  # a coin
    assert rejection(Ranking.of(score * 0 + target, target), np.ones(14)) == np.inf


def test_uncertainty_is_that_of_the_events_and_ratios_are_paired() -> None:
    rng = np.random.default_rng(3)
    target = np.repeat([0, 1], [4000, 4000]).astype(np.uint8)
    # half of the signal lies above 1.2816, and a tenth of the rest
    score = rng.normal(0, 1, 8000) + 1.2816 * target
    scores = {"one": score, "same": 3 * score, "blind": rng.normal(0, 1, 8000)}
    models, ratios = compare_rejections(
        scores, target, bootstrap_counts(np.arange(8000), 200, 1), (("one", "same"), ("one", "blind"))
    )
    one = models["one"]
    assert abs(one["value"] - 10) < 4 * one["error"]
    binomial = 10 * np.sqrt(0.9 / 400 + (0.25 / 4000) * (0.1755 / 0.3989 / 0.1) ** 2)
    assert one["error"] == pytest.approx(binomial, rel=0.3)
    assert ratios["one/same"] == {"value": 1.0, "error": 0.0}
    assert ratios["one/blind"]["value"] == pytest.approx(5, rel=0.2)


def test_without_background_there_is_no_number() -> None:
    target = np.repeat([0, 1], 20).astype(np.uint8)
    models, ratios = compare_rejections(
        {name: target * 1.0 for name in ("all", "no")},
        target,
        bootstrap_counts(np.arange(40), 10, 1),
        (("all", "no"),),
    )
    assert models["all"] == {"value": None, "error": None}
    assert ratios["all/no"] == {"value": None, "error": None}
