"""Forms that are read by rules instead of lists, in firmware: csim is exact in both io modes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hls_graphs import assert_exact
from onnx_models import Model, weights

from levelone.graph import Graph, read_qonnx


def usual_block() -> Graph:
    """Conv, BatchNormalization, Relu, MaxPool, Quant with general scales: the quantiser travels."""
    m = Model(x=(2, 8, 8))
    t = m.add("Conv", m.quant("x", 0.0317, 6), m.weight(weights(4, 2, 3, 3), 0.071, 5), pads=[1, 1, 1, 1])
    numbers = np.random.default_rng(5).uniform(0.5, 2, (4, 4))
    t = m.add(
        "MaxPool",
        m.add("Relu", m.add("BatchNormalization", t, *numbers)),
        kernel_shape=[2, 2],
        strides=[2, 2],
    )
    return read_qonnx(m.build(m.quant(t, 0.113, 4, signed=0, out="y")))


def deep_set() -> Graph:
    """A sum over particles in one branch, a maximum over features in the other, and a matrix on the left."""
    m = Model(x=(6, 4))
    t = m.quant(m.add("MatMul", m.quant("x", 0.25, 6), m.weight(weights(4, 5), 0.25)), 0.5, 5)
    t = m.quant(m.add("MatMul", m.weight(weights(3, 6), 0.25), t), 0.5, 6)
    a = m.add("ReduceSum", t, np.array([1], dtype=np.int64), keepdims=0, out="a")
    b = m.add("ReduceMax", m.add("Mul", t, np.array([[1], [0.5], [2]])), axes=[2], keepdims=0, out="b")
    return read_qonnx(m.build(a, b))


@pytest.mark.slow
@pytest.mark.parametrize("io", ["parallel", "stream"])
@pytest.mark.parametrize("make", [usual_block, deep_set])
def test_csim_is_exact(make, io: str, tmp_path: Path) -> None:
    assert_exact(make(), io, tmp_path)
