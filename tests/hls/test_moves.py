"""Padding, upsampling, slices, transposes, broadcasts and concatenations: exact in both io modes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hls_graphs import break_header
from hypothesis import given
from hypothesis import strategies as st

from levelone.graph import Graph, GraphBuilder, IntRange
from levelone.graph.ops import Add, Concat, Dense, Multiply, Pad, Relu, Reshape, Take, Transpose, Upsample
from levelone.hls import HlsConfig, convert
from levelone.hls.lower import lower
from levelone.hls.operations.gather import history, schedule
from levelone.verify import Outcome, check_project, random_vectors

QUARTER, THIRD = Fraction(1, 4), Fraction(1, 3)


def gather_graph() -> Graph:
    b = GraphBuilder("gather")
    outputs = []

    def branch(name: str, shape: tuple[int, ...], *ops: Pad | Take | Transpose | Upsample) -> None:
        source = b.input(f"{name}_q", shape, QUARTER, IntRange(-8, 7))
        for number, op in enumerate(ops):
            source = b.node(f"{name}{number}", op, source)
        outputs.append(source)

    branch("zeros", (2, 3, 4, 2), Pad(((1, 2), (0, 1), (2, 0), (0, 0))))
    branch("threes", (3, 2, 2), Pad(((1, 1), (0, 2), (1, 0)), value=-3))
    branch("mirrored", (3, 4, 5, 2), Pad(((2, 1), (3, 0), (1, 2), (0, 0)), "reflect"))
    branch("mirrored_line", (6, 3), Pad(((2, 5), (0, 0)), "reflect"))
    branch("edges", (3, 2, 4, 1), Pad(((1, 2), (2, 0), (0, 3), (0, 0)), "edge"))
    branch("nearest", (2, 3, 2, 2), Upsample((2, 1, 3)), Pad(((0, 0), (1, 1), (1, 1), (0, 0)), "reflect"))
    branch("nearest_image", (3, 2, 3), Upsample((2, 2)))
    branch("some", (4, 3, 5, 4), Take(2, (0, 2, 4)), Take(3, (3, 1)), Take(0, (1, 2)))
    branch("repeated", (5, 3), Take(0, (4, 4, 0, 2)), Take(1, (2, 0, 0)))
    branch("turned", (2, 3, 4, 5), Transpose((1, 0, 2, 3)), Transpose((3, 0, 1, 2)))
    branch("vector", (7,), Take(0, (6, 0, 3)))
    return b.build(*outputs)


def merge_graph() -> Graph:
    rng = np.random.default_rng(2)
    b = GraphBuilder("merge")
    outputs = []

    def operand(name: str, shape: tuple[int, ...], scale: Fraction, reach: IntRange) -> str:
        return b.input(f"{name}_q", shape, scale, reach)

    signed, unsigned = IntRange(-8, 7), IntRange(0, 15)
    shapes = {
        "same": ((2, 3, 2, 4), (2, 3, 2, 4)),
        "gate": ((2, 3, 2, 4), (1, 1, 1, 4)),
        "map": ((2, 3, 2, 1), (2, 3, 2, 4)),
        "row": ((2, 3, 2, 4), (1, 3, 1, 4)),
        "plane": ((1, 3, 2, 1), (2, 3, 2, 4)),
        "column": ((2, 3, 1, 4), (2, 3, 2, 4)),
        "rows": ((2, 3, 2, 4), (2, 1, 2, 1)),
        "outer": ((1, 3, 4), (5, 1, 4)),
        "vector": ((6,), (6,)),
        "one": ((6,), (1,)),
    }
    for name, (left, right) in shapes.items():
        x, y = operand(f"{name}_a", left, QUARTER, signed), operand(f"{name}_b", right, THIRD, unsigned)
        outputs.append(b.node(f"{name}_product", Multiply(), x, y))
        x, y = operand(f"{name}_c", left, THIRD, signed), operand(f"{name}_d", right, THIRD, unsigned)
        outputs.append(b.node(f"{name}_sum", Add(), x, y))
    for axis in range(4):
        sizes = [(2, 3, 2, 2)] * 3
        parts = []
        for number, size in enumerate(sizes):
            shape = (*size[:axis], number + 1, *size[axis + 1 :])
            parts.append(operand(f"joined{axis}{number}", shape, QUARTER, (signed, unsigned)[number % 2]))
        outputs.append(b.node(f"joined{axis}", Concat(axis), *parts))
    # along channels the scales may differ, also for a flattened image beside a vector
    image, vector = operand("image", (2, 2, 3), QUARTER, signed), operand("features", (5,), THIRD, unsigned)
    mixed = b.node("mixed", Concat(0), b.node("flat", Reshape((12,)), b.node("lit", Relu(), image)), vector)
    outputs.append(b.node("positive", Relu(), mixed))
    again = b.node("unmixed", Take(0, tuple(range(12))), "positive")
    outputs.append(b.node("out", Dense(rng.integers(-4, 4, (12, 2)), np.zeros(2), (QUARTER,)), again))
    return b.build(*outputs)


@pytest.mark.slow
@pytest.mark.parametrize("io", ["parallel", "stream"])
@pytest.mark.parametrize("make", [gather_graph, merge_graph])
def test_moves_and_merges_are_exact(make, io: str, tmp_path: Path) -> None:
    graph = make()
    manifest = convert(graph, tmp_path / "moves", HlsConfig(io=io))
    check = check_project(manifest.project, random_vectors(graph, 200, 3), graph=graph)
    wrong = [layer for layer in check.verdict.layers if layer.mismatches]
    assert check.outcome is Outcome.EXACT, (check.verdict.reason, wrong)
    assert len(check.verdict.layers) == len(graph.nodes)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "header", "right", "wrong"),
    [
        (gather_graph, "levelone_gather.h", "recent[from][", "recent[0]["),
        (gather_graph, "levelone_gather.h", "next + 1 < CONFIG_T::history", "next + 2 < CONFIG_T::history"),
        (merge_graph, "levelone_merge.h", "code(a) * code(b)", "code(a) + code(b)"),
        (merge_graph, "levelone_merge.h", "hold[slot] = in.read()", "hold[0] = in.read()"),
        (merge_graph, "levelone_merge.h", "position >= taken", "position > taken"),
        (merge_graph, "levelone_merge.h", "out[BEGIN + j + c]", "out[j + c]"),
    ],
)
def test_a_broken_streamed_body_is_caught(make, header: str, right: str, wrong: str, tmp_path: Path) -> None:
    graph = make()
    manifest = convert(graph, tmp_path / "moves", HlsConfig(io="stream"))
    break_header(manifest, header, right, wrong)
    check = check_project(manifest.project, random_vectors(graph, 60, 3), graph=graph)
    assert check.outcome is not Outcome.EXACT


@given(st.lists(st.integers(0, 12), min_size=1, max_size=20))
def test_history_is_what_is_looked_back_on(wanted: list[int]) -> None:
    """Against keeping every beat: the oldest one that is still read when the newest has arrived."""
    newest, deepest = -1, 1
    for beat in wanted:
        if beat == 12:  # the constant
            continue
        newest = max(newest, beat)
        deepest = max(deepest, newest - beat + 1)
    assert history(np.array(wanted), 12) == deepest


@given(st.lists(st.integers(0, 12), min_size=1, max_size=20))
def test_the_schedule_gives_the_beats_and_reads_none_too_early(wanted: list[int]) -> None:
    """Run as the hardware does: a ring of `history` slots, one beat in and one out per clock at most."""
    take, slot = schedule(np.array(wanted), 12)
    ring: list[int | None] = [None] * history(np.array(wanted), 12)
    taken, given = 0, []
    for reads, where in zip(take.tolist(), slot.tolist(), strict=True):
        if reads:
            left = [beat for beat in wanted[len(given) :] if beat != 12]
            first = wanted[len(given)] if len(given) < len(wanted) else None
            assert not left or first is None or (first != 12 and taken <= first)  # needed at once
            ring[taken % len(ring)] = taken
            taken += 1
        if where < len(ring):
            assert ring[where] is not None
            given.append(ring[where])
        elif where == len(ring):
            given.append(12)
    assert given == wanted and taken == 12


def held(shape: tuple[int, ...], other: tuple[int, ...]) -> int:
    """Beats that the streamed product of two tensors keeps of the first one."""
    b = GraphBuilder("held")
    x, y = (b.input(f"{n}_q", s, QUARTER, IntRange(0, 3)) for n, s in zip("xy", (shape, other), strict=True))
    spec = lower(b.build(b.node("z", Multiply(), x, y)), HlsConfig(io="stream"))[-1]
    assert spec.body is not None
    return int(spec.body.constants["a_held"])


def test_only_what_is_repeated_at_once_is_held() -> None:
    whole = (5, 6, 7, 4)
    expected = {
        (1, 1, 1, 4): 1,
        (5, 6, 1, 4): 1,
        (5, 1, 7, 4): 7,
        (1, 6, 7, 4): 42,
        (5, 6, 7, 1): 1,
        (1, 6, 1, 4): 6,
    }
    assert {shape: held(shape, whole) for shape in expected} == expected
    assert held((1, 7, 4), (6, 7, 4)) == 7
