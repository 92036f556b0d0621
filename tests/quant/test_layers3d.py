"""The three-dimensional vocabulary: what the module computes, the reference computes, code for code."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from levelone.graph import execute, from_onnx_layout, quantise_inputs, read_qonnx
from levelone.quant.calibrate import calibrate, fold_into
from levelone.quant.export import export_qonnx
from levelone.quant.functions import Sigmoid, Swish, Tanh
from levelone.quant.layers import (
    FloatLayers,
    QuantLayers,
    activation_scale,
    linear_layers,
    plain_layers,
    value_exponent,
)
from levelone.quant.linear import FloatAffine, FloatLinear
from levelone.quant.norm import RunningBatchNorm, norm_affine
from levelone.recipe import Bits, QuantSection
from levelone.train.codes import layer_codes

QUANT = QuantSection(inputs={"calo": 6}, default=Bits(weight=6, bias=16, activation=7))
SHAPE = (1, 8, 6, 6)


class Everything(nn.Module):
    """Every layer of the vocabulary once, in the order in which a residual block needs them."""

    def __init__(self, make) -> None:
        super().__init__()
        self.input_shapes = {"calo": SHAPE}
        self.calo_q = make.input("calo_q", signed=False)
        pads = ((1, 1), (0, 2), (1, 1))
        self.conv1 = make.conv("conv1", ("calo_q",), (1, 4), (3, 3, 3), (2, 1, 1), pads, norm="running")
        self.conv1_q = make.quantise("conv1_q", signed=True)
        self.act1 = make.swish("act1")
        self.dw = make.conv(
            "dw", ("act1",), (4, 4), (3, 3, 3), padding=(1, 1, 1), groups=4, bias=False, norm=None
        )
        self.norm = make.affine("norm", ("dw",), 4, "running", 3)
        self.dw_act = make.relu("norm")
        self.pw = make.conv("pw", ("dw_act",), (4, 4), (1, 1, 1))
        self.pw_q = make.quantise("pw_q", signed=True)
        self.add = make.add("add", ("pw_q", "act1"))
        self.add_q = make.quantise("add_q", signed=True)
        self.pool = make.max_pool("pool", ("add_q",), (2, 2, 2))
        self.squeeze = make.average_pool("squeeze", ("pool",), (2, 3, 3))
        self.squeeze_q = make.quantise("squeeze_q", signed=True)
        self.se1 = make.conv("se1", ("squeeze_q",), (4, 2), (1, 1, 1), norm=None)
        self.se1_act = make.relu("se1")
        self.se2 = make.conv("se2", ("se1_act",), (2, 4), (1, 1, 1), norm=None)
        self.se2_q = make.quantise("se2_q", signed=True)
        self.gate = make.sigmoid("gate")
        self.scaled = make.multiply("scaled", ("pool", "gate"))
        self.scaled_q = make.quantise("scaled_q", signed=True)
        ones = torch.ones(1, 1, 2, 2, 2)
        self.total = make.conv(
            "total", ("calo_q",), (1, 1), (2, 2, 2), (4, 2, 2), bias=False, norm=None, fixed=ones
        )
        self.total_q = make.quantise("total_q", signed=False)
        self.both = make.concat("both", ("total_q", "scaled_q"))
        self.mean = make.average_pool("mean", ("both",), (2, 3, 3))
        self.mean_q = make.quantise("mean_q", signed=True)
        self.most = make.max_pool("most", ("both",), (2, 3, 3))
        self.pooled = make.concat("pooled", ("mean_q", "most"))
        self.flat = make.flatten("flat", ("pooled",))
        self.fc = make.dense("fc", ("flat",), (10, 5))
        self.fc_q = make.quantise("fc_q", signed=True)
        self.fc_act = make.tanh("fc_act")
        self.logit = make.dense("logit", ("fc_act",), (5, 1), norm=None)

    def forward(self, calo):
        e = self.calo_q(calo)
        x = self.act1(self.conv1_q(self.conv1(e)))
        y = self.pw_q(self.pw(self.dw_act(self.norm(self.dw(x)))))
        x = self.pool(self.add_q(self.add(y, x)))
        hidden = self.se1_act(self.se1(self.squeeze_q(self.squeeze(x))))
        x = self.scaled_q(self.scaled(x, self.gate(self.se2_q(self.se2(hidden)))))
        x = self.both(self.total_q(self.total(e)), x)
        x = self.flat(self.pooled(self.mean_q(self.mean(x)), self.most(x)))
        return self.logit(self.fc_act(self.fc_q(self.fc(x))))


def images(n: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, *SHAPE, generator=generator) ** 3 * 10


def twin_and_network() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(4)
    twin, network = Everything(FloatLayers()), Everything(QuantLayers(QUANT))
    twin.train()
    for step in range(20):
        twin(images(32, step))
    twin.eval()
    fold_into(twin, network)
    calibrate(network, [images(256, 99)])
    return twin, network.eval()


@pytest.fixture(scope="module")
def networks() -> tuple[nn.Module, nn.Module]:
    return twin_and_network()


@pytest.fixture(scope="module")
def exported(networks, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("qonnx") / "model.onnx"
    return export_qonnx(networks[1], {"calo": images(2)}, path)


def test_reference_equals_the_module_at_every_layer(networks, exported) -> None:
    graph = read_qonnx(exported)
    x = images(50, 7).numpy()
    module = layer_codes(networks[1], {"calo": x})
    codes = execute(graph, quantise_inputs(graph, {"calo": x}), keep="all")
    compared = set()
    for name, values in module.items():
        if name in graph.values:
            assert np.array_equal(from_onnx_layout(graph, name, values), codes[name]), name
            assert set(graph.values[name].scale) == {Fraction(2) ** value_exponent(networks[1], name)}, name
            compared.add(name)
    # the affine map has no value of its own: it is part of the requantisation behind it
    assert set(module) - compared == {"norm"}
    assert len(compared) >= 30


def test_float_twin_is_what_was_quantised(networks) -> None:
    """With ten more bits everywhere the quantised network is its float twin, up to rounding."""
    twin, _ = networks
    wide = Bits.model_construct(weight=16, bias=24, activation=16)  # wider than a recipe may ask for
    fine = QuantSection.model_construct(inputs={"calo": 16}, default=wide, layers={})
    network = Everything(QuantLayers(fine))
    fold_into(twin, network)
    calibrate(network, [images(64, 5)])
    with torch.no_grad():
        expected, found = twin(images(64, 5)), network.eval()(images(64, 5))
    assert float((expected - found).abs().max()) < 0.02 * float(expected.std())


def test_every_weight_of_the_twin_is_folded(networks) -> None:
    twin, network = networks
    for name, layer in linear_layers(network).items():
        assert isinstance(twin.get_submodule(name), FloatLinear | FloatAffine)
        assert (layer.bias is None) == (name in ("dw", "total"))


def test_fixed_weights_are_ones_and_never_trained(networks) -> None:
    twin, network = networks
    for layer in (twin.total.linear, network.total):
        assert not layer.weight.requires_grad
        assert torch.equal(layer.weight, torch.ones(1, 1, 2, 2, 2))


@settings(max_examples=30, derandomize=True, deadline=None)
@given(
    st.integers(-128, 127),
    st.integers(2, 5),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(0, 2**31),
)
def test_mean_is_the_exact_quotient_rounded_half_to_even(low, bits, deep, wide, seed) -> None:
    kernel = (deep, wide, wide)
    rng = np.random.default_rng(seed)
    make = QuantLayers(QuantSection(inputs={"calo": 8}, default=Bits(weight=4, bias=8, activation=bits)))
    pool = make.average_pool("pool", ("x",), kernel)
    quantiser = make.quantise("pool_q", signed=True)
    activation_scale(quantiser).set_exponent(2)
    codes = rng.integers(min(low, 0), max(low, 1), (3, 2, deep, wide, wide))
    found = quantiser.eval()(pool(torch.from_numpy(codes.astype(np.float32))))
    limit = 2 ** (bits - 1)
    for event in range(3):
        for channel in range(2):
            exact = Fraction(int(codes[event, channel].sum()), deep * wide * wide) / 4
            expected = min(max(round(exact), -limit), limit - 1)  # Python rounds fractions half to even
            assert int(found[event, channel, 0, 0, 0]) == expected * 4


@pytest.mark.parametrize(("function", "of"), [(Sigmoid, "sigmoid"), (Tanh, "tanh"), (Swish, "swish")])
@pytest.mark.parametrize("exponent", [-7, -4, 0])
def test_functions_are_their_tables_for_every_code(function, of, exponent) -> None:
    """Exhaustive over 10-bit operands: the module in evaluation mode is the rounded float64 function."""

    def exact(x: float) -> float:
        logistic = 1 / (1 + math.exp(-x)) if x > -700 else 0.0
        return {"sigmoid": logistic, "tanh": math.tanh(x), "swish": x * logistic}[of]

    make = QuantLayers(QuantSection(inputs={"calo": 8}, default=Bits(weight=4, bias=8, activation=8)))
    layer = getattr(make, of)("f")
    step = {"sigmoid": -8, "tanh": -7, "swish": exponent + 3}[of]
    activation_scale(layer).set_exponent(step)
    codes = np.arange(-512, 512)
    x = torch.from_numpy(np.ldexp(codes.astype(np.float32), exponent))
    found = layer.eval()(x).numpy()
    low, high = (0, 255) if of == "sigmoid" else (-128, 127)
    expected = [
        min(max(round(Fraction(exact(math.ldexp(int(c), exponent))) / Fraction(2) ** step), low), high)
        for c in codes
    ]
    assert np.array_equal(np.ldexp(found, -step), expected)


def test_running_norm_is_the_same_map_in_training_and_inference() -> None:
    torch.manual_seed(0)
    norm = RunningBatchNorm(3, warm_up=0)
    x = torch.randn(16, 3, 2, 2, 2) * torch.tensor([1.0, 5.0, 0.2]).reshape(1, 3, 1, 1, 1) + 2
    norm.train()
    trained = norm(x)
    norm.eval()
    assert torch.equal(trained.detach(), norm(x).detach())
    # one batch: its own statistics
    assert torch.allclose(trained.mean((0, 2, 3, 4)), torch.zeros(3), atol=1e-5)
    assert torch.allclose(trained.var((0, 2, 3, 4), unbiased=False), torch.ones(3), atol=1e-3)


def test_running_norm_tracks_decaying_sums() -> None:
    """Against plain arithmetic with the definition, three batches of different sizes."""
    norm = RunningBatchNorm(1, momentum=0.25, warm_up=0)
    rng = np.random.default_rng(1)
    sums = squares = count = 0.0
    for step, n in enumerate((4, 8, 2)):
        x = rng.normal(3, 2, (n, 1, 3)).astype(np.float32)
        norm.train()(torch.from_numpy(x))
        share = 1.0 if step == 0 else 0.25
        sums += share * (float(x.sum()) - sums)
        squares += share * (float((x.astype(float) ** 2).sum()) - squares)
        count += share * (n * 3 - count)
    mean, variance = sums / count, squares / count - (sums / count) ** 2
    gain, offset = norm_affine(norm)
    assert math.isclose(float(gain), 1 / math.sqrt(variance + 1e-5), rel_tol=1e-4)
    assert math.isclose(float(offset), -mean / math.sqrt(variance + 1e-5), rel_tol=1e-4)


@pytest.mark.parametrize(("mean", "spread"), [(3000.0, 1.0), (-2e5, 100.0), (0.5, 1e-4)])
def test_running_norm_does_not_cancel(mean: float, spread: float) -> None:
    """A mean of thousands of spreads, over several batches: trained, evaluated and exported alike."""
    torch.manual_seed(4)
    batches = torch.randn(5, 32, 2, 4, 4, 4) * spread + mean
    norm = RunningBatchNorm(2, warm_up=0, eps=1e-12)
    for batch in batches:
        trained = norm.train()(batch)
    evaluated = norm.eval()(batches[-1])
    assert torch.equal(trained, evaluated)

    shares = [
        0.9**4,
        *(0.1 * 0.9 ** (4 - i) for i in range(1, 5)),
    ]  # what the first batch weighs, and the others
    exact = batches.double().numpy()
    first = sum(s * x.mean((0, 2, 3, 4)) for s, x in zip(shares, exact, strict=True))
    second = sum(
        s * ((x - first.reshape(2, 1, 1, 1)) ** 2).mean((0, 2, 3, 4))
        for s, x in zip(shares, exact, strict=True)
    )
    expected = batches[-1].double().numpy() - first.reshape(2, 1, 1, 1)
    expected /= np.sqrt(second + 1e-12).reshape(2, 1, 1, 1)
    # x * gain + offset, both as large as the mean in spreads, in float32
    tolerance = 4 * abs(mean) / spread * 2.0**-24
    assert np.abs(evaluated.detach().numpy() - expected).max() < tolerance < 2e-3

    gain, offset = norm_affine(norm)
    assert gain.dtype == offset.dtype == torch.float64 and not gain.requires_grad
    assert np.allclose(gain.numpy(), 1 / np.sqrt(second + 1e-12), rtol=1e-5, atol=0)
    assert np.allclose(gain.numpy() * first + offset.numpy(), 0, atol=1e-7 * abs(mean) / spread)


def test_running_norm_reads_the_float32_sums_of_earlier_versions() -> None:
    norm, other = RunningBatchNorm(3), RunningBatchNorm(3)
    norm.train()(torch.randn(40, 3, 5) + 2)
    state = {name: t.float() if t.is_floating_point() else t for name, t in norm.state_dict().items()}
    other.load_state_dict(state)
    for found, expected in zip(norm_affine(other), norm_affine(norm), strict=True):
        assert found.dtype == torch.float64
        assert torch.allclose(found, expected, rtol=1e-5)


def test_running_norm_learns_through_its_statistics() -> None:
    norm = RunningBatchNorm(2)
    x = torch.randn(8, 2, 4, requires_grad=True)
    (norm(x) * torch.arange(8.0).reshape(8, 1, 1)).sum().backward()
    assert x.grad is not None
    # a shift of the whole batch is absorbed by the mean: its gradient is zero on the first batch
    assert float(x.grad.sum((0, 2)).abs().max()) < 1e-3 * float(x.grad.abs().sum())
    assert norm.weight.grad is not None and norm.bias.grad is not None


def test_mean_over_three_voxels_has_no_grid(networks) -> None:
    network = networks[1]
    assert set(plain_layers(network)) >= {"add", "pool", "squeeze", "scaled", "both", "mean", "most"}
    with pytest.raises(ValueError, match="squeeze: a mean over 18 cells"):
        value_exponent(network, "squeeze")
