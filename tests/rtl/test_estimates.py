"""Look-up tables that were expected, beside those that were counted."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from levelone.graph import Graph, GraphBuilder, IntRange
from levelone.graph.ops import Add, Dense, Relu, Requantise
from levelone.rtl.config import RtlConfig
from levelone.rtl.document import RtlLayer
from levelone.rtl.estimates import estimates
from levelone.rtl.project import describe, plan_of
from levelone.rtl.unrolled.design import write_unrolled
from levelone.rtl.unrolled.plan import UnrolledPlan

UNROLLED = RtlConfig(style="unrolled", max_levels=6)


def network() -> Graph:
    """Two dense layers with activations, and a sum of their inputs beside them."""
    b = GraphBuilder("network")
    x = b.input("x", (6,), Fraction(1), IntRange(-8, 7))
    weights = np.random.default_rng(2).integers(-7, 8, (2, 6, 6))
    one = b.node("one", Dense(weights[0], np.arange(6), (Fraction(1),)), x)
    act = b.node(
        "act", Requantise((Fraction(1, 8),), (Fraction(1),), IntRange(0, 7)), b.node("lit", Relu(), one)
    )
    two = b.node("two", Dense(weights[1], np.arange(6), (Fraction(1),)), act)
    return b.build(b.node("y", Add(), two, x))


def layers() -> tuple[RtlLayer, ...]:
    plan = plan_of(network(), UNROLLED)
    assert isinstance(plan, UnrolledPlan)
    return describe(plan, write_unrolled(plan, "top"), UNROLLED, None).layers


def test_activations_are_counted_with_their_sums() -> None:
    found = layers()
    counted = {"one": 40, "lit": 2, "act": 8, "two": 50, "y": 12}
    groups = {one.layers: one for one in estimates(found, counted, 120)}
    assert set(groups) == {("one", "lit", "act"), ("two",), ("y",), ()}
    assert [one.counted for one in groups.values()] == [50, 50, 12, 120]
    whole = groups[()]
    assert whole.planned == sum(one.planned for names, one in groups.items() if names)
    assert whole.by_alkaid == sum(one.by_alkaid for names, one in groups.items() if names)
    assert whole.planned_ratio == round(whole.planned / 120, 3)


def test_a_port_with_one_reader_is_counted_to_it() -> None:
    builder = GraphBuilder("ports")
    for name in ("a", "b"):
        builder.input(name, (2,), Fraction(1), IntRange(-8, 7))
    builder.node("both", Add(), "a", "b")
    graph = builder.build(builder.node("again", Add(), "both", "a"))
    plan = plan_of(graph, UNROLLED)
    assert isinstance(plan, UnrolledPlan)
    found = describe(plan, write_unrolled(plan, "top"), UNROLLED, None).layers
    groups = {
        one.layers: one.counted for one in estimates(found, {"a": 3, "b": 5, "both": 7, "again": 11}, 30)
    }
    assert groups == {("both",): 12, ("again",): 11, (): 30}


def test_alkaid_counts_the_adders_of_products_alone() -> None:
    by_name = {layer.name: layer for layer in layers()}
    for name in ("one", "two"):
        layer = by_name[name]
        assert layer.lut is not None and layer.adder_lut is not None and layer.alkaid_lut is not None
        assert 0 < layer.adder_lut <= layer.lut
        # both count bits of the same adders, so that neither is far from the other
        assert 0.7 < layer.adder_lut / layer.alkaid_lut < 1.4
    assert {by_name[name].alkaid_lut for name in ("lit", "y")} == {0}


def test_a_streamed_design_has_no_estimates() -> None:
    (layer, *_) = layers()
    streamed = layer.model_copy(update={"lut": None, "adder_lut": None, "alkaid_lut": None})
    assert estimates([streamed], {"one": 3}, 3) == ()
