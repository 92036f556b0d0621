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
from levelone.train.codes import layer_codes

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


def test_a_call_is_not_called_as_another_layer() -> None:
    made = Twice(FloatLayers())
    with pytest.raises(ValueError, match="two layers would be called 'act_2'"):
        made.step("act_2", torch.nn.Identity(), "sum")
    made.step("more_1", torch.nn.Identity(), "sum")
    with pytest.raises(ValueError, match="two layers would be called 'more_1'"):
        made.shared("more", torch.nn.Identity(), ("x",), ("y",))


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


class Twice(Wired):
    """Two inputs through one convolution, then the sum."""

    def __init__(self, layers) -> None:
        super().__init__(layers, {"x": (1, 4), "y": (1, 4)})
        both = self.shared("x_q", layers.input("x_q", signed=True), ("x",), ("y",))
        conv = layers.conv("conv", ("x_q",), (1, 2), (2,), norm=None)
        both = self.shared("conv", conv, *((each,) for each in both))
        both = self.shared("act", layers.relu("conv"), *((each,) for each in both))
        self.step("sum", layers.add("sum", ("act", "act")), *both)


def test_a_layer_that_is_called_twice_is_one_layer_with_two_results() -> None:
    torch.manual_seed(2)
    twin = Twice(FloatLayers()).eval()
    x, y = torch.randn(2, 5, 1, 4)
    with torch.no_grad():
        assert torch.equal(twin(x, y), twin.conv(x).relu() + twin.conv(y).relu())
    network = Twice(QuantLayers(QUANT))
    calibrate(network, [x, y])
    one, other = ({"x": a.numpy(), "y": b.numpy()} for a, b in ((x, y), (y, x)))
    codes, crossed = layer_codes(network, one, batch=2), layer_codes(network, other)
    assert {"x_q_1", "x_q_2", "conv_1", "conv_2", "act_1", "act_2", "sum"} == set(codes)
    for name in ("x_q", "conv", "act"):
        assert np.array_equal(codes[f"{name}_1"], crossed[f"{name}_2"])
        assert not np.array_equal(codes[f"{name}_1"], codes[f"{name}_2"])
    assert np.array_equal(codes["sum"], codes["act_1"] + codes["act_2"])
    cost = network_cost(network)["layers"]["conv"]
    assert cost["multiplications"] == 2 * 3 * cost["nonzero_weights"]
