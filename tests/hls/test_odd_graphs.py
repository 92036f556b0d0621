"""Graphs that are unusual in shape rather than in arithmetic: exact in both io modes."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import hls_graphs as graphs
import numpy as np
import pytest

from levelone.graph import Graph, GraphBuilder, IntRange
from levelone.graph.ops import Add, AveragePool, Concat, Conv, MaxPool, Multiply, Relu, Reshape, Transpose
from levelone.hls import HlsConfig, convert
from levelone.verify import Outcome, check_project, random_vectors

QUARTER, S4, NONE = Fraction(1, 4), IntRange(-8, 7), ((0, 0), (0, 0))


def views() -> Graph:
    """Reshapes as outputs: of a port, an output, each other, twice of the same; beats that do not divide."""
    b = GraphBuilder("views")
    x = b.input("x_q", (3, 4, 2), QUARTER, S4)
    y = b.input("y_q", (6, 4), QUARTER, IntRange(0, 15))
    one = b.input("one_q", (1,), QUARTER, S4)
    lit = b.node("lit", Relu(), x)
    outputs = [
        b.node("port_view", Reshape((24,)), x),
        lit,
        b.node("lit_view", Reshape((24,)), lit),
        b.node("lit_again", Reshape((2, 12)), lit),
        b.node("view_of_view", Reshape((6, 4)), "lit_again"),
        b.node("regrouped", Reshape((4, 6)), y),
        b.node("odd", Reshape((8, 3)), "regrouped"),
        b.node(
            "seven_axes", Transpose((6, 0, 3, 1, 5, 2, 4)), b.node("split", Reshape((1, 2, 3, 1, 2, 1, 2)), y)
        ),
        b.node("one_view", Reshape((1, 1, 1, 1)), one),
        b.node("added", Add(), b.node("port_image", Reshape((6, 4)), x), y),
        b.node("identity", Transpose((0, 1)), y),
        b.node("identity_image", Transpose((0, 1, 2)), x),
    ]
    return b.build(*outputs)


def twins() -> Graph:
    """The same tensor as both operands, and outputs that are read further."""
    b = GraphBuilder("twins")
    x = b.input("x_q", (2, 2, 3, 2), QUARTER, S4)
    doubled = b.node("doubled", Add(), x, x)
    squared = b.node("squared", Multiply(), doubled, doubled)
    joined = b.node("joined", Concat(3), squared, squared)
    tripled = b.node("tripled", Concat(1), squared, squared, squared)
    flat = b.node("flat", Reshape((24,)), doubled)
    row = b.node("row", Concat(0), flat, flat)
    last = b.node("last", Relu(), joined)
    return b.build(doubled, squared, joined, tripled, row, last)


def padded_after_a_quantiser() -> Graph:
    """What reads what was just rounded and clipped: padding and transposes take over that type."""
    rng = np.random.default_rng(4)
    b = GraphBuilder("padded")
    outputs = []
    for number, clip in enumerate((IntRange(0, 15), S4, IntRange(-7, 7), IntRange(-200, 200))):
        x = b.input(f"x{number}_q", (5, 4, 2), QUARTER, IntRange(-64, 63))
        q = b.requantise(f"q{number}", x, Fraction(1, 2), clip)
        outputs.append(b.node(f"conv{number}", graphs.conv(rng, 2, 2, (3, 3), (2, 1), ((1, 1), (0, 2))), q))
        outputs.append(b.node(f"turned{number}", Transpose((2, 0, 1)), q))
        outputs.append(b.node(f"pool{number}", MaxPool((2, 2), (2, 2), ((1, 0), (0, 1)), (1, 1)), q))
    line = b.input("line_q", (9, 2), QUARTER, IntRange(-64, 63))
    q = b.requantise("line", line, Fraction(1, 2), S4)
    outputs.append(b.node("conv_line", graphs.conv(rng, 2, 3, (3,), (1,), ((2, 1),)), q))
    return b.build(*outputs)


def single_positions() -> Graph:
    """Grids of one position, kernels as large as the input, strides and padding larger than the kernel."""
    rng = np.random.default_rng(6)
    b = GraphBuilder("single")
    point = b.input("point_q", (1, 1, 1, 3), QUARTER, S4)
    whole = b.input("whole_q", (2, 3, 2, 2), QUARTER, S4)
    image = b.input("image_q", (3, 4, 2), QUARTER, S4)
    none, wide = ((0, 0),) * 3, ((3, 0), (0, 3), (2, 2))
    outputs = [
        b.node("point", graphs.conv(rng, 3, 2, (1, 1, 1), (1, 1, 1), none), point),
        b.node("around", graphs.conv(rng, 3, 2, (2, 1, 3), (3, 2, 1), wide), point),
        b.node("whole", graphs.conv(rng, 2, 3, (2, 3, 2), (5, 5, 5), none), whole),
        b.node("skipping", graphs.conv(rng, 2, 2, (1, 1, 1), (2, 3, 2), wide), whole),
        b.node("image", graphs.conv(rng, 2, 2, (3, 4), (1, 1), ((0, 0), (0, 0))), image),
        b.node("far", graphs.conv(rng, 2, 2, (1, 2), (3, 3), ((2, 0), (3, 3))), image),
        b.node("most", MaxPool((2, 3, 2), (2, 3, 2), none, (1, 1, 1)), whole),
    ]
    return b.build(*outputs)


def means() -> Graph:
    """Averages over two, four and eight elements of tensors with any scale: sums, never shifted."""
    b = GraphBuilder("means")
    third = b.input("third_q", (4, 4, 2), Fraction(1, 3), S4)
    line = b.input("line_q", (8, 3), (Fraction(1, 3), Fraction(1, 4), Fraction(1, 5)), IntRange(-12, -3))
    none = ((0, 0), (0, 0))
    outputs = [
        b.node("image", AveragePool((2, 2), (2, 2), none, (1, 1)), third),
        b.node("padded", AveragePool((4, 2), (4, 2), ((2, 2), (1, 1)), (1, 1)), third),
        b.node("line", AveragePool((4,), (3,), ((2, 2),), (1,)), line),
        b.node("whole", AveragePool((4, 4), (4, 4), none, (1, 1)), third),
    ]
    return b.build(*outputs)


GRAPHS: dict[str, Callable[[], Graph]] = {
    "views": views,
    "twins": twins,
    "padded after a quantiser": padded_after_a_quantiser,
    "means": means,
    "single positions": single_positions,
}


@pytest.mark.slow
@pytest.mark.parametrize("io", ["parallel", "stream"])
@pytest.mark.parametrize("name", GRAPHS)
def test_odd_graphs_are_exact(name: str, io: str, tmp_path: Path) -> None:
    graph = GRAPHS[name]()
    manifest = convert(graph, tmp_path / "odd", HlsConfig(io=io))
    check = check_project(manifest.project, random_vectors(graph, 200, 3), graph=graph)
    wrong = [layer for layer in check.verdict.layers if layer.mismatches]
    assert check.outcome is Outcome.EXACT, (check.verdict.reason, wrong)
    # a mere view of a port has nothing to record
    views_of_ports = {"split", "port_image"} if io == "parallel" and name == "views" else set()
    assert {layer.name for layer in check.verdict.layers} == {n.name for n in graph} - views_of_ports


@pytest.mark.slow
@pytest.mark.parametrize(("io", "reuse"), [("parallel", 40), ("stream", 3)])
def test_shared_multipliers(reuse: int, io: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    b = GraphBuilder("depthwise")
    x = b.input("x_q", (5, 4, 3), QUARTER, S4)
    weights = rng.integers(-4, 4, (3, 3, 1, 3))
    op = Conv(weights, rng.integers(-9, 9, 3), (QUARTER,), (1, 2), ((1, 1), (1, 1)), (1, 1), 3)
    outputs = [b.node("depthwise", op, x), b.node("image", graphs.conv(rng, 3, 2, (2, 2), (1, 1), NONE), x)]
    line = b.input("line_q", (6, 3), QUARTER, S4)
    outputs.append(b.node("line", graphs.conv(rng, 3, 2, (3,), (1,), ((1, 1),)), line))
    outputs.append(b.node("dense", graphs.dense(rng, 3, 4), b.input("vector_q", (3,), QUARTER, S4)))
    graph = b.build(*outputs)
    config = HlsConfig(io=io, strategy="resource", reuse_factor=reuse)
    manifest = convert(graph, tmp_path / "depthwise", config)
    check = check_project(manifest.project, random_vectors(graph, 200, 3), graph=graph)
    assert check.outcome is Outcome.EXACT, check.verdict.reason
