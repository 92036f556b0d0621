"""Estimated clocks: what follows from the loops, and what is only assumed."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import hls_graphs as graphs
import numpy as np
import pytest

from levelone.errors import UnsupportedError
from levelone.graph import Graph, GraphBuilder, IntRange, read_qonnx
from levelone.graph.ops import Dense, Relu, Reshape
from levelone.hls import HlsConfig
from levelone.hls.config import LayerChoice
from levelone.hls.latency import estimate
from levelone.hls.latency.stages import ENDS

COMMITTED = Path(__file__).parents[2] / "hls_projects"
STREAM = HlsConfig(io="stream")


def test_a_stream_takes_a_clock_per_pixel_and_what_its_slowest_layer_needs() -> None:
    found = estimate(read_qonnx(COMMITTED / "pixelseed/model.onnx"), STREAM)
    layers = {layer.name: layer for layer in found.layers}
    assert found.bottleneck == "conv1" and layers["conv1"].ticks == 64
    assert found.interval == layers["conv1"].interval == 64 + layers["conv1"].stages
    # nothing ends before what it reads has, and the last result is the latency
    assert found.latency == layers["logit"].ends > layers["conv1"].ends > 63
    assert found.to_dict()["kind"] == "estimated"
    assert found.to_dict()["latency_ns"] == found.latency * 2.78


def test_an_unrolled_design_takes_an_event_per_clock_or_per_reuse_factor() -> None:
    graph = read_qonnx(COMMITTED / "pixelseed/model.onnx")
    once, shared = estimate(graph, HlsConfig()), estimate(graph, HlsConfig(reuse_factor=4))
    assert (once.style, once.interval, shared.interval) == ("pipeline", 1, 4)
    # every layer that multiplies waits three clocks more; `prior` is ready long before what it is added to
    multiplying = sum(type(node.op).__name__ in ("Conv", "Dense") for node in graph if node.name != "prior")
    assert shared.latency == once.latency + 3 * multiplying
    slower = estimate(graph, HlsConfig(clock_ns=20.0))
    assert slower.latency < once.latency and slower.usable_ns == pytest.approx(20 * 0.73)


def row(length: int) -> Graph:
    b = GraphBuilder("row")
    x = b.input("x_q", (length, 2), Fraction(1), IntRange(-8, 7))
    return b.build(b.node("out", graphs.dense(np.random.default_rng(1), 2, 3), b.node("lit", Relu(), x)))


def test_a_reuse_factor_stretches_what_shares_multipliers_only() -> None:
    config = STREAM.model_copy(update={"layers": {"out": LayerChoice(reuse_factor=3)}})
    plain, shared = estimate(row(40), STREAM), estimate(row(40), config)
    assert [layer.ticks for layer in plain.layers] == [40, 40]
    assert plain.interval == 40 + plain.layers[1].stages
    assert shared.interval == 39 * 3 + 1 + shared.layers[1].stages
    assert shared.layers[0] == plain.layers[0]
    assert estimate(row(40), config, {"out": 5}).interval == 39 * 5 + 1 + shared.layers[1].stages
    # the last beat arrives with clock 39 and passes both pipelines; shared, the third clock counts
    assert plain.latency == 39 + sum(layer.stages for layer in plain.layers)
    assert shared.latency == plain.layers[0].stages + 39 * 3 + shared.layers[1].stages


def test_a_vector_waits_for_all_of_its_beats() -> None:
    b = GraphBuilder("vector")
    x = b.input("x_q", (4,), Fraction(1), IntRange(-8, 7))
    graph = b.build(b.node("out", Dense(np.ones((4, 2)), np.zeros(2), (Fraction(1),)), x))
    (layer,) = estimate(graph, STREAM).layers
    assert layer.ends == 1 + layer.stages + ENDS


def test_a_view_of_a_stream_of_several_readers_waits_for_its_copy() -> None:
    def flattened(readers: int) -> Graph:
        b = GraphBuilder("readers")
        x = b.node("lit", Relu(), b.input("x_q", (6, 2), Fraction(1), IntRange(-8, 7)))
        flat = b.node("flat", Reshape((12,)), x)
        out = b.node("out", Dense(np.ones((12, 2)), np.zeros(2), (Fraction(1),)), flat)
        return b.build(out, *[b.node(f"more{i}", Relu(), x) for i in range(readers - 1)])

    alone, beside = (
        {layer.name: layer for layer in estimate(flattened(readers), STREAM).layers} for readers in (1, 2)
    )
    copy = beside["lit copied"]
    assert copy.begins == beside["lit"].begins + beside["lit"].stages
    # the copy's first tick is the only time that it adds
    assert beside["out"].ends == alone["out"].ends + copy.stages
    assert beside["out"].begins == alone["out"].begins + copy.stages


def test_loops_of_other_distributions_are_unknown() -> None:
    config = STREAM.model_copy(
        update={"layers": {"lit": LayerChoice(body="outside_lowering:lower_rectifier")}}
    )
    with pytest.raises(UnsupportedError, match="lit: nothing is known of the loops of"):
        estimate(row(4), config)
