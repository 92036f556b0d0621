"""The published improvement over a tracker: its definition in plain loops, and what it must be by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import curve_fit

from levelone.metrics.tracker import EDGES, FEWEST, combined, improvement, resolution, straightened


def muons(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    true = rng.uniform(50, 8000, count)
    return true, 700 + 0.6 * true * np.exp(0.4 * rng.standard_normal(count))


def percentile(values: list[float], percent: float) -> float:
    """Linear interpolation between order statistics."""
    ordered = sorted(values)
    place = percent / 100 * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def by_definition(true: np.ndarray, predicted: np.ndarray) -> float:
    """The published recipe step by step: a fit of a line with scipy, then a loop over 20 bins of 195 GeV."""
    pairs = [(t, p) for t, p in zip(true.tolist(), predicted.tolist(), strict=True) if 100 <= t < 4000]
    x, y, sigma = [], [], []
    for number in range(39):
        low = 100 + number * 100
        inside = [p for t, p in pairs if low <= t < low + 100]
        x.append(low + 50)
        y.append(percentile(inside, 50))
        sigma.append((percentile(inside, 84.135) - percentile(inside, 15.865)) / 2)
    (slope, offset), _ = curve_fit(lambda e, a, b: a * e + b, x, y, p0=(1, 1), sigma=sigma)
    gain = 0.0
    for number in range(20):
        low = 100 + number * 195
        inside = [(t, (p - offset) / slope) for t, p in pairs if low <= t < low + 195]
        truth, found = ([pair[part] for pair in inside] for part in (0, 1))
        width = (percentile(found, 84.135) - percentile(found, 15.865)) / 2
        bias = percentile(found, 50) - percentile(truth, 50)
        calorimeter = (width**2 + bias**2) ** 0.5 / percentile(truth, 50)
        tracker = 0.2 * (low + 97.5) / 1000
        gain += tracker - (calorimeter**-2 + tracker**-2) ** -0.5
    return gain / 20


def test_improvement_is_the_published_recipe() -> None:
    true, predicted = muons(20_000, 1)
    assert improvement(true, predicted) == pytest.approx(by_definition(true, predicted), rel=1e-6)


def test_improvement_does_not_know_a_line() -> None:
    """Nothing is gained by answering with the middle of the range, nor by another unit."""
    true, predicted = muons(20_000, 2)
    assert improvement(true, 3000 + 0.1 * predicted) == pytest.approx(improvement(true, predicted), rel=1e-9)


def test_a_normal_response_of_30_percent() -> None:
    """Without bias the resolution is the width; with a tracker of 40 % it is 24 %."""
    rng = np.random.default_rng(3)
    true = np.repeat((EDGES[1:] + EDGES[:-1]) / 2, 10_000)
    predicted = true * (1 + 0.3 * rng.standard_normal(len(true)))
    assert np.allclose(resolution(true, predicted), 0.3, atol=0.012)
    assert combined(np.array([0.3]), np.array([0.4])) == pytest.approx([0.24])


def test_the_bias_of_the_median_counts() -> None:
    true = np.repeat((EDGES[1:] + EDGES[:-1]) / 2, 99)
    spread = np.tile(np.linspace(-0.3, 0.3, 99), 20)
    plain = resolution(true, true * (1 + spread))
    shifted = resolution(true, true * (1.4 + spread))
    assert np.allclose(shifted**2 - plain**2, 0.4**2)


def test_only_muons_of_100_to_4000_gev_count() -> None:
    true, predicted = muons(5000, 4)
    inside = (true >= 100) & (true < 4000)
    assert improvement(true, np.where(inside, predicted, 1e6)) == improvement(true, predicted)


def test_a_falling_response_is_left_alone_and_few_events_say_nothing() -> None:
    true, predicted = muons(5000, 5)
    assert np.array_equal(straightened(true, -predicted), -predicted)
    few = np.linspace(100, 4000, 20 * (FEWEST - 1), endpoint=False)
    assert np.isnan(resolution(few, few)).all()
    assert np.isnan(improvement(few, few))
