"""Lanes: how many pixels enter together, and what the layers behind make of it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from levelone.errors import LeveloneError
from levelone.graph import Graph, GraphBuilder, IntRange
from levelone.graph.ops import Concat, Conv, MaxPool, Relu, Reshape
from levelone.rtl.choosing import fewest, first_within, largest
from levelone.rtl.plan import plan_graph
from levelone.rtl.streams import Stream


@pytest.fixture(scope="module")
def graph() -> Graph:
    """An image, 8 x 12 with a channel, pooled; and a short one, 2 x 9 with two."""
    builder = GraphBuilder("two")
    builder.input("image", (8, 12, 1), Fraction(1), IntRange(-8, 7))
    builder.input("short", (2, 9, 2), Fraction(1), IntRange(0, 3))
    builder.node("pool", MaxPool((2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1)), "image")
    kernel = np.ones((1, 1, 1, 4), dtype=int)
    builder.node(
        "point", Conv(kernel, np.zeros(4, int), (Fraction(1),), (1, 1), ((0, 0),) * 2, (1, 1)), "pool"
    )
    builder.node("flat", Reshape((96,)), "point")
    builder.node("other", Reshape((36,)), "short")
    builder.node("both", Concat(0), "flat", "other")
    builder.node("end", Relu(), "both")
    return builder.build("end")


def test_one_pixel_enters_per_clock_by_default(graph: Graph) -> None:
    plan = plan_graph(graph)
    assert plan.ports == {"image": Stream(96, 1, 4, True), "short": Stream(18, 2, 2, False)}
    assert plan.layers["pool"].clocks == 96


@pytest.mark.parametrize(
    ("pixels", "clocks"), [(1, 96), (2, 48), (3, 32), (4, 24), (6, 24), (12, 11)], ids=str
)
def test_lanes_reach_every_layer_behind(graph: Graph, pixels: int, clocks: int) -> None:
    plan = plan_graph(graph, pixels=pixels)
    assert plan.ports["image"] == Stream(96 // pixels, pixels, 4, True)
    # with 6, beats of 8 codes become beats of 12 by way of 4; with 12, so many codes of each part are joined
    assert plan.clocks_per_event == clocks
    # a shorter input takes no more pixels at once than it has to
    assert plan.ports["short"].beats == max(n for n in (18, 6, 2) if n <= max(96 // pixels, 2))


def test_clocks_choose_the_pixels(graph: Graph) -> None:
    assert plan_graph(graph, 24).ports["image"].lanes == 4
    assert plan_graph(graph, 24).clocks_per_event <= 24
    wide = plan_graph(graph, 96, pixels=6)
    assert wide.ports["image"].lanes == 6
    assert wide.ports["short"].lanes == 2


def test_pixels_that_do_not_divide_a_row_are_refused(graph: Graph) -> None:
    with pytest.raises(LeveloneError, match=r"pixels_per_clock = 5: a row of image has 12 pixels") as error:
        plan_graph(graph, pixels=5)
    assert str(error.value.hint) == "choose one of 1, 2, 3, 4, 6, 12"


def test_a_way_that_regroups_counts(graph: Graph) -> None:
    plan = plan_graph(graph, 96)
    for edge in plan.edges:
        before, after = plan.stream(edge.value), plan.taken(edge)
        assert edge.clocks >= max(before.beats, after.beats)
        assert plan.clocks_per_event >= edge.clocks
    assert Stream(20, 6, 8, False).clocks_to(4) == 60


def test_the_first_that_is_quick_enough_is_chosen() -> None:
    assert first_within([1, 2, 3, 4], lambda n: 12 // n, 5) == 3
    assert first_within([4, 2, 3], lambda n: 12 * n, 5) == 2
    assert [fewest(12, 24, clocks) for clocks in (30, 12, 7, 1)] == [1, 2, 4, 12]
    assert [largest(12, 2, clocks) for clocks in (1, 2, 7, 100)] == [1, 1, 3, 12]
