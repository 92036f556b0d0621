"""The goals of a search for vectors: what each operation has, when they are reached, which are met."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from cases import CASES, seeded

from levelone.graph import Graph, GraphBuilder, IntRange, Rounding, execute
from levelone.graph.ops import OPERATIONS, AddRequantise, Dense, Lookup, Relu, Requantise, Staircase
from levelone.stimuli import random_vectors
from levelone.stimuli.coverage import ArgumentGoals, OperandGoals, choose, goals
from levelone.stimuli.effort import EVENTS, events_to_try

ONE = (Fraction(1),)


def rounding_graph() -> Graph:
    b = GraphBuilder("goals")
    rng = np.random.default_rng(3)
    x = b.input("x_q", (6,), Fraction(1), IntRange(-32, 31))
    b.node("sum", Dense(rng.integers(-9, 10, (6, 3)), rng.integers(-40, 41, 3), (Fraction(1),)), x)
    scales = (Fraction(1, 37), Fraction(3, 101), Fraction(1, 64))
    b.node("act", Requantise(scales, (Fraction(1),), IntRange(-8, 7), Rounding.ROUND), "sum")
    b.node("table", Lookup(-8, rng.integers(0, 9, 16), (Fraction(1),)), "act")
    return b.build("table")


def drawn(name: str, number: int) -> tuple[Graph, dict[str, np.ndarray]]:
    """One random operation between its ports, and codes for it."""
    case = CASES[OPERATIONS[name]](seeded(number))
    b = GraphBuilder("one")
    for value in case.inputs:
        b.input(value.name, value.shape, value.scale[0], value.range)
        b.values[value.name] = value
    b.node("y", case.op, *(value.name for value in case.inputs))
    codes = {v.name: c.astype(np.int64) for v, c in zip(case.inputs, case.codes, strict=True)}
    return b.build("y"), codes


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_what_rounds_or_weighs_has_goals_and_nothing_else(name: str) -> None:
    found = [goals(drawn(name, number)[0]) for number in range(20)]
    kinds = {type(family) for families in found for family in families}
    operation = OPERATIONS[name]
    weighs = {OperandGoals} if "weights" in operation.__dataclass_fields__ else set()
    assert kinds == weighs | ({ArgumentGoals} if operation.rounds else set())


@pytest.mark.parametrize("name", ["Conv", "Dense", "LocallyConnected"])
def test_an_operand_that_no_event_has_is_no_goal(name: str) -> None:
    """Found by events of all kinds: they meet these operands and no others."""
    some = 0
    for number in range(30):
        graph, _ = drawn(name, number)
        for family in (found for found in goals(graph) if isinstance(found, OperandGoals)):
            x = graph.values[graph.inputs[0].value.name]
            ranges = x.channel_ranges or (x.range,) * x.shape[-1]
            rng = np.random.default_rng(number)
            shape = (400, *x.shape[:-1])
            inside = np.stack([rng.integers(r.lo, r.hi, shape, endpoint=True) for r in ranges], axis=-1)
            ends = np.stack([rng.choice([r.lo, r.hi], shape) for r in ranges], axis=-1)
            codes = np.where(rng.random(inside.shape) < 0.5, inside, ends)
            met = [(view > 0, view < 0) for view in family.node.op.weighted(codes)]
            sides = [np.concatenate([side[i].any(axis=(0, 1)) for side in met]) for i in (0, 1)]
            assert (np.concatenate(sides) == family.exist).all()
            some += (~family.exist).sum()
    assert some > 20


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_goals_are_counted_as_they_are_hit(name: str) -> None:
    looked_at = 0
    for number in range(30):
        graph, codes = drawn(name, number)
        for family in goals(graph):
            hits = family.hits(codes)
            events = len(hits)
            assert hits.shape == (events, family.size)
            if not isinstance(family, ArgumentGoals):
                continue
            argument = family.node.op.argument(*codes.values())
            goal = 0
            for row, (lows, near) in enumerate(zip(family.lows, family.near, strict=True)):
                assert (np.diff(lows) > 0).all()
                part = argument if len(family.lows) == 1 else argument[..., row : row + 1]
                seen = part.reshape(events, -1)
                for low in lows[:40].tolist():
                    within = ((seen >= low) & (seen < low + near)).any(axis=1)
                    assert (hits[:, goal + lows.tolist().index(low)] == within).all()
                    looked_at += within.any()
                goal += len(lows)
    assert looked_at > 10 or not OPERATIONS[name].rounds


def test_the_nearest_event_to_a_goal_is_found() -> None:
    graph = residual_graph()
    values = execute(graph, random_vectors(graph, 50, seed=2))
    (family,) = (f for f in goals(graph) if f.node.name == "joint")
    assert isinstance(family, ArgumentGoals)
    argument, goal = family.node.op.argument(values["one"], values["other"]), 0
    missing = np.flatnonzero(~family.hits(values).any(axis=0))
    told = [np.stack(parts, axis=1).tolist() for parts in family.nearest(values, missing)]
    found = {goal: (event, away) for rows in told for goal, event, away in rows}
    assert set(found) == set(missing.tolist()) and len(found) > 5
    for row, (lows, near) in enumerate(zip(family.lows, family.near, strict=True)):
        for low in lows.tolist():
            if goal in found:
                event, away = found[goal]
                seen = argument[:, row]
                off = np.maximum(low - seen, seen - (low + near - 1))
                assert off[event] == off.min() == away
            goal += 1


def residual_graph() -> Graph:
    b = GraphBuilder("residual")
    rng = np.random.default_rng(4)
    x = b.input("x_q", (6,), Fraction(1), IntRange(-32, 31))
    for name in ("one", "other"):
        b.node(name, Dense(rng.integers(-9, 10, (6, 3)), rng.integers(-40, 41, 3), ONE), x)
    both = ((Fraction(1, 37), Fraction(-3, 101), Fraction(1, 64)), (Fraction(2, 41),))
    b.node("joint", AddRequantise(both, (Fraction(1, 3),), ONE, IntRange(-8, 7)), "one", "other")
    steps, levels = np.array([[-300, -40, 2, 77, 410]]), np.array([[-3, 1, 0, 2, 3, 9]])
    b.node("climbed", Staircase(steps, levels, ONE), "one")
    return b.build("joint", "climbed")


def test_vectors_meet_both_sides_of_every_step_of_a_sum_and_of_a_staircase() -> None:
    graph = residual_graph()
    found = execute(graph, random_vectors(graph, 1000, seed=1))
    climbed = found["one"].reshape(-1).tolist()
    assert {side for step in (-300, -40, 2, 77, 410) for side in (step - 1, step)} <= set(climbed)
    op = graph.node("joint").op
    assert isinstance(op, AddRequantise)
    for channel in range(3):
        gains = [m[channel % len(m)] for m in op.multipliers]
        numbers = [
            sum((int(code) * gain for code, gain in zip(codes, gains, strict=True)), Fraction(1, 3))
            for codes in zip(found["one"][:, channel], found["other"][:, channel], strict=True)
        ]
        finest = min(abs(gain) for gain in gains)
        for code in range(-8, 7):
            border = Fraction(2 * code + 1, 2)
            assert any(border <= number < border + finest for number in numbers)
            assert any(border - finest <= number < border for number in numbers)


def test_a_falling_quantiser_is_met_on_both_sides_and_a_constant_channel_hides_no_other() -> None:
    b = GraphBuilder("falling")
    x = b.input("x_q", (2,), Fraction(1), IntRange(-99, 99))
    b.node("act", Requantise((Fraction(-1, 7), Fraction(0)), ONE, IntRange(-8, 7), Rounding.FLOOR), x)
    graph = b.build("act")
    (family,) = goals(graph)
    assert isinstance(family, ArgumentGoals)
    codes = np.arange(-99, 100)
    images = graph.node("act").op.evaluate(np.stack([codes, codes], axis=1))[:, 0]
    sides = {int(codes[at + d]) for at in np.flatnonzero(np.diff(images)) for d in (0, 1)}
    assert set(family.lows[0].tolist()) == sides and len(family.lows[1]) == 0


def test_of_too_many_steps_some_are_goals() -> None:
    b = GraphBuilder("wide")
    x = b.input("x_q", (64,), Fraction(1), IntRange(-(2**30), 2**30))
    b.node("act", Requantise((Fraction(1, 2),) * 63 + (Fraction(1, 3),), ONE, IntRange(-(2**28), 2**28)), x)
    (family,) = goals(b.build("act"))
    assert 2**14 < family.size <= 2**15


def test_vectors_meet_both_sides_of_every_step_and_every_table_entry() -> None:
    graph = rounding_graph()
    found = execute(graph, random_vectors(graph, 1000, seed=1))
    op = graph.node("act").op
    assert isinstance(op, Requantise)
    for channel in range(3):
        seen = set(found["sum"][:, channel].tolist())
        value = graph.values["sum"]
        reach = value.channel_ranges[channel] if value.channel_ranges else value.range
        codes = np.zeros((reach.hi - reach.lo + 1, 3), dtype=np.int64)
        codes[:, channel] = np.arange(reach.lo, reach.hi + 1)
        images = op.evaluate(codes)[:, channel]
        for at in np.flatnonzero(np.diff(images)):  # from slow evaluation of every code, not from thresholds
            assert {int(codes[at, channel]), int(codes[at + 1, channel])} <= seen
    assert set(found["act"].reshape(-1).tolist()) == set(range(-8, 8))


def test_the_choice_is_greedy_and_bounded() -> None:
    hits = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0], [1, 1, 1, 0]], dtype=bool)
    assert choose(hits, 9) == [4, 2]
    assert choose(hits, 1) == [4]
    assert choose(hits[3:4], 5) == []


def test_searching_is_bounded_by_the_size_of_the_graph() -> None:
    low, high = EVENTS
    assert events_to_try(rounding_graph()) == high
    b = GraphBuilder("huge")
    b.input("x_q", (10_000_000, 1), Fraction(1), IntRange(0, 1))
    b.node("y", Relu(), "x_q")
    assert events_to_try(b.build("y")) == low
