"""The smallest multiplier of every channel, against a search over all factors and terms."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from levelone.graph import IntRange, Rounding
from levelone.graph.ops import Requantise
from levelone.graph.ops._rounding import ranges_of
from levelone.graph.values import Value
from levelone.hardware import multiplier as search
from levelone.hardware.choose import smallest_scaling
from levelone.hardware.forms import Scaling
from levelone.hardware.multiplier import Multiplier, smallest_multiplier
from levelone.hardware.prove import prove
from levelone.hardware.staircase import steps_of

MORE = 2
"""Fractional bits beyond the smallest shift that are searched for a shorter factor."""


def exact_codes(op: Requantise, r: IntRange, channel: int) -> NDArray[np.int64]:
    """Results for every code of one channel; `test_prove.py` checks the meaning itself."""
    m, b = (v[channel] if len(v) > 1 else v[0] for v in (op.multiplier, op.offset))
    one = Requantise((m,), (Fraction(1),), op.range, op.rounding, (b,), op.zero_point)
    return one.evaluate(np.arange(r.lo, r.hi + 1)[:, None])[:, 0]


def has_term(
    codes: NDArray[np.int64], exact: NDArray[np.int64], clip: IntRange, factor: int, shift: int
) -> bool:
    """Whether any term makes ``clip((code * factor + term) >> shift)`` exact, looking at every code."""
    low, high = (exact << shift) - codes * factor, ((exact + 1) << shift) - 1 - codes * factor
    free_below, free_above = exact == clip.lo, exact == clip.hi
    least = low[~free_below].max(initial=-(2**50))
    most = high[~free_above].min(initial=2**50)
    return bool(least <= most)


def factors_of(codes: NDArray[np.int64], exact: NDArray[np.int64], clip: IntRange, shift: int) -> list[int]:
    """Every factor of some term, up to twice the steepest that can be needed."""
    most = 2 * (int(np.abs(np.diff(exact)).max()) + 1) << shift
    return [m for m in range(-most, most + 1) if has_term(codes, exact, clip, m, shift)]


def odd_bits(factor: int) -> int:
    """Bits that a multiplication really needs: trailing zeros are wires."""
    factor = abs(factor)
    return (factor // (factor & -factor)).bit_length() if factor else 0


def random_case(rng: np.random.Generator, mode: Rounding, channels: int) -> tuple[Requantise, Value]:
    def scale() -> Fraction:
        sign = -1 if rng.random() < 0.4 else 1
        kind = rng.integers(3)
        if kind == 0:
            return sign * Fraction(float(np.float32(rng.random() * 0.6 + 0.01)))
        if kind == 1:
            return sign * Fraction(int(rng.integers(0, 40)), 2 ** int(rng.integers(0, 7)))
        return sign * Fraction(int(rng.integers(1, 20)), int(rng.integers(1, 60)))

    offset = (Fraction(0),)
    if rng.random() < 0.5:
        offset = tuple(
            Fraction(int(rng.integers(-40, 41)), int(rng.choice([1, 2, 3, 7]))) for _ in range(channels)
        )
    low = int(rng.integers(-9, 2))
    clip = IntRange(low, low + int(rng.integers(1, 20)))
    lows = rng.integers(-60, 30, channels)
    ranges = tuple(IntRange(int(n), int(n) + int(rng.integers(2, 80))) for n in lows)
    hull = IntRange(min(r.lo for r in ranges), max(r.hi for r in ranges))
    x = Value("x", (channels,), (Fraction(1),), hull, ranges if channels > 1 else ())
    zero_point = int(rng.integers(-3, 4)) if rng.random() < 0.3 else 0
    multipliers = tuple(scale() for _ in range(channels))
    return Requantise(multipliers, (Fraction(1),), clip, mode, offset, zero_point), x


def check_smallest(found: Scaling, op: Requantise, x: Value) -> int:
    """Fail if any channel has a smaller multiplier; how many channels were searched."""
    searched = 0
    for channel, r in enumerate(ranges_of(x, x.shape[-1])):
        codes, exact = np.arange(r.lo, r.hi + 1), exact_codes(op, r, channel)
        if exact.min() == exact.max():
            assert found.factor[channel] == 0
            continue
        factor, shift = found.factor[channel], found.shift[channel]
        if shift > 9:
            continue  # too many factors for this search
        for smaller in range(shift):
            assert not factors_of(codes, exact, found.clip, smaller)
        all_of_them = factors_of(codes, exact, found.clip, shift)
        assert factor in all_of_them
        if shift > 0:
            assert all_of_them == [factor]
        for larger in range(shift, shift + MORE + 1):
            assert min(map(odd_bits, factors_of(codes, exact, found.clip, larger))) == odd_bits(factor)
        searched += 1
    return searched


@pytest.mark.parametrize("mode", Rounding)
def test_steps_are_where_the_result_changes(mode: Rounding) -> None:
    rng = np.random.default_rng(50 + list(Rounding).index(mode))
    seen = set()
    for _ in range(40):
        op, x = random_case(rng, mode, 3)
        for channel, r in enumerate(ranges_of(x, x.shape[-1])):
            exact = exact_codes(op, r, channel)
            steps = steps_of(op, channel, r)
            # several levels may be passed at one code
            at = np.searchsorted(steps.at.astype(np.int64), np.arange(r.lo, r.hi + 1), side="right")
            assert np.array_equal(np.array([steps.first, *steps.level])[at], exact)
            assert len(steps.at) == exact.max() - exact.min()
            seen.add(int(np.sign(exact[-1] - exact[0])))
    assert seen == {-1, 0, 1}


def test_steps_of_huge_codes_are_exact() -> None:
    unit = Fraction(1, 3 * 2**60)
    op = Requantise((unit,), (Fraction(1),), IntRange(-4, 4), Rounding.FLOOR, (unit,))
    steps = steps_of(op, 0, IntRange(-(2**62), 2**62))
    assert steps.at.tolist() == [3 * 2**60 * n - 1 for n in (-1, 0, 1)]


def test_points_below_their_neighbours_are_no_corners(monkeypatch: pytest.MonkeyPatch) -> None:
    rng, together = np.random.default_rng(8), []
    for _ in range(60):
        codes = np.sort(rng.integers(-900, 900, int(rng.integers(65, 400))))
        levels = rng.integers(-90, 90, len(codes)) + codes // int(rng.integers(2, 30))
        together.append(list(zip(codes.tolist(), levels.tolist(), strict=True)))
    thinned = [search._hull(points) for points in together]
    assert any(len(search._thinned(points)) < len(points) // 2 for points in together)
    monkeypatch.setattr(search, "MANY", 10**9)
    assert thinned == [search._hull(points) for points in together]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", Rounding)
def test_no_channel_has_a_smaller_multiplier(mode: Rounding, channels: int) -> None:
    rng = np.random.default_rng(31 * channels + list(Rounding).index(mode))
    searched = 0
    for _ in range(90 // channels):
        op, x = random_case(rng, mode, channels)
        reach = ranges_of(x, x.shape[-1])
        stairs = [steps_of(op, channel, r) for channel, r in enumerate(reach)]
        found = smallest_scaling(stairs, reach)
        if found is not None:
            prove(op, x, found)
            searched += check_smallest(found, op, x)
            continue
        ends = [exact_codes(op, r, channel) for channel, r in enumerate(reach)]
        clip = IntRange(int(min(e.min() for e in ends)), int(max(e.max() for e in ends)))
        assert any(
            exact.min() < exact.max() and not factors_of(np.arange(r.lo, r.hi + 1), exact, clip, 9)
            for r, exact in zip(reach, ends, strict=True)
        )
    assert searched > 20


def test_a_factor_far_from_the_multiplier_is_found() -> None:
    """7/16 stands for 0.539: neither 8/16 nor 9/16 has a term."""
    op = Requantise((Fraction(9043647, 16777216),), (Fraction(1),), IntRange(-7, 4), Rounding.DOWN)
    x = Value("x", (1,), (Fraction(1),), IntRange(-7, 23))
    found = smallest_scaling([steps_of(op, 0, x.range)], (x.range,))
    assert found is not None and check_smallest(found, op, x) == 1
    prove(op, x, found)


def test_channels_have_shifts_of_their_own() -> None:
    op = Requantise(
        (Fraction(1, 2), Fraction(37, 1000), Fraction(-3, 8)),
        (Fraction(1),),
        IntRange(-99, 99),
        Rounding.FLOOR,
    )
    x = Value("x", (3,), (Fraction(1),), IntRange(-200, 200))
    reach = ranges_of(x, x.shape[-1])
    found = smallest_scaling([steps_of(op, c, r) for c, r in enumerate(reach)], reach)
    assert found is not None
    assert (found.factor[0], found.shift[0]) == (1, 1)
    assert (found.factor[2], found.shift[2]) == (-3, 3)
    assert found.shift[1] > 3
    prove(op, x, found)


def test_an_end_that_is_open() -> None:
    """One step, clipped on both sides: any positive factor has a term."""
    assert smallest_multiplier([(5, 3)], [(4, 3)]) == Multiplier(1, -2, 0)
    assert smallest_multiplier([(4, 3)], [(5, 3)]) == Multiplier(-1, 7, 0)
    assert smallest_multiplier([(5, 3)], [(5, 3)]) is None
    assert smallest_multiplier([(0, 0), (1, 3)], [(0, 1), (1, 9)]) == Multiplier(4, 0, 0)  # of 3 to 8
