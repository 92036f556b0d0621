"""The unrolled network: every operation against its meaning, stages, names, and what is refused."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from rtl_designs import build_unrolled, codes_of, many

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph import Graph, GraphBuilder, IntRange, execute
from levelone.graph.ops import OPERATIONS, Affine, Conv, Dense, Relu, Requantise, Take
from levelone.graph.values import Codes
from levelone.rtl.config import RtlConfig
from levelone.rtl.project import plan_of
from levelone.rtl.simulation import Traffic
from levelone.rtl.unrolled import products
from levelone.rtl.unrolled.adders import Sum
from levelone.rtl.unrolled.bodies import BODIES
from levelone.rtl.unrolled.cells import Cell, Constant, Input
from levelone.rtl.unrolled.design import write_unrolled
from levelone.rtl.unrolled.plan import UnrolledPlan, plan_unrolled

ROUGH = Traffic(gaps=0.3, stalls=0.3, seed=5, resets=(7, 19, 40, 3, 12, 9, 21, 11))
LEVELS = 6
SEEDS = (1, 3)


def wrong(plan: UnrolledPlan, codes: dict[str, Codes]) -> list[str]:
    """Values that the circuit, computed by the meaning of its cells, has otherwise than the reference."""
    events = len(next(iter(codes.values())))
    found = plan.circuit.evaluate({name: c.reshape(events, -1).astype(object) for name, c in codes.items()})
    for place, result in zip(plan.circuit.places, found, strict=True):
        assert place.reach.lo <= np.min(result)
        assert np.max(result) <= place.reach.hi
    expected = execute(plan.graph, codes, keep="all")
    return [
        name
        for name, places in plan.values.items()
        if any(
            (np.broadcast_to(found[n], events) != column).any()
            for n, column in zip(places.flat, expected[name].reshape(events, -1).T, strict=True)
        )
    ]


def dense() -> tuple[Graph, dict[str, Codes]]:
    """A dense layer, its activation and its quantiser."""
    builder = GraphBuilder("dense")
    builder.input("x", (6,), Fraction(1), IntRange(-8, 7))
    weights = np.random.default_rng(2).integers(-7, 8, (6, 5))
    builder.node("fc", Dense(weights, np.arange(5) - 2, (Fraction(1),)), "x")
    builder.node("fc_1", Relu(), "fc")
    builder.node("y", Requantise((Fraction(1, 8),), (Fraction(1),), IntRange(0, 15)), "fc_1")
    graph = builder.build("y")
    return graph, {"x": codes_of(graph.values["x"], 40, 1)}


def test_every_operation_is_unrolled() -> None:
    assert set(BODIES) == set(OPERATIONS.values())


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_circuit_equals_the_meaning(name: str) -> None:
    for seed in range(8):
        graph, codes = many([name], [seed])
        assert wrong(plan_unrolled(graph, 12, 5.0), codes) == []


@pytest.mark.slow  # verilates and compiles
def test_the_text_equals_the_meaning(tmp_path: Path) -> None:
    bench = build_unrolled(*many(OPERATIONS, SEEDS), tmp_path, 12)
    for traffic in (Traffic(), ROUGH):
        recording = bench.run(traffic)
        assert recording.finished
        assert bench.wrong(recording) == []


@pytest.mark.slow
def test_a_broken_circuit_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Sum.text

    def broken(self: Sum, *nets: object) -> str:
        text = right(self, *nets)
        return text.replace(" - ", " + ") if self.minus else text

    monkeypatch.setattr(Sum, "text", broken)
    bench = build_unrolled(*dense(), tmp_path, LEVELS)
    assert "fc" in bench.wrong(bench.run())


def test_a_circuit_with_a_wrong_cell_differs() -> None:
    graph, codes = dense()
    plan = plan_unrolled(graph, LEVELS, 5.0)
    assert wrong(plan, codes) == []
    for at in sorted(plan.live):
        place = plan.circuit.places[at]
        if isinstance(place.cell, Sum):
            other = Sum(place.cell.left, place.cell.right, not place.cell.minus)
            plan.circuit.places[at] = type(place)(
                other, place.operands, IntRange(-(10**6), 10**6), place.layer
            )
            for i, later in enumerate(plan.circuit.places):
                if not isinstance(later.cell, Input | Constant):
                    wide = IntRange(-(10**6), 10**6)
                    plan.circuit.places[i] = type(later)(later.cell, later.operands, wide, later.layer)
            break
    assert "fc" in wrong(plan, codes)


@pytest.mark.parametrize("levels", [3, 6])
def test_no_stage_is_deeper_than_it_may_be(levels: int) -> None:
    graph, codes = dense()
    plan = plan_unrolled(graph, levels, 5.0)
    cut, circuit = plan.schedule, plan.circuit
    depth: dict[int, int] = defaultdict(int)
    for n, place in enumerate(circuit.places):
        read = [r for r in place.operands if not isinstance(circuit.places[r].cell, Constant)]
        assert all(cut.stage[r] <= cut.stage[n] for r in read)
        before = max((depth[r] for r in read if cut.stage[r] == cut.stage[n]), default=0)
        depth[n] = before + circuit.effort(n).levels
    assert max(depth[n] for n in plan.live) == cut.levels <= levels
    assert wrong(plan, codes) == []


def test_a_shorter_clock_takes_more_stages() -> None:
    graph, _ = dense()
    stages = [plan_unrolled(graph, None, clock).schedule.stages for clock in (20.0, 5.0, 3.0)]
    assert stages == sorted(set(stages))


def test_no_two_nets_have_one_name() -> None:
    graph, _ = dense()  # fc_1 is a value, and could be the second net of fc
    text = write_unrolled(plan_unrolled(graph, 3, 5.0), "network").text
    names = [
        line.split("=")[0].split()[-1].rstrip(";")
        for line in text.splitlines()
        if line.strip().startswith(("wire [", "reg ["))
    ]
    assert len(names) == len(set(names))


def test_what_is_absurd_is_refused_with_its_estimate() -> None:
    builder = GraphBuilder("absurd")
    builder.input("x", (64, 64, 8), Fraction(1), IntRange(0, 255))
    weights = np.full((3, 3, 8, 64), 85)
    op = Conv(weights, np.zeros(64, int), (Fraction(1),), (1, 1), ((1, 1), (1, 1)), (1, 1))
    builder.node("conv", op, "x")
    with pytest.raises(
        UnsupportedError, match=r"18,874,368 products and takes about .* look-up tables"
    ) as error:
        plan_unrolled(builder.build("conv"), LEVELS, 5.0)
    assert "stream" in str(error.value.hint)


def test_a_cell_that_no_stage_holds_is_named() -> None:
    graph, _ = dense()
    with pytest.raises(UnsupportedError, match=r"fc: one Sum of \d+ bits takes .* ns, a stage has"):
        plan_unrolled(graph, None, 0.8)


@pytest.mark.parametrize(("kept", "refused"), [(0, False), (1, True)])
def test_a_cell_that_no_hardware_has_may_take_more_than_a_stage(kept: int, refused: bool) -> None:
    builder = GraphBuilder("dropped")
    builder.input("x", (2,), Fraction(1), IntRange(-8, 7))
    builder.node("scaled", Affine((1, 3001), (0, 0), (Fraction(1),)), "x")
    builder.node("y", Take(0, (kept,)), "scaled")
    graph = builder.build("y")
    if refused:
        with pytest.raises(UnsupportedError, match="scaled: one Sum"):
            plan_unrolled(graph, None, 1.2)
        return
    plan = plan_unrolled(graph, None, 1.2)
    assert plan.schedule.stages == 1
    assert wrong(plan, {"x": codes_of(graph.values["x"], 20, 1)}) == []


def test_a_missing_solver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, _ = dense()
    monkeypatch.setattr(products.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LeveloneError, match="alkaid") as error:
        plan_unrolled(graph, LEVELS, 5.0)
    assert "levelone[rtl]" in str(error.value.hint)


@pytest.mark.parametrize(
    "choices", [{"style": "unrolled", "clocks_per_event": 3}, {"style": "stream", "max_levels": 6}]
)
def test_choices_of_the_other_style_are_refused(choices: dict) -> None:
    graph, _ = dense()
    with pytest.raises(LeveloneError, match="is a choice of"):
        plan_of(graph, RtlConfig(**choices))


def test_every_kind_of_cell_is_used() -> None:
    """By some operation of the test of the text above."""
    graph, _ = many(OPERATIONS, SEEDS)
    used = {type(place.cell) for place in plan_unrolled(graph, 12, 5.0).circuit.places}
    assert used == set(Cell.__subclasses__())
