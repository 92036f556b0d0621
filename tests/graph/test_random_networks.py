"""Whole networks at random: each equals qonnx's own execution at every tensor, or is refused in words."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from cases import seeded
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from onnx_models import Model, compare, real_inputs, run_qonnx
from random_models import random_model

from levelone.errors import LeveloneError
from levelone.graph import execute, quantise_inputs, read_qonnx, to_onnx_layout

FLOAT_BITS = 24
"""Widest codes that float32 execution holds exactly."""


def difference(model: onnx.ModelProto, seed: int) -> str | None:
    """The first value that differs from qonnx's execution; `LeveloneError` if the network is refused."""
    graph = read_qonnx(model)
    rng = np.random.default_rng(seed)
    real = {
        info.name: (np.round(rng.standard_normal((2, *_shape(info))) * 24) / 8).astype(np.float32)
        for info in real_inputs(model)
    }
    used = {port.source for port in graph.inputs}
    layers = execute(graph, quantise_inputs(graph, {k: v for k, v in real.items() if k in used}))
    if any(value.width > FLOAT_BITS for value in graph.values.values()):
        return None
    executed = run_qonnx(model, real)
    for name, value in graph.values.items():
        tensor = graph.layouts[name].tensor
        if tensor and tensor in executed:
            found = to_onnx_layout(graph, name, layers[name] * np.array([float(s) for s in value.scale]))
            wanted = executed[tensor].astype(np.float64)
            if found.size != wanted.size or (found != wanted.reshape(found.shape)).any():
                return name
    return None


def _shape(info: onnx.ValueInfoProto) -> list[int]:
    return [d.dim_value for d in info.type.tensor_type.shape.dim[1:]]


@pytest.mark.slow
@settings(max_examples=100, deadline=None, derandomize=True, phases=[Phase.generate])
@given(data=st.data())
def test_random_networks_equal_qonnx_or_are_refused(data: st.DataObject) -> None:
    model = random_model(lambda lo, hi: data.draw(st.integers(lo, hi)))
    try:
        assert difference(model, 0) is None
    except LeveloneError as error:
        assert error.message.strip()


def test_most_random_networks_are_read() -> None:
    """Refusing everything would pass the test above."""
    read = 0
    for seed in range(60):
        try:
            read_qonnx(random_model(seeded(seed)))
            read += 1
        except LeveloneError:
            pass
    assert read >= 55


def test_a_wrong_reader_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Padding read the wrong way round is found within a few dozen networks."""
    from levelone.graph.reader import linear

    right = linear.window_of

    def wrong(*operands):
        window = right(*operands)
        return type(window)(
            window.kernel, window.stride, tuple((e, b) for b, e in window.pads), window.dilation
        )

    monkeypatch.setattr(linear, "window_of", wrong)
    found = []
    for seed in range(80):
        try:
            found.append(difference(random_model(seeded(seed)), seed))
        except LeveloneError:
            continue
        if found[-1]:
            return
    raise AssertionError("80 networks did not notice")


def test_a_pooled_view_before_a_convolution() -> None:
    """Found by random networks: pooling with strides hands on a view, along which windows must not slide."""
    m = Model(x=(3, 2, 5))
    pooled = m.add("AveragePool", m.quant("x", 0.25, 5), kernel_shape=[2, 1], strides=[2, 2])
    weights = np.random.default_rng(1).standard_normal((2, 3, 1, 3))
    assert compare(m.build(m.add("Conv", pooled, m.weight(weights, 0.125)))) == 3
