"""Networks as lists of steps, and what they cost."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from levelone.errors import LeveloneError
from levelone.quant.calibrate import calibrate
from levelone.quant.cost import enclosed_bits, network_cost, weight_codes
from levelone.quant.layers import FloatLayers, QuantLayers
from levelone.quant.wiring import Wired
from levelone.recipe import Bits, QuantSection

QUANT = QuantSection(
    inputs={"x": 5},
    default=Bits(weight=4, bias=12, activation=6),
    layers={"b": Bits(weight=4, bias=12, activation=3)},
)


class Branches(Wired):
    """Two branches of different width, joined, a depthwise convolution, a dense layer."""

    def __init__(self, layers) -> None:
        super().__init__(layers, {"x": (2, 4, 4, 4)})
        x = self.step("x_q", layers.input("x_q", signed=False), "x")
        one = (1, 1, 1)
        a = self.step("a", layers.conv("a", (x,), (2, 3), one, norm=None), x)
        a = self.step("a_act", layers.relu("a"), a)
        b = self.step("b", layers.conv("b", (x,), (2, 1), one, norm=None), x)
        b = self.step("b_act", layers.relu("b"), b)
        both = self.step("both", layers.concat("both", (a, b)), a, b)
        depthwise = layers.conv("dw", (both,), (4, 8), (2, 2, 2), (2, 2, 2), groups=4, bias=False, norm=None)
        value = self.step("dw", depthwise, both)
        value = self.step("dw_q", layers.quantise("dw", signed=True), value)
        value = self.step("flat", layers.flatten("flat", (value,)), value)
        self.step("out", layers.dense("out", (value,), (64, 1), norm=None), value)


@pytest.fixture(scope="module")
def network() -> Branches:
    torch.manual_seed(1)
    made = Branches(QuantLayers(QUANT))
    calibrate(made, [torch.rand(32, 2, 4, 4, 4)])
    return made.eval()


def test_steps_are_the_forward_pass() -> None:
    torch.manual_seed(2)
    made = Branches(FloatLayers()).eval()
    x = torch.rand(3, 2, 4, 4, 4)
    with torch.no_grad():
        both = torch.cat([made.a(x).relu(), made.b(x).relu()], 1)
        assert torch.equal(made(x), made.out(made.dw(both).flatten(1)))


def test_two_layers_of_one_name_are_refused() -> None:
    made = Branches(FloatLayers())
    for name in ("a", "x"):
        with pytest.raises(ValueError, match=f"two layers would be called '{name}'"):
            made.step(name, torch.nn.Identity(), "x_q")


def test_bits_follow_channels_through_joins_and_groups(network) -> None:
    cost = network_cost(network)["layers"]
    inputs = {"a": [5, 5], "b": [5, 5], "dw": [6, 6, 6, 3], "out": [6] * 64}
    positions = {"a": 64, "b": 64, "dw": 8, "out": 1}
    for name, bits in inputs.items():
        codes = weight_codes(network.get_submodule(name))
        total = 0
        for out in range(len(codes)):
            for inside in range(codes.shape[1]):
                # depthwise with two outputs per input: outputs 0, 1 see channel 0, and so on
                operand = bits[out // 2] if name == "dw" else bits[inside]
                total += operand * int(enclosed_bits(codes[out, inside]).sum())
        assert cost[name]["ebops"] == total * positions[name], name
        assert cost[name]["multiplications"] == np.count_nonzero(codes) * positions[name]


def test_sums_without_a_quantiser_feed_no_other_sums() -> None:
    class Bare(Wired):
        def __init__(self, layers) -> None:
            super().__init__(layers, {"x": (1, 2, 2, 2)})
            x = self.step("x_q", layers.input("x_q", signed=False), "x")
            one = (1, 1, 1)
            x = self.step("a", layers.conv("a", (x,), (1, 1), one, norm=None), x)
            self.step("b", layers.conv("b", (x,), (1, 1), one, norm=None), x)

    made = Bare(QuantLayers(QUANT))
    calibrate(made, [torch.rand(8, 1, 2, 2, 2)])
    with pytest.raises(LeveloneError, match="'a' feeds another layer with weights without a quantiser"):
        network_cost(made)
