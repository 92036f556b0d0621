"""Look-up tables of a layer alone: those of its last adders, which drive the FIFO of a port, are its own."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from benchmarks.layer_area import alone, counted

from levelone.graph import GraphBuilder, IntRange
from levelone.graph.ops import Dense, Relu

pytest.importorskip("alkaid")
pytest.importorskip("pyosys")


@pytest.mark.slow  # synthesises twice
def test_a_sum_is_counted_though_a_port_is_all_that_reads_it() -> None:
    b = GraphBuilder("sum")
    x = b.input("x_q", (2,), Fraction(1), IntRange(-128, 127))
    b.node("total", Dense(np.array([[1], [1]]), np.array([0]), (Fraction(1),)), x)
    graph = b.build(b.node("positive", Relu(), "total"))
    planned, by_alkaid, found = counted(alone(graph, ["total"]))
    assert found >= 8  # a table for each bit of an operand
    assert planned == pytest.approx(found, abs=1) and by_alkaid == pytest.approx(found, abs=2)
