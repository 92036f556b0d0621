from fractions import Fraction

import pytest

from levelone.errors import UnsupportedError
from levelone.graph import IntRange, Rounding, Value
from levelone.hardware.types import FixedType, clipping_type, exact_type, value_type


def value(lo: int, hi: int, exponent: int = -3) -> Value:
    return Value("v", (2,), (Fraction(2) ** exponent,), IntRange(lo, hi))


@pytest.mark.parametrize(
    ("lo", "hi", "exponent", "ap"),
    [
        (0, 15, -2, "ap_ufixed<4,2>"),
        (0, 16, -2, "ap_ufixed<5,3>"),
        (-8, 7, 0, "ap_fixed<4,4>"),
        (-9, 7, 0, "ap_fixed<5,5>"),
        (-1, 0, 3, "ap_fixed<1,4>"),
        (0, 0, 0, "ap_ufixed<1,1>"),
        (3, 7, -8, "ap_ufixed<3,-5>"),
    ],
)
def test_the_type_holds_the_range_and_no_more(lo: int, hi: int, exponent: int, ap: str) -> None:
    fixed = value_type(value(lo, hi, exponent))
    assert fixed.ap == ap
    assert lo in fixed.range and hi in fixed.range
    if fixed.width > 1:
        smaller = FixedType(fixed.width - 1, exponent, fixed.signed)
        assert lo not in smaller.range or hi not in smaller.range


def test_scales_that_are_not_a_power_of_two_are_carried_as_plain_integers() -> None:
    thirds = Value("v", (2,), (Fraction(1, 3),), IntRange(0, 1))
    channels = Value("v", (2,), (Fraction(1), Fraction(1, 2)), IntRange(-4, 1))
    assert (value_type(thirds).ap, value_type(channels).ap) == ("ap_ufixed<1,1>", "ap_fixed<3,3>")


def test_values_wider_than_a_trace_are_refused() -> None:
    assert value_type(value(0, 2**53 - 1)).width == 53
    with pytest.raises(UnsupportedError, match="54 bits"):
        value_type(value(0, 2**53))


@pytest.mark.parametrize(
    ("range_", "clip", "unclipped", "ap"),
    [
        ((0, 15), (0, 15), (-5, 99), "ap_ufixed<4,1,AP_RND_CONV,AP_SAT,0>"),
        ((-8, 7), (-8, 7), (-50, 99), "ap_fixed<4,1,AP_RND_CONV,AP_SAT,0>"),
        ((-7, 7), (-7, 7), (-50, 99), "ap_fixed<4,1,AP_RND_CONV,AP_SAT_SYM,0>"),
        ((-3, 6), (-8, 7), (-3, 6), "ap_fixed<4,1,AP_RND_CONV,AP_WRAP,0>"),
        # only the upper end is ever clipped: the lower one need not be the type's
        ((0, 7), (-8, 7), (0, 99), "ap_ufixed<3,0,AP_RND_CONV,AP_SAT,0>"),
        ((-2, 7), (-8, 7), (-2, 99), "ap_fixed<4,1,AP_RND_CONV,AP_SAT,0>"),
    ],
)
def test_clipping_is_the_saturation_of_the_type(
    range_: tuple[int, int], clip: tuple[int, int], unclipped: tuple[int, int], ap: str
) -> None:
    made = clipping_type(value(*range_), IntRange(*clip), Rounding.ROUND, IntRange(*unclipped))
    assert made is not None and made.ap == ap


def test_clipping_that_no_type_does() -> None:
    assert clipping_type(value(0, 9), IntRange(0, 9), Rounding.ROUND, IntRange(0, 20)) is None
    assert clipping_type(value(-5, 7), IntRange(-5, 7), Rounding.ROUND, IntRange(-20, 20)) is None


@pytest.mark.parametrize("mode", [Rounding.CEIL, Rounding.UP])
def test_rounding_that_no_type_does(mode: Rounding) -> None:
    assert clipping_type(value(0, 15), IntRange(0, 15), mode) is None


def test_exact_types_are_marked_as_such() -> None:
    assert exact_type(IntRange(0, 3), 0).exact
    made = clipping_type(value(0, 15), IntRange(0, 15), Rounding.ROUND, IntRange(0, 99))
    assert made is not None and not made.exact
