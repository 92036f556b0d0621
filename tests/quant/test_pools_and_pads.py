"""Pools to a fixed grid, global pools, padding with different ends and by reflection, gates from dense
layers, two inputs and two outputs: module, QONNX, reference and C simulation give the same integers."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from levelone.errors import LeveloneError
from levelone.graph import execute, from_onnx_layout, quantise_inputs, read_qonnx
from levelone.hls import HlsConfig, convert
from levelone.pipeline.checks import VectorSet, compare
from levelone.pipeline.floats import run_qonnx
from levelone.quant.calibrate import calibrate, fold_into
from levelone.quant.export import export_qonnx
from levelone.quant.layers import FloatLayers, QuantLayers, value_exponent
from levelone.recipe import Bits, QuantSection
from levelone.train.codes import layer_codes

QUANT = QuantSection(inputs={"calo": 6, "track": 5}, default=Bits(weight=5, bias=14, activation=6))
SHAPES = {"calo": (1, 6, 6, 4), "track": (3,)}
OUTPUTS = ("energy", "kind")


class Pools(nn.Module):
    """Each layer of the title once."""

    def __init__(self, make) -> None:
        super().__init__()
        self.input_shapes = SHAPES
        self.calo_q = make.input("calo_q", signed=True)
        self.track_q = make.input("track_q", signed=True)
        self.mirror = make.pad("mirror", ("calo_q",), ((1, 2), 1, (0, 1)), "reflect")
        self.conv = make.conv("conv", ("mirror",), (1, 4), (2, 3, 2), norm="running")
        self.conv_q = make.quantise("conv", signed=True)  # 8 x 6 x 4
        self.peak = make.max_pool("peak", ("conv_q",), (3, 2, 3), (1, 2, 1), ((1, 0), (0, 1), (2, 0)))
        self.smooth = make.average_pool("smooth", ("peak",), (2, 2, 2), (2, 1, 2), ((0, 1), (1, 0), (0, 0)))
        self.smooth_q = make.quantise("smooth", signed=True)  # 4 x 3 x 2
        self.frame = make.pad("frame", ("smooth_q",), ((0, 2), (1, 0), 0))  # 6 x 4 x 2
        self.squeeze = make.adaptive_average_pool("squeeze", ("frame",), (6, 4, 2))
        self.squeeze_q = make.quantise("squeeze", signed=True)
        self.squeeze_flat = make.flatten("squeeze_flat", ("squeeze_q",))
        self.joined = make.concat("joined", ("squeeze_flat", "track_q"))
        self.gate_fc = make.dense("gate_fc", ("joined",), (7, 4), norm=None)
        self.gate_fc_q = make.quantise("gate_fc", signed=True)
        self.gate = make.sigmoid("gate")
        self.gate_grid = make.reshape("gate_grid", ("gate",), (4, 1, 1, 1))
        self.scaled = make.multiply("scaled", ("frame", "gate_grid"))
        self.scaled_q = make.quantise("scaled", signed=True)
        self.coarse = make.adaptive_average_pool("coarse", ("scaled_q",), (6, 4, 2), (3, 2, 1))
        self.coarse_q = make.quantise("coarse", signed=True)
        self.high = make.adaptive_max_pool("high", ("scaled_q",), (6, 4, 2), (3, 2, 1))
        self.most = make.adaptive_max_pool("most", ("scaled_q",), (6, 4, 2))
        self.coarse_flat = make.flatten("coarse_flat", ("coarse_q",))
        self.high_flat = make.flatten("high_flat", ("high",))
        self.most_flat = make.flatten("most_flat", ("most",))
        self.both = make.concat("both", ("coarse_flat", "high_flat", "most_flat"))
        self.energy = make.dense("energy", ("both",), (52, 1), norm=None)
        self.kind = make.dense("kind", ("both",), (52, 3), norm=None)

    def forward(self, calo, track):
        x = self.peak(self.conv_q(self.conv(self.mirror(self.calo_q(calo)))))
        x = self.frame(self.smooth_q(self.smooth(x)))
        track = self.track_q(track)
        joined = self.joined(self.squeeze_flat(self.squeeze_q(self.squeeze(x))), track)
        gate = self.gate_grid(self.gate(self.gate_fc_q(self.gate_fc(joined))))
        x = self.scaled_q(self.scaled(x, gate))
        parts = [self.coarse_flat(self.coarse_q(self.coarse(x))), self.high_flat(self.high(x))]
        both = self.both(*parts, self.most_flat(self.most(x)))
        return self.energy(both), self.kind(both)


def events(n: int, seed: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {name: 3 * torch.randn(n, *shape, generator=generator) for name, shape in SHAPES.items()}


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(8)
    twin, made = Pools(FloatLayers()), Pools(QuantLayers(QUANT))
    for step in range(10):
        twin.train()(*events(32, step).values())
    fold_into(twin.eval(), made)
    calibrate(made, list(events(128, 99).values()))
    return made.eval()


@pytest.fixture(scope="module")
def exported(network, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("pools") / "model.onnx"
    return export_qonnx(network, events(2, 1), path, outputs=OUTPUTS)


def module_codes(network, graph, x) -> dict[str, np.ndarray]:
    codes = layer_codes(network, {name: value.numpy() for name, value in x.items()})
    return {
        name: from_onnx_layout(graph, name, value) for name, value in codes.items() if name in graph.values
    }


def test_reference_equals_the_module_at_every_layer(network, exported) -> None:
    graph = read_qonnx(exported)
    x = events(60, 7)
    found = execute(graph, quantise_inputs(graph, {n: v.numpy() for n, v in x.items()}), keep="all")
    codes = module_codes(network, graph, x)
    for name, values in codes.items():
        assert np.array_equal(values, found[name]), name
        assert set(graph.values[name].scale) == {Fraction(2) ** value_exponent(network, name)}, name
    layers = {"mirror", "peak", "frame", "gate", "scaled", "high", "most", "energy", "kind"}
    assert layers <= set(codes)
    assert {"smooth_q", "squeeze_q", "coarse_q"} <= set(codes)
    assert codes["peak"].min() < 0 and len(np.unique(codes["energy"])) > 10


def test_qonnx_executes_the_file_to_the_same_integers(network, exported) -> None:
    """A second opinion on the file: the qonnx package, not our reader."""
    x = events(4, 12)
    values = run_qonnx(onnx.load(exported), {name: value.numpy() for name, value in x.items()})
    for name, codes in layer_codes(network, {name: value.numpy() for name, value in x.items()}).items():
        scale = 2.0 ** value_exponent(network, name)
        assert np.array_equal(values[name], codes * scale), name


def test_pads_of_a_max_pool_are_its_own(exported) -> None:
    nodes = {node.name: node for node in onnx.load(exported).graph.node}
    pads = {a.name: list(a.ints) for a in nodes["peak"].attribute}["pads"]
    assert pads == [1, 0, 2, 0, 1, 0]
    assert nodes["peak"].input[0] == "conv_q"
    assert nodes["mirror"].op_type == "Pad" and nodes["smooth_pad"].op_type == "Pad"


@pytest.mark.slow
@pytest.mark.parametrize("io", ["parallel", "stream"])
def test_csim_equals_the_module_at_every_layer(io, network, exported, tmp_path: Path) -> None:
    graph = read_qonnx(exported)
    convert(graph, tmp_path / "project", HlsConfig(io=io), name="pools", model=exported)
    x = events(40, 11)
    codes = quantise_inputs(graph, {name: value.numpy() for name, value in x.items()})
    result = compare(
        tmp_path / "project", graph, [VectorSet("events", codes, module_codes(network, graph, x))], []
    )
    assert result["verdict"] == "exact", result["first_mismatch"] or result["reason"]
    compared = {layer["name"] for layer in result["layers"] if layer["compared"]}
    assert {"mirror", "peak", "smooth", "frame", "squeeze", "coarse", "high", "most", "scaled"} <= compared


@st.composite
def divided(draw) -> tuple[tuple[int, ...], tuple[int, ...]]:
    size = tuple(draw(st.integers(1, 3)) for _ in range(3))
    return tuple(n * draw(st.integers(1, 3)) for n in size), size


@settings(max_examples=25, derandomize=True, deadline=None)
@given(divided(), st.integers(0, 2**31))
def test_pools_to_a_grid_are_what_plain_loops_say(shape, seed) -> None:
    grid, size = shape
    make = QuantLayers(QUANT)
    rng = np.random.default_rng(seed)
    x = rng.integers(-32, 32, (2, 2, *grid))
    values = torch.from_numpy(x.astype(np.float32))
    highest = make.adaptive_max_pool("p", ("x",), grid, size)(values).numpy()
    mean = make.adaptive_average_pool("p", ("x",), grid, size)(values.double()).numpy()
    assert highest.shape == mean.shape == (2, 2, *size)
    edges = [n // m for n, m in zip(grid, size, strict=True)]
    for event, channel, a, b, c in itertools.product(range(2), range(2), *map(range, size)):
        block = [
            int(x[event, channel, a * edges[0] + i, b * edges[1] + j, c * edges[2] + k])
            for i, j, k in itertools.product(*map(range, edges))
        ]
        assert highest[event, channel, a, b, c] == max(block)
        assert mean[event, channel, a, b, c] == pytest.approx(sum(block) / len(block), abs=1e-12)


@settings(max_examples=25, derandomize=True, deadline=None)
@given(
    st.tuples(*[st.integers(1, 3)] * 3),
    st.tuples(*[st.integers(1, 3)] * 3),
    st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2))] * 3),
    st.integers(0, 2**31),
)
def test_padding_of_a_max_pool_never_wins(kernel, stride, pads, seed) -> None:
    """All operands are negative, so that a padding of zeros would be seen."""
    pads = tuple((min(a, k - 1), min(b, k - 1)) for (a, b), k in zip(pads, kernel, strict=True))
    x = np.random.default_rng(seed).integers(-32, 0, (1, 2, 4, 3, 4))
    pool = FloatLayers().max_pool("p", ("x",), kernel, stride, pads)
    found = pool(torch.from_numpy(x.astype(np.float32))).numpy()
    for channel, *place in np.ndindex(*found.shape[1:]):
        starts = [p * s - begin for p, s, (begin, _) in zip(place, stride, pads, strict=True)]
        window = [
            int(x[0, channel, i, j, k])
            for i, j, k in itertools.product(*(range(s, s + n) for s, n in zip(starts, kernel, strict=True)))
            if 0 <= i < 4 and 0 <= j < 3 and 0 <= k < 4
        ]
        assert found[0, channel, *place] == max(window)
    for axis in range(3):
        length = x.shape[2 + axis] + sum(pads[axis])
        assert found.shape[2 + axis] == (length - kernel[axis]) // stride[axis] + 1


def test_reflection_does_not_repeat_the_edge() -> None:
    x = torch.arange(4.0).reshape(1, 1, 1, 1, 4)
    padded = FloatLayers().pad("p", ("x",), (0, 0, (2, 1)), "reflect")(x)
    assert padded.flatten().tolist() == [2, 1, 0, 1, 2, 3, 2]
    zeros = FloatLayers().pad("p", ("x",), (0, 0, (2, 1)))(x)
    assert zeros.flatten().tolist() == [0, 0, 0, 1, 2, 3, 0]


@pytest.mark.parametrize(
    ("grid", "size"), [((5, 4, 4), (2, 2, 2)), ((4, 4, 4), (2, 3, 2)), ((2, 2, 2), (4, 1, 1))]
)
def test_grids_that_do_not_divide_are_refused(grid, size) -> None:
    for pool in ("adaptive_max_pool", "adaptive_average_pool"):
        with pytest.raises(
            LeveloneError, match=rf"coarse: {grid[0]}x{grid[1]}x{grid[2]} cells cannot be pooled"
        ):
            getattr(QuantLayers(QUANT), pool)("coarse", ("x",), grid, size)


def test_negative_padding_is_refused() -> None:
    with pytest.raises(LeveloneError, match="must not be negative"):
        FloatLayers().pad("p", ("x",), ((0, -1), 0, 0))
