"""Thresholds, and the kernels made from them, against the meaning itself."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from levelone.graph import GraphBuilder, IntRange, Rounding, execute
from levelone.graph.ops import Requantise
from levelone.graph.plan import kernel_for
from levelone.graph.rounding import boundaries, boundary

ONE = (Fraction(1),)


@pytest.mark.parametrize("mode", list(Rounding))
@pytest.mark.parametrize("multiplier", [Fraction(1, 3), Fraction(-2, 7), Fraction(5, 2), Fraction(1, 8)])
@pytest.mark.parametrize("offset", [Fraction(0), Fraction(1, 2), Fraction(-5, 3)])
def test_output_is_the_number_of_thresholds_reached(mode, multiplier, offset) -> None:
    op = Requantise((multiplier,), ONE, IntRange(-5, 6), mode, (offset,), zero_point=2)
    (entries,) = op.thresholds(1)
    codes = np.arange(-60, 61)
    for code, output in zip(codes.tolist(), op.evaluate(codes[:, None])[:, 0].tolist(), strict=True):
        reached = sum(code >= e if multiplier > 0 else code <= e for e in entries)
        assert output == op.range.lo + reached - 2


def test_boundary_of_each_mode() -> None:
    half = Fraction(1, 2)
    assert boundary(1, Rounding.ROUND) == (half, False)
    assert boundary(2, Rounding.ROUND) == (3 * half, True)
    assert boundary(0, Rounding.HALF_UP) == (-half, False)
    assert boundary(0, Rounding.HALF_DOWN) == (-half, True)


@pytest.mark.parametrize("mode", list(Rounding))
@pytest.mark.parametrize(
    "codes", [np.arange(-9, 10), np.array([-(2**80), -1, 0, 1, 2**80 + 1], dtype=object)]
)
def test_boundaries_are_those_of_each_code(mode, codes) -> None:
    doubled, attained = boundaries(codes, mode)
    assert doubled.dtype == codes.dtype and attained.dtype == bool
    found = zip((Fraction(int(n), 2) for n in doubled), attained.tolist(), strict=True)
    assert list(found) == [boundary(int(code), mode) for code in codes]


def test_a_multiplier_of_zero_has_none() -> None:
    with pytest.raises(ValueError, match="multiplier of 0"):
        Requantise((Fraction(0),), ONE, IntRange(0, 3)).thresholds(1)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data())
def test_general_multipliers_at_every_width(data: st.DataObject) -> None:
    """Operands up to 52 bits: codes around every threshold, both ends, and random ones."""
    width = data.draw(st.integers(2, 52))
    channels = data.draw(st.integers(1, 3))
    x_range = IntRange(-(2 ** (width - 1)), 2 ** (width - 1) - 1)
    limits = IntRange(*sorted(data.draw(st.tuples(st.integers(-130, 3), st.integers(4, 130)))))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    spread = 2.0 ** (7 - width) * rng.uniform(0.2, 3, channels) * rng.choice([1, 1, -1], channels)
    multiplier = tuple(Fraction(float(m)) for m in spread.astype(np.float32))
    offset = tuple(Fraction(float(b)) for b in rng.normal(0, 9, channels).astype(np.float32))
    mode = data.draw(st.sampled_from(list(Rounding)))
    op = Requantise(multiplier, ONE, limits, mode, offset, data.draw(st.integers(-9, 9)))
    b = GraphBuilder("general")
    graph = b.build(b.node("y", op, b.input("x_q", (channels,), Fraction(1), x_range)))
    near = [e + d for row in op.thresholds(channels) for e in row for d in (-1, 0, 1)]
    near += [x_range.lo, x_range.hi, 0, *rng.integers(x_range.lo, x_range.hi + 1, 50).tolist()]
    codes = np.array([[c] * channels for c in near if c in x_range], dtype=np.int64)
    assert kernel_for(graph, graph.node("y")).run.__name__ == "run"  # a fast kernel, not the meaning
    assert (execute(graph, {"x_q": codes})["y"] == op.evaluate(codes)).all()


def test_huge_terms_that_cancel() -> None:
    """Between terms of 2**60 a float would lose the units: a shift is fitted to the thresholds instead."""
    op = Requantise((Fraction(2**40, 3),), ONE, IntRange(-100, 100), offset=(Fraction(-(2**60), 3),))
    b = GraphBuilder("cancel")
    x = b.input("x_q", (1,), Fraction(1), IntRange(2**20 - 2, 2**21))
    graph = b.build(b.node("y", op, x))
    codes = np.arange(2**20 - 2, 2**20 + 3)[:, None]
    assert execute(graph, {"x_q": codes})["y"][:, 0].tolist() == [-100, -100, 0, 100, 100]
