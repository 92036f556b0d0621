from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from levelone.graph import IntRange, Rounding, Value
from levelone.graph.ops import Requantise
from levelone.hardware.types import FixedType, Overflow, clipping_type, exact_type, value_type

SAT, SYMMETRIC, WRAP = Overflow.SATURATE, Overflow.SYMMETRIC, Overflow.WRAP


def value(lo: int, hi: int, exponent: int = -3) -> Value:
    return Value("v", (2,), (Fraction(2) ** exponent,), IntRange(lo, hi))


@pytest.mark.parametrize(
    ("lo", "hi", "width", "signed"),
    [
        (0, 15, 4, False),
        (0, 16, 5, False),
        (-8, 7, 4, True),
        (-9, 7, 5, True),
        (-1, 0, 1, True),
        (0, 0, 1, False),
        (3, 7, 3, False),
    ],
)
@pytest.mark.parametrize("exponent", [-8, 0, 3])
def test_the_type_holds_the_range_and_no_more(
    lo: int, hi: int, width: int, signed: bool, exponent: int
) -> None:
    fixed = value_type(value(lo, hi, exponent))
    assert fixed == FixedType(width, exponent, signed)
    assert lo in fixed.range and hi in fixed.range
    if fixed.width > 1:
        smaller = FixedType(fixed.width - 1, exponent, fixed.signed)
        assert lo not in smaller.range or hi not in smaller.range


def test_scales_that_are_not_a_power_of_two_are_carried_as_plain_integers() -> None:
    thirds = Value("v", (2,), (Fraction(1, 3),), IntRange(0, 1))
    channels = Value("v", (2,), (Fraction(1), Fraction(1, 2)), IntRange(-4, 1))
    assert (value_type(thirds), value_type(channels)) == (FixedType(1, 0, False), FixedType(3, 0, True))


@pytest.mark.parametrize(
    ("range_", "clip", "unclipped", "width", "signed", "overflow"),
    [
        ((0, 15), (0, 15), (-5, 99), 4, False, SAT),
        ((-8, 7), (-8, 7), (-50, 99), 4, True, SAT),
        ((-7, 7), (-7, 7), (-50, 99), 4, True, SYMMETRIC),
        ((-3, 6), (-8, 7), (-3, 6), 4, True, WRAP),
        # only the upper end is ever clipped: the lower one need not be the type's
        ((0, 7), (-8, 7), (0, 99), 3, False, SAT),
        ((-2, 7), (-8, 7), (-2, 99), 4, True, SAT),
    ],
)
def test_clipping_is_the_saturation_of_the_type(
    range_: tuple[int, int],
    clip: tuple[int, int],
    unclipped: tuple[int, int],
    width: int,
    signed: bool,
    overflow: Overflow,
) -> None:
    made = clipping_type(value(*range_), IntRange(*clip), Rounding.ROUND, IntRange(*unclipped))
    assert made == FixedType(width, -3, signed, Rounding.ROUND, overflow)


def test_clipping_that_no_type_does() -> None:
    assert clipping_type(value(0, 9), IntRange(0, 9), Rounding.ROUND, IntRange(0, 20)) is None
    assert clipping_type(value(-5, 7), IntRange(-5, 7), Rounding.ROUND, IntRange(-20, 20)) is None


def test_exact_types_are_marked_as_such() -> None:
    assert exact_type(IntRange(0, 3), 0).exact
    made = clipping_type(value(0, 15), IntRange(0, 15), Rounding.ROUND, IntRange(0, 99))
    assert made is not None and not made.exact


@pytest.mark.parametrize("rounding", Rounding)
def test_assignment_to_a_type_rounds_saturates_and_wraps(rounding: Rounding) -> None:
    codes = np.arange(-40, 41)
    op = Requantise((Fraction(1, 4),), (Fraction(1),), IntRange(-8, 7), rounding)
    fixed = FixedType(4, 0, True, rounding, SAT)
    assert fixed.assigned(codes, -2).tolist() == op.evaluate(codes[:, None])[:, 0].tolist()
    assert replace(fixed, overflow=SYMMETRIC).assigned(codes, -2).min() == -7
    wrapped = replace(fixed, overflow=WRAP).assigned(codes, 0)
    assert wrapped.tolist() == [(code + 8) % 16 - 8 for code in codes]
    finer = FixedType(10, -3, True).assigned(codes, 0)
    assert finer.tolist() == [code * 8 for code in range(-40, 41)]
