"""Ranges are not only sound but tight: on tiny layers every bound is attained by some input."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from levelone.graph import IntRange, Rounding, Value
from levelone.graph.ops import (
    Add,
    Affine,
    AveragePool,
    Concat,
    Conv,
    Dense,
    Lookup,
    MaxPool,
    Multiply,
    Pad,
    Relu,
    Requantise,
    Reshape,
    Staircase,
    Transpose,
    Upsample,
)
from levelone.graph.ops._rounding import ranges_of


def every_input(value: Value) -> np.ndarray:
    """All code tensors that the value's ranges allow: int64 [event, *shape]."""
    ranges = value.channel_ranges or (value.range,) * value.shape[-1]
    axes = [range(r.lo, r.hi + 1) for _ in range(value.size // value.shape[-1]) for r in ranges]
    return np.array(list(product(*axes)), dtype=np.int64).reshape(-1, *value.shape)


def value(shape, lo, hi, ranges=()) -> Value:
    return Value("x", shape, (Fraction(1, 4),), IntRange(lo, hi), ranges)


def assert_tight(op, *inputs: Value) -> None:
    found = op.evaluate(*map(every_input, inputs))
    inferred = op.infer("y", *inputs)
    ranges = inferred.channel_ranges or (inferred.range,) * inferred.shape[-1]
    for channel, reach in enumerate(ranges):
        column = found[..., channel]
        assert (int(column.min()), int(column.max())) == (reach.lo, reach.hi)


@pytest.mark.parametrize("reach", [(0, 2), (-2, 1), (1, 2), (-3, -1)])
@pytest.mark.parametrize("pads", [((0, 0),), ((1, 1),), ((2, 0),), ((0, 3),)])
@pytest.mark.parametrize("seed", range(3))
def test_convolution_with_padding(reach, pads, seed) -> None:
    """Zero padding is an operand that the input's range may not even contain."""
    rng = np.random.default_rng(seed)
    op = Conv(
        rng.integers(-3, 4, (3, 1, 2)), rng.integers(-5, 6, 2), (Fraction(1),), (1 + seed,), pads, (1,), 1, 2
    )
    assert_tight(op, value((4, 1), *reach))


def test_convolution_whose_window_never_sees_all_its_taps() -> None:
    weights = np.array([5, 1, 7]).reshape(3, 1, 1)
    op = Conv(weights, np.zeros(1, int), (Fraction(1),), (1,), ((1, 1),), (1,))
    x = value((1, 1), 0, 3)
    assert op.infer("y", x).range == IntRange(0, 3)  # only the middle tap meets data, not 39
    assert_tight(op, x)


def test_grouped_convolution_in_two_dimensions() -> None:
    rng = np.random.default_rng(20)
    op = Conv(
        rng.integers(-3, 4, (2, 1, 1, 2)), rng.integers(-5, 6, 2), (Fraction(1),), (1, 1), ((1, 0), (0, 1)),
        (1, 1), 2,
    )  # fmt: skip
    assert_tight(op, value((2, 1, 2), -2, 3, (IntRange(-2, 1), IntRange(0, 3))))


def test_dense_uses_each_channel_range() -> None:
    op = Dense(np.array([[3, -1], [-2, 5]]), np.array([1, -1]), (Fraction(1),), 4)
    x = value((2,), -4, 7, (IntRange(-4, 1), IntRange(2, 7)))
    assert_tight(op, x)
    assert op.infer("y", x).channel_ranges == (IntRange(-103, -3), IntRange(35, 155))


@pytest.mark.parametrize("mode", list(Rounding))
@pytest.mark.parametrize("multiplier", [Fraction(1, 4), Fraction(-3, 7), Fraction(2)])
def test_requantise(mode, multiplier) -> None:
    op = Requantise((multiplier,), (Fraction(1),), IntRange(-3, 2), mode, (Fraction(1, 3),), 1)
    assert_tight(op, value((1,), -9, 14))
    assert_tight(op, value((1,), 1, 2))


@pytest.mark.parametrize("include_pad", [True, False])
@pytest.mark.parametrize("reach", [(0, 2), (-2, 1), (1, 2), (-3, -1)])
def test_average_pool(include_pad, reach) -> None:
    assert_tight(AveragePool((2,), (2,), ((1, 1),), (1,), include_pad), value((4, 1), *reach))
    assert_tight(AveragePool((3,), (1,), ((1, 0),), (1,), include_pad), value((4, 1), *reach))


def test_the_rest() -> None:
    x = value((2, 2), -2, 1, (IntRange(-2, -1), IntRange(0, 1)))
    assert_tight(Relu(), x)
    assert_tight(MaxPool((2,), (1,), ((1, 0),), (1,)), x)
    assert_tight(Affine((3, -2), (1, 1), (Fraction(1),)), x)
    assert_tight(Reshape((4,)), x)
    assert_tight(Reshape((1, 2, 2)), x)
    assert_tight(Transpose((1, 0)), x)
    rng = np.random.default_rng(21)
    assert_tight(Lookup(-3, rng.integers(-9, 9, (2, 6)), (Fraction(1),)), x)
    steps = np.array([[-2, 0, 1], [-1, 1, 2]])
    assert_tight(Staircase(steps, rng.integers(-9, 9, (2, 4)), (Fraction(1),)), x)
    assert_tight(Upsample((2,)), x)
    for mode in ("constant", "reflect", "edge"):
        assert_tight(Pad(((1, 0), (0, 0)), mode, 5), x)
        assert_tight(Pad(((0, 1), (1, 1)), mode, -7), x)


def test_binary_operations() -> None:
    a, b = value((1,), -2, 3), value((1,), 1, 4)
    left, right = (g.reshape(-1, 1) for g in np.meshgrid(np.arange(-2, 4), np.arange(1, 5)))
    for op in (Add(), Concat(0), Multiply()):
        found = op.evaluate(left, right)
        inferred = op.infer("y", a, b)
        ranges = inferred.channel_ranges or (inferred.range,)
        for channel, reach in enumerate(ranges):
            assert (found[..., channel].min(), found[..., channel].max()) == (reach.lo, reach.hi)


@pytest.mark.parametrize(
    ("reach", "width", "signed"),
    [((0, 0), 1, False), ((0, 1), 1, False), ((0, 255), 8, False), ((0, 256), 9, False), ((-1, 0), 1, True),
     ((-128, 127), 8, True), ((-129, 0), 9, True), ((-1, 128), 9, True), ((-8, -3), 4, True)],
)  # fmt: skip
def test_widths_are_the_smallest_that_hold_the_range(reach, width, signed) -> None:
    found = IntRange(*reach)
    assert (found.width, found.signed) == (width, signed)


def test_huge_bounds_are_exact() -> None:
    """Beyond 64 bits bounds are Python integers: nothing wraps."""
    x = Value("x", (3,), (Fraction(1),), IntRange(-(2**62), 2**62))
    found = Dense(np.full((3, 1), 2**40), np.array([5]), (Fraction(1),)).infer("y", x)
    assert found.range == IntRange(-3 * 2**102 + 5, 3 * 2**102 + 5)
    assert found.width == 105


def test_rows_are_channels_or_one_that_stands_for_all() -> None:
    own = (IntRange(-1, 3), IntRange(0, 5))
    each, alike = value((4, 2), -1, 5, own), value((4, 2), -1, 5)
    assert ranges_of(each, 2) == own
    assert ranges_of(alike, 2) == (alike.range, alike.range)
    assert ranges_of(each, 1) == ranges_of(alike, 1) == (IntRange(-1, 5),)
