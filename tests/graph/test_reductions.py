"""Sums, means and extremes over any axes, in the layouts that frameworks export."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_models import Model, compare, weights

from levelone.graph import read_qonnx
from levelone.graph.ops import Dense, Transpose

KINDS = ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin"]


def reduced(m: Model, kind: str, x: str, axes: list[int], keep: int) -> str:
    if kind == "ReduceSum":
        return m.add(kind, x, np.array(axes, dtype=np.int64), keepdims=keep, out="y")
    return m.add(kind, x, axes=axes, keepdims=keep, out="y")


@pytest.mark.parametrize("keep", [0, 1])
@pytest.mark.parametrize("axes", [[1], [2], [3], [-1], [1, 2], [1, 3], [2, 3], [3, 1], [1, 2, 3]])
@pytest.mark.parametrize("kind", KINDS)
def test_any_axes_of_an_image(kind: str, axes: list[int], keep: int) -> None:
    m = Model(x=(2, 4, 8))  # means over powers of two are exact in float32
    model = m.build(reduced(m, kind, m.quant("x", 0.25, 6), axes, keep))
    assert compare(model) >= 2
    graph = read_qonnx(model)
    wanted = tuple(1 if i + 1 in [a % 4 for a in axes] else n for i, n in enumerate((2, 4, 8)))
    kept = tuple(n for i, n in enumerate((2, 4, 8)) if i + 1 not in [a % 4 for a in axes])
    assert graph.layouts[graph.outputs[0]].shape == (wanted if keep else kept)


@pytest.mark.parametrize("kind", ["ReduceSum", "ReduceMean", "ReduceMax"])
def test_deep_sets(kind: str) -> None:
    """[event, particle, feature]: a dense layer shared by particles, then one number per feature."""
    m = Model(x=(8, 4))
    t = m.add("Relu", m.add("MatMul", m.quant("x", 0.25, 6), m.weight(weights(4, 6), 0.25)))
    t = m.quant(t, 0.5, 5, signed=0, out="t")
    pooled = m.quant(reduced(m, kind, t, [1], 0), 0.5, 8, signed=0)
    m.add("MatMul", pooled, m.weight(weights(6, 3), 0.25), out="z")
    graph = read_qonnx(m.build("z"))
    names = [node.name for node in graph]
    moved = [node for node in graph if isinstance(node.op, Transpose) and names.index(node.name) > 1]
    assert compare(m.build("z")) >= 6 and not moved


@pytest.mark.parametrize("kind", KINDS)
def test_features_of_one_event(kind: str) -> None:
    """The sum of the squares of a latent vector, an anomaly score."""
    m = Model(x=(12,))
    t = m.quant(m.add("MatMul", m.quant("x", 0.25, 6), m.weight(weights(12, 4), 0.25)), 0.25, 8)
    model = m.build(reduced(m, kind, m.add("Mul", t, t), [1], 1))
    assert compare(model) >= 4


def test_scales_by_channel_are_summed_on_one_grid() -> None:
    m = Model(x=(4, 4, 2))
    scales = np.array([0.25, 0.5, 0.125, 1]).reshape(1, 4, 1, 1)
    model = m.build(reduced(m, "ReduceSum", m.quant("x", scales, 6), [1, 2], 0))
    assert compare(model) >= 2


def test_inputs_of_dense_layers_over_rows_need_no_transpose() -> None:
    m = Model(x=(8, 4))
    m.add("MatMul", m.quant("x", 0.25, 6), m.weight(weights(4, 6), 0.25), out="y")
    graph = read_qonnx(m.build("y"))
    assert [type(node.op) for node in graph] == [Dense] and graph.inputs[0].value.shape == (8, 4)
    assert compare(m.build("y")) == 2
