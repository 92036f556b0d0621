"""Codes that are all zero: constants that no 64 bits hold are no obstacle."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from levelone.graph import IntRange
from levelone.graph.operation import Op
from levelone.graph.ops import AddRequantise, Affine, Requantise

HUGE = 2**70 + 1
UNIT, RANGE, RATIO = (Fraction(1),), IntRange(-8, 7), (Fraction(HUGE, 3),)
OPERATIONS: dict[str, tuple[Op, int]] = {
    "requantise": (Requantise(RATIO, UNIT, RANGE), 1),
    "add and requantise": (AddRequantise((RATIO, UNIT), (Fraction(0),), UNIT, RANGE), 2),
    "affine": (Affine((HUGE,), (0,), UNIT), 1),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_huge_constants_times_zero(name: str) -> None:
    op, operands = OPERATIONS[name]
    found = op.evaluate(*[np.zeros((2, 1), dtype=np.int64)] * operands)
    assert found.tolist() == [[0], [0]]
