"""What an accumulator holds, against plain loops over taps, channels and orders of adding."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from levelone.graph import IntRange
from levelone.graph.ops import Conv, Dense, LocallyConnected
from levelone.graph.values import Value

ONE = (Fraction(1),)


def random_value(rng: np.random.Generator, shape: tuple[int, ...]) -> Value:
    lows = rng.integers(-20, 6, shape[-1])
    ranges = tuple(IntRange(int(n), int(n) + int(rng.integers(0, 25))) for n in lows)
    return Value("x", shape, ONE, IntRange(min(r.lo for r in ranges), max(r.hi for r in ranges)), ranges)


def random_conv(rng: np.random.Generator, groups: int, per_group: int, filters: int, bias: int = 60) -> Conv:
    weights = rng.integers(-7, 8, (2, 3, per_group, groups * filters))
    step = int(rng.choice([1, 2, 3]))
    pads = ((1, 0), (1, 1))
    return Conv(weights, rng.integers(-bias, bias, groups * filters), ONE, (1, 1), pads, (1, 1), groups, step)


def terms(op: Conv | Dense, x: Value, j: int) -> list[tuple[int, range]]:
    """Weight, times step, and reachable codes of every product in output channel `j`, one by one."""
    groups = op.groups if isinstance(op, Conv) else 1
    per_group, filters = op.weights.shape[-2], op.weights.shape[-1] // groups
    found = []
    for tap in itertools.product(*(range(n) for n in op.weights.shape[:-2])):
        for i in range(per_group):
            r = x.channel_ranges[j // filters * per_group + i]
            found.append((int(op.weights[(*tap, i, j)]) * op.step, range(r.lo, r.hi + 1)))
    return found


def worst_sums(op: Conv | Dense, x: Value) -> list[int]:
    """Every number that a register holds while adversarial operands are added, worst ones first."""
    held = []
    for j, bias in enumerate(op.bias):
        products = [(min(w * r[0], w * r[-1], 0), max(w * r[0], w * r[-1], 0)) for w, r in terms(op, x, j)]
        held += [bound for pair in products for bound in pair]
        for side in range(2):
            total = int(bias)
            held.append(total)
            for pair in products:  # a term on the other side may come last: it is not yet in the register
                total += pair[side]
                held.append(total)
    return held


CASES = [(1, 3, 4), (4, 1, 1), (2, 2, 3), (3, 1, 2)]
"""(groups, channels in and out of each): whole, depthwise, grouped, two channels of each depthwise."""


@pytest.mark.parametrize(("groups", "per_group", "filters"), CASES)
@pytest.mark.parametrize("seed", range(6))
def test_the_range_is_what_adversarial_operands_reach(
    groups: int, per_group: int, filters: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x = random_value(rng, (5, 6, groups * per_group))
    op = random_conv(rng, groups, per_group, filters)
    held = worst_sums(op, x)
    assert op.accumulator_range(x) == IntRange(min(held), max(held))


@pytest.mark.parametrize("seed", range(6))
def test_dense_layers_too(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = random_value(rng, (7,))
    op = Dense(rng.integers(-9, 10, (7, 3)), rng.integers(-99, 99, 3), ONE, int(rng.integers(1, 4)))
    held = worst_sums(op, x)
    assert op.accumulator_range(x) == IntRange(min(held), max(held))


@pytest.mark.parametrize(("groups", "per_group", "filters"), CASES)
def test_locally_connected_layers_hold_what_the_worst_position_needs(
    groups: int, per_group: int, filters: int
) -> None:
    rng = np.random.default_rng(groups)
    x = random_value(rng, (3, 3, groups * per_group))
    parts = [random_conv(rng, groups, per_group, filters) for _ in range(9)]
    step = parts[0].step
    weights, bias = (
        np.stack([getattr(part, key) for part in parts]).reshape(3, 3, *getattr(parts[0], key).shape)
        for key in ("weights", "bias")
    )
    op = LocallyConnected(weights, bias, ONE, (1, 1), ((1, 0), (1, 1)), (1, 1), groups, step)
    held = [n for part in parts for n in worst_sums(replace(part, step=step), x)]
    assert op.accumulator_range(x) == IntRange(min(held), max(held))


def test_inputs_that_reach_both_ends() -> None:
    """An event whose sums, products added in the worst order, are the very bounds."""
    rng = np.random.default_rng(3)
    x = random_value(rng, (4, 5, 6))
    op = random_conv(rng, 3, 2, 2, bias=2)
    bounds = op.accumulator_range(x)
    reached = []
    for side in (min, max):
        for j in range(op.weights.shape[-1]):
            event = np.zeros((1, *x.shape), dtype=np.int64)
            group = slice(j // 2 * 2, j // 2 * 2 + 2)
            for kh, kw, i in np.ndindex(*op.weights.shape[:-1]):
                w, r = int(op.weights[kh, kw, i, j]), x.channel_ranges[group.start + i]
                # where no operand helps, a term of the other side is added last
                event[0, 1 + kh, 1 + kw, group.start + i] = side((r.lo, r.hi), key=lambda code, w=w: code * w)
            window = event[0, 1:3, 1:4, group]
            products = sorted(
                (window * op.weights[..., j] * op.step).reshape(-1).tolist(), reverse=side is max
            )
            reached += list(itertools.accumulate([int(op.bias[j]), *products]))
            assert int(op.evaluate(event)[0, 2, 2, j]) == reached[-1]
    assert (min(reached), max(reached)) == (bounds.lo, bounds.hi)


def test_one_range_for_all_channels_would_be_wider() -> None:
    x = Value("x", (2,), ONE, IntRange(0, 100), (IntRange(0, 1), IntRange(0, 100)))
    op = Dense(np.array([[100], [1]]), np.array([0]), ONE)
    assert op.accumulator_range(x) == IntRange(0, 200)
    assert op.accumulator_range(Value("x", (2,), ONE, x.range)) == IntRange(0, 10_100)


@pytest.mark.parametrize("seed", range(10))
def test_any_weights_and_operands_of_the_same_types_fit_the_wide_range(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = random_value(rng, (4, 4, 4))
    op = random_conv(rng, *((2, 2, 1), (4, 1, 1), (1, 4, 2))[seed % 3])
    wide = op.width_only_range(x)
    narrow = op.accumulator_range(x)
    assert wide.lo <= narrow.lo and narrow.hi <= wide.hi
    # the extreme codes of each type, all at once
    terms_of_one = op.weights[..., 0].size

    def ends(codes: np.ndarray) -> tuple[int, int]:
        r = IntRange(int(codes.min()), int(codes.max()))
        return (-(2 ** (r.width - 1)), 2 ** (r.width - 1) - 1) if r.signed else (0, 2**r.width - 1)

    odd = op.step if op.step % 2 else 1
    weights, biases = ends(op.weights * odd), ends(op.bias)
    operands = ends(np.array([x.range.lo, x.range.hi]))
    products = [w * a * op.step // odd for w in weights for a in operands]
    assert wide.lo == min(0, *products) * terms_of_one + min(0, biases[0])
    assert wide.hi == max(0, *products) * terms_of_one + max(0, biases[1])
