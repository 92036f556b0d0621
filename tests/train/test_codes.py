"""The trained module's integers are exact where float32 holds them no longer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from levelone.graph import execute, from_onnx_layout, quantise_inputs, read_qonnx
from levelone.graph.inputs import real_inputs
from levelone.quant.calibrate import calibrate
from levelone.quant.export import export_qonnx
from levelone.quant.layers import QuantLayers
from levelone.quant.wiring import Wired
from levelone.recipe import Bits, QuantSection
from levelone.train.codes import layer_codes
from levelone.verify import random_vectors


class TwoLayers(Wired):
    """Sums of 16-bit operands, weights of 8 or 16 bits, a fan-in of 64: up to 30 or 38 bits, both signs."""

    def __init__(self, layers: QuantLayers) -> None:
        super().__init__(layers, {"x": (1, 4, 4, 4)})
        x = self.step("x_q", layers.input("x_q", signed=True), "x")
        x = self.step("flat", layers.flatten("flat", (x,)), x)
        x = self.step("fc1", layers.dense("fc1", (x,), (64, 24), norm=None), x)
        x = self.step("fc1_act", layers.relu("fc1"), x)
        self.step("logit", layers.dense("logit", (x,), (24, 2), norm=None), x)


@pytest.fixture(scope="module", params=[8, 16])
def network(request: pytest.FixtureRequest) -> TwoLayers:
    torch.manual_seed(1)
    wide = QuantSection(inputs={"x": 16}, default=Bits(weight=request.param, bias=24, activation=16))
    made = TwoLayers(QuantLayers(wide))
    calibrate(made, [torch.randn(64, 1, 4, 4, 4)])
    return made.eval()


def test_sums_of_more_than_24_bits_are_exact(network: TwoLayers, tmp_path: Path) -> None:
    path = export_qonnx(network, {"x": torch.zeros(1, 1, 4, 4, 4)}, tmp_path / "wide.onnx")
    graph = read_qonnx(path)
    real = real_inputs(graph, random_vectors(graph, 300, 1))
    found = execute(graph, quantise_inputs(graph, real), keep="all")
    codes = layer_codes(network, real, batch=64)
    assert np.abs(codes["fc1"]).max() >= 2**24
    for name, values in codes.items():
        assert np.array_equal(found[name], from_onnx_layout(graph, name, values)), name


def test_the_module_itself_stays_as_it_is(network: TwoLayers) -> None:
    network.train()
    layer_codes(network, {"x": np.ones((2, 1, 4, 4, 4), np.float32)})
    assert network.training
    assert {value.dtype for value in network.state_dict().values() if value.is_floating_point()} == {
        torch.float32
    }
    assert not any(layer._forward_hooks for layer in network.modules())
    network.eval()


@pytest.mark.parametrize("broken", [2.0**70, float("inf"), float("nan")])
def test_what_float64_cannot_hold_is_refused(network: TwoLayers, broken: float) -> None:
    handle = network.logit.register_forward_hook(lambda layer, arguments, result: result + broken)
    try:
        with pytest.raises(ArithmeticError, match="logit: a sum needs more than the 53 bits"):
            layer_codes(network, {"x": np.ones((2, 1, 4, 4, 4), np.float32)})
    finally:
        handle.remove()
