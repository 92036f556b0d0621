"""Plots: figures that are the same for the same data."""

from __future__ import annotations

from levelone.report import plots
from levelone.report.svg import INK, figure, render


def test_svg_is_deterministic_and_takes_the_pages_colours() -> None:
    def draw() -> str:
        return render(plots.widths(["conv1", "logit"], [13, 9], [True, False]), "bits")

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
