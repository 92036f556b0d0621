"""Every operation, streamed, against its meaning: random shapes, strides, pads, widths, signs, folding."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from rtl_designs import EVENTS, build, build_unrolled, busiest, codes_of, many, steady

from levelone.graph import GraphBuilder, IntRange
from levelone.graph.operation import Op
from levelone.graph.ops import (
    OPERATIONS,
    Add,
    AveragePool,
    Concat,
    Conv,
    LocallyConnected,
    MaxPool,
    Transpose,
)
from levelone.graph.values import Value
from levelone.rtl.design import write_design
from levelone.rtl.library import BLOCKS
from levelone.rtl.operations import FAMILIES
from levelone.rtl.plan import plan_graph
from levelone.rtl.simulation import Traffic

GROUPS = {
    "sums": ("Conv", "Dense", "LocallyConnected"),
    "pools": ("AveragePool", "MaxPool"),
    "pointwise": ("Affine", "ElementAffine", "Lookup", "Power", "Relu", "Requantise", "Staircase"),
    "merges": ("Add", "AddRequantise", "Concat", "MatMul", "Multiply"),
    "moves": ("Pad", "Reshape", "Take", "Transpose", "Upsample"),
}
SLACK = 3
"""Clocks by which the planned latency of a network of a few clocks may be wrong."""
ROUGH = Traffic(gaps=0.3, stalls=0.3, seed=5, resets=(7, 19, 40, 3, 77, 50, 21, 11))


def test_every_operation_is_streamed_and_tested() -> None:
    assert set(FAMILIES) == set(OPERATIONS.values())
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(OPERATIONS)


@pytest.mark.parametrize("clocks", [None, 20, 4, 1])
def test_every_plan_comes_to_its_last_beat(clocks: int | None) -> None:
    for name in OPERATIONS:
        graph, _ = many([name], range(3))
        latency = plan_graph(graph, clocks).latency
        assert min(latency.latency_clocks.values()) >= 0
        assert latency.latency_clocks.keys() == latency.after_last_clocks.keys() == set(graph.outputs)


def test_of_three_joined_values_read_twice_every_wire_has_its_own_name() -> None:
    builder = GraphBuilder("joined")
    builder.input("x", (4,), Fraction(1), IntRange(-8, 7))
    builder.node("y", Concat(0), "x", "x", "x")
    text = write_design(plan_graph(builder.build(builder.node("z", Add(), "y", "y"))), "top").text
    names = re.findall(r"^ *wire (?:\[.*?\] )?(\w+)", text, re.MULTILINE)
    assert "y_joined1_data" in names and "y_to1_data" in names
    assert len(names) == len(set(names))


@pytest.mark.slow  # verilates and compiles
@pytest.mark.parametrize("clocks", [None, 4], ids=["serial", "parallel"])
@pytest.mark.parametrize("group", GROUPS)
def test_body_equals_meaning(group: str, clocks: int | None, tmp_path: Path) -> None:
    bench = build(*many(GROUPS[group], range(4)), tmp_path, clocks=clocks)
    events, plan = 4 * EVENTS, plan_graph(bench.graph, clocks)
    again = replace(bench, codes={name: np.concatenate([c] * 4) for name, c in bench.codes.items()})
    recording = again.run()
    assert recording.finished
    assert again.wrong(recording) == []
    given = {name: found.reshape(events, -1)[0, -1] for name, found in recording.given.items()}
    assert plan.latency.latency_clocks == pytest.approx(given, rel=0.02, abs=SLACK)
    assert steady(recording, events) == {name: {busiest(plan, name)} for name in bench.graph.outputs}
    rough = bench.run(ROUGH)
    assert rough.finished
    assert bench.wrong(rough) == []


@pytest.mark.slow
def test_a_patch_with_weights_of_each_position_is_as_late_as_planned(tmp_path: Path) -> None:
    """All taps at once, so that nothing takes operands apart, but weights from a memory: to the clock."""
    rng = np.random.default_rng(1)
    builder = GraphBuilder("own")
    builder.input("x", (6, 6, 1), Fraction(1), IntRange(-8, 7))
    weights, bias = rng.integers(-3, 4, (6, 6, 3, 3, 1, 2)), rng.integers(-5, 6, (6, 6, 2))
    own = LocallyConnected(weights, bias, (Fraction(1),), (1, 1), ((1, 1), (1, 1)), (1, 1))
    graph = builder.build(builder.node("y", own, "x"))
    bench = build(graph, {"x": codes_of(graph.values["x"], EVENTS, 1)}, tmp_path, clocks=40)
    assert "levelone_patch" in bench.design.blocks and "levelone_serialise" not in bench.design.blocks
    recording = bench.run()
    assert bench.wrong(recording) == []
    given = {name: int(found.reshape(EVENTS, -1)[0, -1]) for name, found in recording.given.items()}
    assert plan_graph(graph, 40).latency.latency_clocks == given


BROKEN = {
    "levelone_arithmetic": ("Add", "wide_a + wide_b +", "wide_a - wide_b +"),
    "levelone_axis": ("crossing", "corner + STEP", "corner + STEP + 1'b1"),
    "levelone_concatenate": ("Concat", "sent != LAST_A", "sent != LAST"),
    "levelone_count": ("pooled", "seen == LAST[BITS-1:0]", "seen == 0"),
    "levelone_credits": ("unrolled", ", give}", ", 1'b0}"),
    "levelone_element_affine": ("ElementAffine", "<= wide + terms", "<= wide - terms"),
    "levelone_fifo": ("Conv", "memory[tail]", "memory[head]"),
    "levelone_fork": ("twice", "~done", "{COUNT{1'b1}}"),
    "levelone_gather": ("Transpose", "base + from[", "base + 1'b1 + from["),
    "levelone_mac": ("Conv", "rst || done", "rst"),
    "levelone_matmul": ("MatMul", "? term : sum + term", "? term : sum - term"),
    "levelone_pack": ("packed", "<= {i_data, o_data", "<= {~i_data, o_data"),
    "levelone_patch": ("crossing", "bank_w == x / LANES", "bank_w != x / LANES"),
    "levelone_pool": ("meeting", "LARGEST ? LEAST : 0", "0"),
    "levelone_power": ("Power", "product <= reached * x", "product <= reached + x"),
    "levelone_reduce": ("MaxPool", "x > held ? x : held", "x < held ? x : held"),
    "levelone_scale": ("Requantise", "total <= product + term", "total <= product - term"),
    "levelone_serialise": ("Dense", "parts >> WIDTH", "parts >> (WIDTH + 1)"),
    "levelone_stage": ("Add", "valid <= next[STAGES-1:0]", "valid <= {STAGES{1'b1}}"),
    "levelone_steps": ("Staircase", "x >= ", "x > "),
    "levelone_tree": ("crossing", "result = result + next", "result = result - next"),
    "levelone_turn": ("crossing", "UNIT*m", "UNIT*m+1"),
    "levelone_weigh": ("bordered", "code * factor", "code + factor"),
    "levelone_window": ("sliding", "TAP_W = DW", "TAP_W = DW + 1"),
}
"""Block -> a network that needs it, and a fault in it."""


def test_every_block_is_broken_once() -> None:
    assert set(BROKEN) == {path.stem for path in BLOCKS.glob("*.sv")}


@pytest.mark.slow
@pytest.mark.parametrize("block", BROKEN)
def test_a_broken_block_is_caught(block: str, tmp_path: Path) -> None:
    network, right, wrong = BROKEN[block]
    copies = tmp_path / "blocks"
    copies.mkdir()
    for path in BLOCKS.glob("*.sv"):
        text = path.read_text()
        if path.stem == block:
            assert text.count(right) == 1
            text = text.replace(right, wrong)
        (copies / path.name).write_text(text)
    graph, codes = SPECIAL[network]() if network in SPECIAL else many([network], range(4))
    if network == "unrolled":
        bench = build_unrolled(graph, codes, tmp_path, 1, blocks=copies)
    else:
        # clocks enough to share multipliers and take beats apart; or too few for one tap per clock
        bench = build(graph, codes, tmp_path, blocks=copies, clocks=20 if network in HURRIED else 1000)
    assert block in bench.design.blocks
    recording = bench.run(ROUGH)
    assert not recording.finished or bench.wrong(recording)


def _network(shape: tuple[int, ...], *ops: Op):
    """Operations in a chain, a sum also meets the input; and codes for it."""
    builder = GraphBuilder("chain")
    builder.input("x", shape, Fraction(1), IntRange(-8, 7))
    last = "x"
    for i, op in enumerate(ops):
        builder.node(f"y{i}", op, *(("x", last) if isinstance(op, Add) else (last,)))
        last = f"y{i}"
    graph = builder.build(last)
    return graph, {"x": codes_of(graph.values["x"], EVENTS, 1)}


def _unrolled():
    """A network of one stage, and more events than an output has room for."""
    graph, _ = _network((2,), Transpose((0,)))
    return graph, {"x": codes_of(graph.values["x"], 64, 1)}


HURRIED = {"crossing", "meeting"}
SPECIAL = {
    "crossing": lambda: _network(
        (5, 6, 2),
        Conv(
            np.arange(36).reshape(3, 3, 2, 2) - 9,
            np.zeros(2, int),
            (Fraction(1),),
            (1, 1),
            ((1, 1), (1, 1)),
            (1, 1),
        ),
    ),
    "bordered": lambda: _network((4, 2), AveragePool((3,), (1,), ((1, 1),), (1,), include_pad=False)),
    "sliding": lambda: _network((3, 4, 2), MaxPool((2, 2), (1, 1), ((0, 0), (0, 0)), (1, 1))),
    "pooled": lambda: _network((3, 3, 2), AveragePool((3, 3), (1, 1), ((0, 0), (0, 0)), (1, 1))),
    "meeting": lambda: _network((4, 4, 2), MaxPool((2, 2), (1, 1), ((1, 1), (1, 1)), (1, 1))),
    "twice": lambda: _network((4, 4, 2), MaxPool((3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1)), Add()),
    "unrolled": _unrolled,
    "packed": lambda: _network((3, 2), Transpose((1, 0)), MaxPool((1,), (1,), ((0, 0),), (1,))),
}
"""Networks for blocks that stand between operations."""


def _sliding(kernel: tuple[int, ...], stride: int = 1, pad: int = 0) -> Conv:
    """A convolution of one channel to two; `pad` at both ends of every axis that the kernel reaches along."""
    weights = (np.arange(2 * np.prod(kernel)) % 5 - 2).reshape(*kernel, 1, 2)
    pads = tuple((pad, pad) if k > 1 else (0, 0) for k in kernel)
    return Conv(weights, np.zeros(2, int), (Fraction(1),), (stride,) * len(kernel), pads, (1,) * len(kernel))


PIXELS = 60
PACED = {
    "odd": ((5, 12, 1), _sliding((3, 3), pad=1)),
    "odder": ((4, 15, 1), _sliding((3, 3), pad=1)),
    "whole": ((6, 10, 1), _sliding((3, 3), pad=1)),
    "wide": ((12, 5, 1), _sliding((5, 5), pad=2)),
    "inside": ((10, 6, 1), _sliding((3, 3))),
    "halved": ((5, 12, 1), _sliding((3, 3), stride=2, pad=1)),
    "parted": ((5, 12, 1), _sliding((2, 2), stride=2)),
    "deep": ((5, 3, 4, 1), _sliding((3, 3, 3), pad=1)),
    "flat": ((5, 12, 1), _sliding((1, 3), pad=1)),
    "long": ((60, 1), _sliding((3,), pad=1)),
    "blind": ((9, 1, 5, 1), _sliding((9, 1, 1))),
    "blinder": ((9, 1, 5, 1), MaxPool((9, 1, 1), (1,) * 3, ((0, 0),) * 3, (1,) * 3)),
    "pool": ((4, 15, 1), MaxPool((3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1))),
}
"""Inputs and windows; an event has a clock for each of `PIXELS`. Blind ones read all of an event
tap by tap, and meanwhile the next one comes in."""


def _around(builder: GraphBuilder) -> Value:
    """A sum of an input and of what many convolutions make of it, which comes more than an event later."""
    builder.input("around_x", (4, 15, 1), Fraction(1), IntRange(-8, 7))
    weights = (np.arange(9) % 3 - 1).reshape(3, 3, 1, 1)
    convolution = replace(_sliding((3, 3), pad=1), weights=weights, bias=np.zeros(1, int))
    last = "around_x"
    for number in range(6):
        last = builder.node(f"around_{number}", convolution, last)
    builder.node("around", Add(), "around_x", last)
    return builder.values["around_x"]


def test_there_is_room_for_more_than_an_event_where_ways_differ_by_more() -> None:
    builder = GraphBuilder("around")
    _around(builder)
    plan = plan_graph(builder.build("around"))
    late, early = (edge.depth for name in ("around_5", "around_x") for edge in plan.ways(name)[-1:])
    assert late == PIXELS < early <= plan.latency.latency_clocks["around"]


@pytest.mark.slow
def test_events_follow_each_other_as_planned(tmp_path: Path) -> None:
    builder, codes = GraphBuilder("paced"), {}
    for name, (shape, op) in PACED.items():
        builder.input(f"{name}_x", shape, Fraction(1), IntRange(-8, 7))
        builder.node(name, op, f"{name}_x")
        codes[f"{name}_x"] = codes_of(builder.values[f"{name}_x"], 4 * EVENTS, 1)
    codes["around_x"] = codes_of(_around(builder), 4 * EVENTS, 1)
    graph = builder.build(*PACED, "around")
    plan = plan_graph(graph)
    assert plan.clocks_per_event == PIXELS
    bench = build(graph, codes, tmp_path)
    recording = bench.run()
    assert bench.wrong(recording) == []
    planned = {name: {busiest(plan, name)} for name in (*PACED, "around")}
    assert steady(recording, 4 * EVENTS) == planned
    assert [name for name, clocks in planned.items() if clocks != {PIXELS}] == ["blind", "blinder"]
    rough = bench.run(ROUGH)
    assert rough.finished
    assert bench.wrong(rough) == []
