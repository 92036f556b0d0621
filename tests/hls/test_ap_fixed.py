"""Types as the vendor's C++ spells them, and what hls4ml cannot carry."""

from __future__ import annotations

from fractions import Fraction

import pytest

from levelone.errors import UnsupportedError
from levelone.graph import GraphBuilder, IntRange, Rounding
from levelone.graph.ops import Relu, Requantise
from levelone.hardware.types import FixedType, Overflow
from levelone.hls import HlsConfig
from levelone.hls.ap_fixed import ROUNDINGS, ApFixed, ap
from levelone.hls.lower import lower


@pytest.mark.parametrize(
    ("fixed", "text"),
    [
        (FixedType(4, -2, False), "ap_ufixed<4,2>"),
        (FixedType(4, 0, True), "ap_fixed<4,4>"),
        (FixedType(1, 3, True), "ap_fixed<1,4>"),
        (FixedType(3, -8, False), "ap_ufixed<3,-5>"),
        (FixedType(4, -3, False, Rounding.ROUND, Overflow.SATURATE), "ap_ufixed<4,1,AP_RND_CONV,AP_SAT,0>"),
        (FixedType(4, -3, True, Rounding.DOWN, Overflow.SYMMETRIC), "ap_fixed<4,1,AP_TRN_ZERO,AP_SAT_SYM,0>"),
        (FixedType(4, -3, True, Rounding.HALF_UP), "ap_fixed<4,1,AP_RND_INF,AP_WRAP,0>"),
    ],
)
def test_a_type_is_spelt_as_the_vendor_does_and_holds_the_same(fixed: FixedType, text: str) -> None:
    assert ap(fixed) == text
    assert ApFixed.of(fixed).range == fixed.range
    assert ApFixed.of(fixed).exact == fixed.exact


@pytest.mark.parametrize("mode", Rounding)
def test_rounding_that_no_type_does_takes_a_layer_of_its_own(mode: Rounding) -> None:
    b = GraphBuilder("one")
    x = b.input("x_q", (2,), Fraction(1, 4), IntRange(-99, 99))
    op = Requantise((Fraction(1, 4),), (Fraction(1),), IntRange(-8, 7), mode)
    spec = lower(b.build(b.node("y", op, x)), HlsConfig())[-1]
    assert (spec.body is None) == (mode in ROUNDINGS)


def test_values_wider_than_a_trace_are_refused() -> None:
    def widest(hi: int) -> FixedType:
        b = GraphBuilder("wide")
        x = b.input("x_q", (2,), Fraction(1), IntRange(0, hi))
        return lower(b.build(b.node("y", Relu(), x)), HlsConfig())[0].result

    assert widest(2**53 - 1).width == 53
    with pytest.raises(UnsupportedError, match="54 bits"):
        widest(2**53)
