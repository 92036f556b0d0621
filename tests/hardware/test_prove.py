"""Requantisation between any scales: the cheapest exact hardware and its proof."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from requantisations import random_requantise, random_value, slow

from levelone.errors import LeveloneError
from levelone.graph import IntRange, Rounding
from levelone.graph.ops import Requantise
from levelone.graph.ops._rounding import ranges_of
from levelone.graph.values import Value
from levelone.hardware import prove as proving
from levelone.hardware.choose import choose
from levelone.hardware.forms import Assignment, Scaling, Thresholds
from levelone.hardware.prove import prove
from levelone.hardware.types import FixedType, Overflow


@pytest.mark.parametrize("seed", range(40))
def test_what_is_chosen_equals_the_definition_on_every_code(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(6):
        channels = int(rng.integers(1, 4))
        x, op = random_value(rng, channels, 400), random_requantise(rng, channels)
        hardware = choose(op, x)
        proof = prove(op, x, hardware)
        assert proof.exhaustive and proof.checked == proof.reachable
        for channel, r in enumerate(ranges_of(x, x.shape[-1])):
            codes = np.tile(np.arange(r.lo, r.hi + 1), (channels, 1))
            found = hardware.apply(codes)[channel]
            assert found.tolist() == [slow(op, channel, int(code)) for code in codes[channel]]


@pytest.mark.parametrize("seed", range(20))
def test_the_argument_by_steps_accepts_and_refuses_what_trying_every_code_does(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(seed)
    x, op = random_value(rng, 2, 300), random_requantise(rng, 2)
    hardware = choose(op, x)
    assert prove(op, x, hardware).exhaustive
    broken = [
        replace(hardware, term=tuple(t + d for t in hardware.term))
        if isinstance(hardware, Scaling)
        else replace(hardware, steps=hardware.steps + d)
        for d in (-3, -1, 1, 3)
    ]

    def verdicts() -> list[bool]:
        accepted = []
        for candidate in [hardware, *broken]:
            try:
                prove(op, x, candidate)
                accepted.append(True)
            except LeveloneError:
                accepted.append(False)
        return accepted

    tried = verdicts()
    monkeypatch.setattr(proving, "EXHAUSTIVE", 0)
    assert not prove(op, x, hardware).exhaustive
    assert verdicts() == tried
    assert tried[0]


def test_wide_results_are_carried_by_the_multiplier_itself() -> None:
    op = Requantise((Fraction(3, 8),), (Fraction(1),), IntRange(-(2**29), 2**29), Rounding.ROUND)
    x = Value("x", (1,), (Fraction(1),), IntRange(-(2**30), 2**30))
    hardware = choose(op, x)
    assert isinstance(hardware, Scaling) and hardware.rounding is Rounding.ROUND


@pytest.mark.parametrize("rounding", [Rounding.ROUND, Rounding.HALF_UP])
def test_more_steps_than_can_be_listed_are_proven_by_the_formula(rounding: Rounding) -> None:
    op = Requantise((Fraction(3, 8),), (Fraction(1),), IntRange(-(2**29), 2**28), Rounding.ROUND)
    x = Value("x", (1,), (Fraction(1),), IntRange(-(2**30), 2**30))
    hardware = Scaling((3,), (0,), (3,), rounding, op.range)
    if rounding is op.rounding:
        found = prove(op, x, hardware)
        assert found.identical and not found.exhaustive and found.checked == 2
        for wrong in ({"factor": (5,)}, {"term": (1,)}, {"clip": IntRange(-(2**29), 2**28 - 1)}):
            with pytest.raises(LeveloneError):
                prove(op, x, replace(hardware, **wrong))
    else:
        with pytest.raises(LeveloneError, match="no proof"):
            prove(op, x, hardware)


@pytest.mark.parametrize(
    ("type_", "good"),
    [
        (FixedType(29, -3, True), False),  # wraps
        (FixedType(31, -3, True), True),
        (FixedType(29, -3, True, overflow=Overflow.SATURATE), False),  # clips elsewhere
        (FixedType(31, -2, True), False),  # another grid
    ],
)
def test_an_assignment_of_more_codes_than_can_be_listed(type_: FixedType, good: bool) -> None:
    op = Requantise((Fraction(1, 2),), (Fraction(1, 8),), IntRange(-(2**30), 2**30), Rounding.FLOOR)
    x = Value("x", (1,), (Fraction(1, 16),), IntRange(-(2**30), 2**30))
    if good:
        assert prove(op, x, Assignment(-4, type_)).identical
    else:
        with pytest.raises(LeveloneError):
            prove(op, x, Assignment(-4, type_))


@pytest.mark.parametrize("exhaustive", [True, False])
def test_thresholds_are_counted_in_any_order(exhaustive: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hardware compares a code with every threshold; so does the proof."""
    if not exhaustive:
        monkeypatch.setattr(proving, "EXHAUSTIVE", 0)
    op = Requantise((Fraction(37, 1000),), (Fraction(1),), IntRange(-1, 2), Rounding.ROUND)
    x = Value("x", (1,), (Fraction(1),), IntRange(-100, 100))
    right = Thresholds((-1,), np.array([[-13, 14, 41]]), (False,))
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        prove(op, x, replace(right, steps=right.steps[:, order]))
    with pytest.raises(LeveloneError, match=r"channel 0 gives"):
        prove(op, x, replace(right, steps=np.array([[41, -13, 15]])))


def test_few_levels_are_counted() -> None:
    op = Requantise((Fraction(37, 1000),), (Fraction(1),), IntRange(0, 1), Rounding.ROUND)
    assert isinstance(choose(op, Value("x", (1,), (Fraction(1),), IntRange(-500, 500))), Thresholds)


@pytest.mark.parametrize(("hi", "offered"), [(2**63 - 2, True), (2**63 - 1, False)])
def test_thresholds_are_filled_with_codes_that_are_never_reached(hi: int, offered: bool) -> None:
    op = Requantise(
        (Fraction(1, 2**62), Fraction(1, 2**80)), (Fraction(1),), IntRange(0, 1), Rounding.FLOOR
    )  # fmt: skip
    x = Value("x", (2,), (Fraction(1),), IntRange(0, hi))
    hardware = choose(op, x)
    assert isinstance(hardware, Thresholds) is offered
    assert not isinstance(hardware, Thresholds) or hardware.steps.max() == hi + 1
