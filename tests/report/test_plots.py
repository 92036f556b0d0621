"""Plots: the curve against scikit-learn, figures that are the same for the same data."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_curve as reference_curve

from levelone.report import plots
from levelone.report.svg import INK, figure, render


@pytest.fixture
def scored() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    target = (rng.random(3000) < 0.3).astype(np.uint8)
    score = np.round(rng.normal(size=3000) + target, 1)  # many equal scores
    return score, target, rng.random(3000) + 0.1


@pytest.mark.parametrize("weighted", [False, True])
def test_roc_curve_is_scikit_learns(scored, weighted: bool) -> None:
    score, target, weight = scored
    weights = weight if weighted else None
    background, signal = plots.roc_curve(score, target, weights)
    x, y, _ = reference_curve(target, score, sample_weight=weights, drop_intermediate=False)
    np.testing.assert_allclose(background, x, atol=1e-12)
    np.testing.assert_allclose(signal, y, atol=1e-12)


def test_thinned_curve_keeps_both_ends_and_the_working_points() -> None:
    background = np.sort(np.random.default_rng(1).random(50_000))
    kept = background[plots._thin(background)]
    assert kept[0] == background[0]
    assert kept[-1] == background[-1]
    for point in (0.5, 0.25, 0.1, 0.01):
        assert np.abs(kept - point).min() < 0.02 * point


def test_hit_pairs_draws_every_pair_it_has() -> None:
    images = np.zeros((5, 2, 16, 16), np.float32)
    images[:, :, 8, 8] = 20
    target = np.array([1, 1, 0, 1, 0], np.uint8)
    fig = plots.hit_pairs(images, target, ("inner hit", "outer hit"), per_class=2)
    titles = [axes.get_title(loc="left") for axes in fig.axes if axes.get_title(loc="left")]
    assert titles == ["true 1", "true 2", "fake 1", "fake 2"]
    assert sum(len(axes.images) for axes in fig.axes) == 8


def test_histogram_survives_constant_scores() -> None:
    target = np.array([0, 1, 1], np.uint8)
    fig = plots.score_histograms({"float": np.zeros(3)}, target)
    assert "float twin" in render(fig, "scores")


def test_svg_is_deterministic_and_takes_the_pages_colours(scored) -> None:
    score, target, _ = scored

    def draw() -> str:
        return render(plots.score_histograms({"quantised": score}, target), "scores")

    first = draw()
    assert first == draw()
    assert INK not in first
    assert "currentColor" in first
    assert "<metadata>" not in first


def test_render_scales_with_its_column() -> None:
    text = render(figure(4, 2), "nothing")
    head = text[: text.index(">")]
    assert "viewBox" in head
    assert "width=" not in head
    assert 'aria-label="nothing"' in head


def test_learning_curves_count_epochs_from_one() -> None:
    def curve(epochs: int) -> dict:
        losses = [
            {"epoch": n, "train_loss": 1 / (n + 1), "validation_loss": 2 / (n + 1)} for n in range(epochs)
        ]
        return {"epochs": losses, "best_epoch": epochs - 1, "stopped": "epochs"}

    fig = plots.learning_curves({"float": curve(3), "quantised": curve(1)})
    fig.draw_without_rendering()
    three, one = fig.axes
    assert three.lines[0].get_xdata().tolist() == [1, 2, 3]
    assert three.lines[2].get_xdata() == [3, 3]  # the best epoch
    assert [tick.get_text() for tick in one.get_xticklabels() if 0.5 <= tick.get_position()[0] <= 1.5] == [
        "1"
    ]
