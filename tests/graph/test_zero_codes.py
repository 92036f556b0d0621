"""Constants that no 64 bits hold are no obstacle: not to codes that are all zero, not to limits."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from onnx_models import Model

from levelone.graph import IntRange, read_qonnx
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


@pytest.mark.parametrize("bits", [26, 30, 31])
def test_limits_beyond_64_bits_are_no_overflow(bits: int) -> None:
    """A leaky rectifier of a wide square ends on the host: its codes would not fit."""
    m = Model(x=(3,))
    q = m.quant("x", 2.0**-10, bits)
    graph = read_qonnx(m.build(m.add("LeakyRelu", m.add("Mul", q, q), out="y")))
    assert graph.tail is not None
