"""Products of two computed matrices: scores of attention, and what they weigh."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hls_graphs import assert_exact
from onnx_models import Model, compare, weights

from levelone.errors import UnsupportedError
from levelone.graph import IntRange, read_qonnx
from levelone.graph.ops import MatMul
from levelone.graph.values import Value

f32 = np.float32


def head(tokens: int = 8) -> Model:
    """One head of attention without softmax: what each token asks meets what each token has."""
    m = Model(x=(tokens, 6))
    x = m.quant("x", 0.25, 5)
    q, k, v = (
        m.quant(m.add("MatMul", x, m.weight(weights(6, 4, seed=seed), 0.125)), 0.25, 5) for seed in range(3)
    )
    scores = m.add("MatMul", q, m.add("Transpose", k, perm=[0, 2, 1]), out="scores")
    scores = m.quant(m.add("Mul", scores, f32(0.5)), 0.25, 6)
    seen = m.quant(m.add("MatMul", scores, v, out="seen"), 0.5, 8)
    m.add("MatMul", seen, m.weight(weights(4, 6, seed=3), 0.125), out="y")
    return m


def test_a_head_of_attention_is_what_qonnx_computes() -> None:
    model = head().build("y")
    graph = read_qonnx(model)
    assert [type(node.op) for node in graph].count(MatMul) == 2
    assert compare(model) >= 10


@pytest.mark.parametrize("shapes", [((2, 5, 3), (2, 3, 4)), ((4, 2), (2, 5)), ((2, 3, 2, 4), (2, 3, 4, 2))])
def test_matrices_side_by_side(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    m = Model(x=shapes[0], z=shapes[1])
    a = m.add("Mul", m.quant("x", 0.25, 5), f32(0.75))  # waits on the product
    model = m.build(m.add("MatMul", a, m.quant("z", 0.5, 4), out="y"))
    graph = read_qonnx(model)
    assert graph.values["y"].range.hi <= 16 * 8 * shapes[0][-1]
    assert compare(model) >= 2


@pytest.mark.parametrize("shapes", [((2, 5, 3), (3, 4)), ((2, 5, 3), (1, 3, 4))])
def test_other_axes_must_be_equal(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    m = Model(x=shapes[0], z=shapes[1])
    m.add("MatMul", m.quant("x", 0.25, 5), m.quant("z", 0.5, 4), out="y")
    with pytest.raises(UnsupportedError, match="multiplies activations of shapes"):
        read_qonnx(m.build("y"))


def test_the_register_holds_what_is_on_its_way() -> None:
    """A row of products of both signs: some of them reach further than all of them."""
    a = Value("a", (1, 2), (1,), IntRange(1, 3), (IntRange(1, 3), IntRange(-3, -1)))
    b = Value("b", (2, 1), (1,), IntRange(2, 5))
    op = MatMul(2)
    assert op.infer("y", a, b).range == IntRange(2 - 15, 15 - 2)
    assert op.accumulator_range(a, b) == IntRange(-15, 15)


@pytest.mark.slow
@pytest.mark.parametrize("io", ["parallel", "stream"])
def test_a_head_of_attention_is_exact_in_csim(io: str, tmp_path: Path) -> None:
    assert_exact(read_qonnx(head().build("y")), io, tmp_path)
