from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from levelone.errors import LeveloneError
from levelone.quant.calibrate import calibrate, fold_into
from levelone.quant.layers import (
    FloatLayers,
    FloatLinear,
    QuantLayers,
    activation_layers,
    activation_scale,
    linear_layers,
    value_exponent,
)
from levelone.quant.scale import scale_of
from levelone.quant.state import load_state, save_state
from levelone.recipe import Bits, QuantSection

QUANT = QuantSection(inputs={"images": 4, "features": 8}, default=Bits(weight=5, bias=12, activation=5))


class Small(nn.Module):
    """One convolution, one joined dense layer, one output."""

    def __init__(self, layers) -> None:
        super().__init__()
        self.input_shapes = {"images": (2, 6, 6), "features": (3,)}
        self.images_q = layers.input("images_q", signed=False)
        self.conv1 = layers.conv("conv1", ("images_q",), (2, 4), (3, 3), (2, 2), (1, 1))
        self.act1 = layers.relu("conv1")
        self.features_q = layers.input("features_q", signed=True)
        self.fc1 = layers.dense("fc1", ("act1", "features_q"), (39, 5))
        self.fc1_act = layers.relu("fc1")
        self.logit = layers.dense("logit", ("fc1_act",), (5, 1), norm=None)

    def forward(self, images, features):
        x = torch.flatten(self.act1(self.conv1(self.images_q(images))), 1)
        x = torch.cat([x, self.features_q(features)], 1)
        return self.logit(self.fc1_act(self.fc1(x)))


def batch(n=400, seed=0):
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(n, 2, 6, 6, generator=generator) * 30
    return images * (images > 20), torch.randn(n, 3, generator=generator)


@pytest.fixture
def networks():
    torch.manual_seed(3)
    twin = Small(FloatLayers())
    for _ in range(20):
        twin(*batch())
    for module in twin.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(module.weight, -2, 2)
            nn.init.uniform_(module.bias, -1, 1)
    network = Small(QuantLayers(QUANT))
    fold_into(twin.eval(), network)
    calibrate(network, batch())
    return twin, network.eval()


@pytest.mark.parametrize("kind", ["conv", "dense"])
def test_folding_keeps_the_function(kind):
    torch.manual_seed(5)
    if kind == "conv":
        layer = FloatLinear(nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4)).double()
        x = torch.randn(50, 3, 8, 8, dtype=torch.float64)
    else:
        layer = FloatLinear(nn.Linear(6, 4), nn.BatchNorm1d(4)).double()
        x = torch.randn(50, 6, dtype=torch.float64)
    nn.init.uniform_(layer.norm.weight, -2, 2)
    nn.init.uniform_(layer.norm.bias, -1, 1)
    for _ in range(10):
        layer(x * 3 + 1)
    layer.eval()
    weight, bias = (tensor.double() for tensor in layer.folded())
    if kind == "conv":
        folded = nn.functional.conv2d(x, weight, bias, 2, 1)
    else:
        folded = nn.functional.linear(x, weight, bias)
    # Both are floats here: equal up to the rounding of the folded weights to float32.
    torch.testing.assert_close(folded, layer(x), rtol=1e-5, atol=1e-5)


def test_folded_weights_reach_the_quantised_network(networks):
    twin, network = networks
    for name, layer in linear_layers(network).items():
        weight, bias = twin.get_submodule(name).folded()
        assert torch.equal(layer.weight, weight)
        assert torch.equal(layer.bias, bias)
    assert not any(isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) for module in network.modules())


def test_every_scale_is_chosen_and_biases_are_on_the_grid_of_the_products(networks):
    _, network = networks
    assert list(linear_layers(network)) == ["conv1", "fc1", "logit"]
    for name, layer in linear_layers(network).items():
        assert scale_of(layer.bias_quant).exponent == value_exponent(network, name)
        assert scale_of(layer.weight_quant).exponent < 0
    inputs = [activation_scale(network.get_submodule(n)).exponent for n in ("act1", "features_q")]
    weight = scale_of(network.fc1.weight_quant).exponent
    assert value_exponent(network, "fc1") == min(inputs) + weight


def test_quantised_network_is_close_to_its_twin_at_8_bits():
    torch.manual_seed(3)
    twin = Small(FloatLayers())
    for _ in range(50):
        twin(*batch())
    twin.eval()
    wide = QuantSection(inputs={"images": 8, "features": 8}, default=Bits(weight=8, bias=16, activation=8))
    network = Small(QuantLayers(wide))
    fold_into(twin, network)
    calibrate(network, batch())
    network.eval()
    with torch.no_grad():
        expected = twin(*batch(seed=1))
        difference = network(*batch(seed=1)) - expected
    assert float(difference.std()) < 0.1 * float(expected.std())


def test_every_value_is_a_multiple_of_its_scale(networks):
    _, network = networks
    exponents = {n: activation_scale(layer).exponent for n, layer in activation_layers(network).items()}
    exponents |= {n: value_exponent(network, n) for n in linear_layers(network)}
    seen = []

    def check(name):
        def hook(layer, arguments, result):
            codes = result.double() * math.ldexp(1.0, -exponents[name])
            assert torch.equal(codes, codes.round()), name
            seen.append(name)

        return hook

    for name in exponents:
        network.get_submodule(name).register_forward_hook(check(name))
    network(*batch(seed=2))
    assert sorted(seen) == sorted(exponents)


def test_masked_weights_stay_exactly_zero_through_training():
    torch.manual_seed(1)
    mask = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    for layers in (FloatLayers(), QuantLayers(QUANT)):
        layer = layers.dense("fc1", ("x",), (3, 2), mask=mask)
        parameters = list(layer.parameters())
        weight = next(p for p in parameters if p.ndim == 2)
        before = weight.detach().clone()
        optimizer = torch.optim.AdamW(parameters, lr=0.1, weight_decay=0.1)
        for _ in range(5):
            optimizer.zero_grad()
            layer(torch.randn(8, 3)).square().sum().backward()
            optimizer.step()
        assert torch.equal(weight[mask == 0], torch.zeros(2))
        assert not torch.equal(weight[mask == 1], before[mask == 1])


def test_state_travels_with_its_scales(networks, tmp_path):
    _, network = networks
    save_state(network, tmp_path / "module.pt")
    other = Small(QuantLayers(QUANT))
    load_state(other, tmp_path / "module.pt")
    assert torch.equal(other.eval()(*batch(seed=4)), network(*batch(seed=4)))


def test_state_of_another_network_is_refused(networks, tmp_path):
    twin, _ = networks
    save_state(twin, tmp_path / "twin.pt")
    with pytest.raises(LeveloneError, match=r"twin.pt: these weights belong to another network: missing"):
        load_state(Small(QuantLayers(QUANT)), tmp_path / "twin.pt")
    (tmp_path / "junk.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(LeveloneError, match=r"junk.pt: not a file of weights"):
        load_state(twin, tmp_path / "junk.pt")
    with pytest.raises(LeveloneError, match="no such file"):
        load_state(twin, tmp_path / "absent.pt")


def test_missing_input_width_is_named():
    with pytest.raises(LeveloneError, match=r"quant\.inputs\.images is missing"):
        Small(QuantLayers(QuantSection()))
