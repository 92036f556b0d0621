"""Panels of a system: what is drawn is what was given, and the page holds it."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from levelone.panels import Axes, Card, Density, Images, Lines, Maps, Rows, Series, SideBySide
from levelone.report import panels as drawing
from levelone.report.content import Content
from levelone.report.page import build_page
from levelone.report.picture import write_pictures
from levelone.report.svg import render

X = np.linspace(1, 10, 5)
LINES = Lines(
    "A title",
    "A caption",
    Axes("energy [GeV]", "resolution", "log", "linear", (1, 10), (0, 1)),
    (
        Series("float", X, 1 / X, X / 100),
        Series("another model", X, 0.5 / X, style="dashed"),
        Series("spread", np.linspace(0, 1, 6), X, style="steps"),
        Series("dots", X, X / 20, style="points"),
    ),
)
DENSITY = Density(
    "Predicted",
    "c",
    Axes("true", "predicted"),
    np.eye(4) * 7,
    np.arange(5.0),
    np.arange(5.0) * 2,
    diagonal=True,
)
IMAGES = Images("Events", "c", np.arange(24.0).reshape(2, 3, 4), ("one", "two"), "keV")
ROWS = Rows("Numbers", "a <caption>", ("model", "value"), (("quantised", "1.5 ± 0.1"), ("<b>", "2")), (1,))


def test_images_of_the_same_events_stand_side_by_side() -> None:
    images = np.arange(24.0).reshape(2, 3, 4)
    places = (np.array([[0.5, 0.5], [3.0, 2.0]]), np.zeros((0, 2)))
    columns = (
        Maps("seen", "ADU", images, "log", places),
        Maps("quantised", "chance", images / 24),
        Maps("difference", "chance", images - 10, "signed"),
    )
    panel = SideBySide("Answers", "c", columns, ("one", "two"), Axes("x", "y"))
    figure = drawing.draw(panel)
    shown = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title() for axes in shown[:3]] == ["seen", "quantised", "difference"]
    drawn = [np.ma.getdata(axes.images[0].get_array()) for axes in shown]
    assert all(np.array_equal(drawn[n], columns[n % 3].images[n // 3]) for n in range(6))
    assert [axes.images[0].get_clim() for axes in shown[3:]] == [(1, 23), (0, 23 / 24), (-13, 13)]
    assert np.array_equal(np.stack(shown[0].lines[0].get_data(), axis=1), places[0])
    page = build_page(Content("s", "t", "c", "r", metrics={}, panels=(panel,)))
    assert page.count("<figure>") == 1


@pytest.mark.parametrize("columns", [3, 5])
def test_titles_of_columns_stand_apart_and_inside(columns: int) -> None:
    """Also long ones, as "library of simulated showers, scaled", above a single row of square images."""
    names = ["seen", *["what is known of nothing else, scaled"] * (columns - 1)]
    shown = tuple(Maps(name, "GeV", np.ones((1, 8, 8))) for name in names)
    figure = drawing.draw(SideBySide("T", "c", shown, ("all",), Axes("x", "y")))
    render(figure, "t")  # lays it out
    boxes = [axes.title.get_window_extent() for axes in figure.axes if axes.images]
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))
    assert all(figure.bbox.y0 < box.y0 and box.y1 <= figure.bbox.y1 for box in boxes)
    assert boxes[-1].x1 <= figure.bbox.x1


def test_names_of_low_rows_stand_apart() -> None:
    """As those of neutrinos in a long detector."""
    columns = tuple(Maps(view, "MeV", np.ones((2, 10, 44))) for view in ("x-z", "y-z"))
    labels = ("νμ CC, inelastic, 2.3 GeV", "νμ CC, inelastic, 1.8 GeV")
    figure = drawing.draw(SideBySide("T", "c", columns, labels, Axes("along (cm)", "across (cm)")))
    render(figure, "t")  # lays it out
    above, below = (axes.yaxis.label.get_window_extent() for axes in (figure.axes[0], figure.axes[2]))
    assert below.y1 < above.y0


def test_curves_are_those_of_the_series() -> None:
    figure = drawing.lines(LINES)
    axes = figure.axes[0]
    assert (axes.get_xscale(), axes.get_xlim(), axes.get_ylim()) == ("log", (1, 10), (0, 1))
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == (
        "energy [GeV]",
        "resolution",
        "A title",
    )
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert sorted(names) == ["another model", "dots", "float twin", "spread"]
    drawn = [line for line in axes.lines if len(line.get_ydata()) == 5]
    assert any(np.array_equal(line.get_ydata(), 1 / X) for line in drawn)
    colours = {container.lines[0].get_color() for container in axes.containers}
    assert len(colours) == 3


def test_points_of_models_stand_beside_each_other_and_their_fits_in_the_same_colour() -> None:
    x = np.array([10.0, 100.0, 1000.0])
    fit = (np.geomspace(10, 1000, 7), np.full(7, 0.5))
    shown = tuple(Series(name, x, x / 50, x / 500, "points", fit) for name in ("float", "quantised", "sums"))
    axes = drawing.lines(Lines("t", "c", Axes("x", "y", "log", "log"), shown)).axes[0]
    places = [container.lines[0].get_xdata() for container in axes.containers]
    assert np.array_equal(places[1], x)
    assert np.all(places[0] < x) and np.all(places[2] > x)
    np.testing.assert_allclose(places[2] / x, places[2][0] / x[0])
    np.testing.assert_allclose(places[2], x, rtol=0.1)
    curves = [line for line in axes.lines if len(line.get_xdata()) == 7]
    assert [line.get_color() for line in curves] == [c.lines[0].get_color() for c in axes.containers]
    assert all(np.array_equal(line.get_ydata(), fit[1]) for line in curves)


def test_a_long_title_is_wrapped() -> None:
    figure = drawing.lines(Lines("many words " * 12, "c", Axes("x", "y"), LINES.series))
    assert max(map(len, figure.axes[0].get_title().splitlines())) <= 56


def test_nothing_positive_is_drawn_without_a_logarithm() -> None:
    empty = np.zeros(0)
    none = Lines("t", "c", Axes("x", "y", "log", "log"), (Series("float", empty, empty, empty, "points"),))
    zeros = Lines("t", "c", Axes("x", "y", "log", "log"), (Series("float", X, 0 * X),))
    for panel in (none, zeros):
        figure = drawing.draw(panel)
        render(figure, "nothing")
        assert figure.axes[0].get_yscale() == "linear"


def test_short_logarithmic_axes_are_labelled_with_plain_numbers() -> None:
    figure = drawing.lines(LINES)
    figure.draw_without_rendering()
    texts = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    assert {"1", "2", "5", "10"} <= set(texts)
    assert not any(tick.get_text() for tick in figure.axes[0].get_xticklabels(minor=True))


def test_a_density_shows_the_counts_where_they_are() -> None:
    mesh = drawing.density(DENSITY).axes[0].collections[0]
    counts = mesh.get_array()
    assert counts.shape == (4, 4)
    assert np.ma.count(counts) == 4
    assert counts.max() == 7
    assert mesh.get_coordinates()[0, -1].tolist() == [4.0, 0.0]
    assert mesh.get_coordinates()[-1, 0].tolist() == [0.0, 8.0]


def test_images_leave_empty_voxels_white() -> None:
    fig = drawing.images(IMAGES)
    first = fig.axes[0].images[0].get_array()
    assert first.mask[0, 0]
    assert np.ma.count(first) == 11
    assert [axes.get_title() for axes in fig.axes[:2]] == ["one", "two"]


def test_images_are_to_scale_from_the_given_threshold() -> None:
    events = Images(
        "t", "c", IMAGES.images, ("one", "two"), "keV", Axes("z (mm)", "x (mm)"), (5.0, 10.0), smallest=2.0
    )
    first = drawing.images(events).axes[0]
    assert (first.get_xlim(), first.get_ylim(), first.get_aspect()) == ((0, 20), (0, 30), 1.0)
    assert (first.get_xlabel(), first.get_ylabel()) == ("z (mm)", "x (mm)")
    assert first.images[0].norm.vmin == 2.0
    assert first.images[0].norm.vmax == 23.0


def test_long_strips_lie_one_above_the_other() -> None:
    strips = Images("t", "c", np.ones((3, 2, 20)), ("a", "b", "c"), "GeV")
    axes = drawing.images(strips).axes[:3]
    assert {one.get_aspect() for one in axes} == {"auto"}
    assert [one.get_subplotspec().rowspan.start for one in axes] == [0, 1, 2]


def test_zoomed_images_show_all_that_is_filled_at_one_size() -> None:
    images = np.zeros((3, 20, 30))
    images[0, 2:5, 3:12] = 1  # 3 rows, 9 columns
    images[1, 10:17, 28:30] = 1  # 7 rows, at the right border
    events = Images("t", "c", images, ("a", "b", "c"), "keV", cell=(5.0, 10.0), zoom=True)  # c: empty
    axes = drawing.images(events).axes[:3]
    for one, (left, right, bottom, top) in zip(axes, [(15, 60, 20, 50), (140, 150, 100, 170)], strict=False):
        assert one.get_xlim()[0] <= left and one.get_xlim()[1] >= right
        assert one.get_ylim()[0] <= bottom and one.get_ylim()[1] >= top
    for one in axes:
        assert np.diff(one.get_xlim()) == 11 * 5 and np.diff(one.get_ylim()) == 9 * 10
        assert one.get_xlim()[0] >= 0 and one.get_xlim()[1] <= 150
        assert one.get_ylim()[0] >= 0 and one.get_ylim()[1] <= 200


def test_a_density_of_few_events_has_plain_numbers() -> None:
    figure = drawing.density(DENSITY)
    figure.draw_without_rendering()
    texts = [tick.get_text() for tick in figure.axes[1].get_yticklabels()]
    assert {"1", "2", "5"} <= set(texts)


def test_empty_data_can_be_drawn() -> None:
    render(drawing.draw(Lines("t", "c", Axes("x", "y"), ())), "nothing")
    blank = Density("t", "c", Axes("x", "y"), np.zeros((2, 2)), np.arange(3.0), np.arange(3.0))
    render(drawing.draw(blank), "nothing")
    render(drawing.draw(Images("t", "c", np.zeros((1, 3, 3)), ("x",), "u")), "nothing")


def test_tables_name_models_and_escape_everything_else() -> None:
    text = drawing.table(ROWS)
    assert "<td>quantised</td>" in text
    assert "&lt;b&gt;" in text
    assert "a &lt;caption&gt;" in text


@pytest.fixture(scope="module")
def page() -> str:
    curve = {
        "epochs": [{"epoch": 0, "train_loss": 1.0, "validation_loss": 1.1}],
        "best_epoch": 0,
        "stopped": "epochs",
    }
    return build_page(
        Content(
            "toy",
            "A toy",
            "levelone run toy",
            "",
            metrics={"models": {"float": {}}, "data": {"file": "x.h5"}},
            curves={"float": curve},
            panels=(LINES, DENSITY, ROWS),
            cards=(Card("12.3 ± 0.4 %", "resolution <100 GeV"),),
            example_panels=(IMAGES,),
        )
    )


@pytest.mark.parametrize(
    "words", ["12.3 ± 0.4 %", "resolution &lt;100 GeV", "A caption", "1.5 ± 0.1", "Learning curves", "x.h5"]
)
def test_the_page_holds_cards_panels_and_examples(page: str, words: str) -> None:
    assert words in page


def test_the_page_says_nothing_of_doublets_by_itself(page: str) -> None:
    for words in ("doublet", "layer pair", "fakes", "true and fake"):
        assert words not in page
    assert page.count("<svg") == 4  # examples, learning curve, two drawn panels


def test_plots_stand_in_pairs_and_tables_alone(page: str) -> None:
    pairs = re.findall(r"<div class=pair>(.*?</figure>)</div>", page, re.DOTALL)
    assert [pair.count("<figure>") for pair in pairs] == [2]
    assert "<table" not in pairs[0]


def test_a_float_only_run_shows_one_learning_curve(page: str) -> None:
    assert "float twin: best epoch 1" in page
    assert "quantised: best epoch" not in page


def test_what_a_finished_voxel_run_publishes(tmp_path: Path) -> None:
    from levelone.pipeline.job import plan
    from levelone.pipeline.publishing import _portable

    own = plan("next", folder=tmp_path / "run")
    assert own.generated
    assert own.data == tmp_path / "run" / "events.h5"
    assert _portable(own) == "sample"
    (tmp_path / "mine.h5").touch()
    other = plan("next", folder=tmp_path / "run", data=tmp_path / "mine.h5")
    assert not other.generated
    assert _portable(other) == "mine.h5"


def test_pictures_are_the_drawn_panels(tmp_path: Path) -> None:
    content = Content("toy", "A toy", "", "", panels=(LINES, ROWS, DENSITY), example_panels=(IMAGES,))
    written = write_pictures(content, tmp_path)
    assert [path.name for path in written] == ["toy-events.svg", "toy-a-title.svg", "toy-predicted.svg"]
    assert all("<svg" in path.read_text(encoding="utf-8") for path in written)


def test_a_legend_with_long_names_stays_inside_the_picture():
    name = "boosting, features and layer sums, loss for the study's improvement"
    shown = Lines(
        "T", "c", Axes("x", "y"), (Series("leak control, bits alone", X, X), Series(name, X, 2 * X))
    )
    fig = drawing.draw(shown)
    fig.canvas.draw()
    legend, picture = fig.legends[0].get_window_extent(), fig.bbox
    assert picture.x0 <= legend.x0 and legend.x1 <= picture.x1


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        ([0.0, 2.0, 40.0], (2, 40)),  # nothing lies below, and no colour is spent on it
        ([1e-6, 2.0, 40.0], (0.04, 40)),  # three decades at most
        ([0.0, 5.0, 5.0], (0.5, 5)),
        ([0.0, 0.0, 0.0], (0.1, 1)),
    ],
)
def test_logarithmic_colours_start_at_the_smallest_value_above_zero(
    values: list[float], limits: tuple[float, float]
) -> None:
    shown = np.array([[values]])
    maps = drawing.draw(SideBySide("T", "c", (Maps("m", "MeV", shown, "log"),), ("all",)))
    for figure in (maps, drawing.draw(Images("T", "c", shown, ("all",), "MeV"))):
        assert figure.axes[0].images[0].get_clim() == pytest.approx(limits)
        render(figure, "t")


def test_short_logarithmic_colours_have_plain_numbers() -> None:
    shown = np.array([[[2.0, 40.0]]])
    figure = drawing.draw(SideBySide("T", "c", (Maps("m", "MeV", shown, "log"),), ("all",)))
    figure.draw_without_rendering()
    assert {"2", "5", "10", "20"} <= {tick.get_text() for tick in figure.axes[1].get_xticklabels()}


def test_places_are_told_from_the_origin() -> None:
    images = np.zeros((1, 4, 6))
    images[0, 1, 2] = 1
    where = {"cell": (0.1, 0.5), "origin": (-0.3, -1.0)}
    maps = SideBySide("T", "c", (Maps("m", "GeV", images),), ("all",), **where)
    whole = (-0.3, 0.3, -1.0, 1.0)
    for panel in (maps, Images("T", "c", images, ("all",), "GeV", **where)):
        assert drawing.draw(panel).axes[0].images[0].get_extent() == pytest.approx(whole)
    zoomed = drawing.draw(Images("T", "c", images, ("all",), "GeV", zoom=True, **where)).axes[0]
    assert zoomed.get_xlim() == pytest.approx((-0.2, 0.1))  # the pixel, and one to either side
    assert zoomed.get_ylim() == pytest.approx((-1.0, 0.5))


def test_limits_are_kept_and_what_is_no_number_is_empty() -> None:
    images = np.array([[[np.nan, 0.2, 0.6]]])
    columns = (
        Maps("m", "chance", images, limits=(0.0, 1.0)),
        Maps("d", "chance", images - 0.5, "signed"),
    )
    figure = drawing.draw(SideBySide("T", "c", columns, ("all",)))
    first, second = (axes.images[0] for axes in figure.axes[:2])
    assert first.get_clim() == (0, 1)
    assert second.get_clim() == pytest.approx((-0.3, 0.3))
    assert np.ma.getmaskarray(first.get_array()).tolist() == [[True, False, False]]


def test_one_pixel_does_not_hide_the_others() -> None:
    """A hundredth of the largest difference is pale among linear colours, and a third of the way here."""
    images = np.zeros((1, 8, 8))
    images[0, 4, 4], images[0, 0, 0], images[0, 0, 1] = 50.0, 0.5, -0.5
    panel = SideBySide("T", "c", (Maps("d", "GeV", images, "signed log"),), ("all",), Axes("x", "y"))
    (shown,) = drawing.draw(panel).axes[0].images
    zero, little, less, most = shown.norm([0.0, 0.5, -0.5, 50.0])
    assert zero == pytest.approx(0.5)
    assert most == pytest.approx(1)
    assert little > 0.6
    assert less < 0.4
