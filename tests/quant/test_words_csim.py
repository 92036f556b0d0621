"""Networks that use the words as residual blocks, gates and U-shapes do, in 1D, 2D and 3D: csim is exact.

What every word computes is compared in `test_every_word.py`, in one, two and three dimensions.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from levelone.graph import from_onnx_layout, quantise_inputs, read_qonnx
from levelone.hls import HlsConfig, convert
from levelone.pipeline.checks import VectorSet, compare
from levelone.quant.calibrate import calibrate, fold_into
from levelone.quant.export import export_qonnx
from levelone.quant.layers import FloatLayers, QuantLayers
from levelone.recipe import Bits, QuantSection
from levelone.train.codes import layer_codes


class Everything(nn.Module):
    """Every layer of the vocabulary once, in the order in which a residual block needs them."""

    def __init__(self, make) -> None:
        super().__init__()
        self.input_shapes = {"calo": (1, 8, 6, 6)}
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


class Pools(nn.Module):
    """Each layer of the title once."""

    def __init__(self, make) -> None:
        super().__init__()
        self.input_shapes = {"calo": (1, 6, 6, 4), "track": (3,)}
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


class Ladder(nn.Module):
    """Down and up again, in `rank` dimensions: groups, dilation, both ways of upsampling, pools."""

    def __init__(self, make, rank: int) -> None:
        super().__init__()

        def every(number: int) -> tuple[int, ...]:
            return (number,) * rank

        self.input_shapes = {"calo": (2, *every(6))}
        self.calo_q = make.input("calo_q", signed=True)
        self.down = make.conv(
            "down", ("calo_q",), (2, 4), every(3), padding=((0, 2), *every(1)[1:]), groups=2, norm="running"
        )
        self.down_act = make.relu("down")
        self.pool = make.max_pool("pool", ("down_act",), every(2))  # 3
        self.wide = make.conv(
            "wide", ("pool",), (4, 4), every(2), padding=every(1), dilation=every(2), groups=4
        )
        self.wide_q = make.quantise("wide_q", signed=True)
        self.up = make.transposed_conv("up", ("wide_q",), (4, 2), every(2), every(2), norm="running")
        self.up_q = make.quantise("up_q", signed=True)
        self.framed = make.pad("framed", ("pool",), every(1), "reflect")
        self.mean = make.average_pool("mean", ("framed",), every(3), every(1))  # 3
        self.mean_q = make.quantise("mean_q", signed=True)
        self.larger = make.upsample("larger", ("mean_q",), every(2))
        self.both = make.concat("both", ("up_q", "larger"))
        self.most = make.adaptive_max_pool("most", ("both",), every(6), every(2))
        self.flat = make.flatten("flat", ("most",))
        self.energy = make.dense("energy", ("flat",), (6 * 2**rank, 2), norm=None)

    def forward(self, calo):
        x = self.pool(self.down_act(self.down(self.calo_q(calo))))
        up = self.up_q(self.up(self.wide_q(self.wide(x))))
        larger = self.larger(self.mean_q(self.mean(self.framed(x))))
        return self.energy(self.flat(self.most(self.both(up, larger))))


def ladder_1d(make) -> nn.Module:
    return Ladder(make, 1)


def ladder_2d(make) -> nn.Module:
    return Ladder(make, 2)


COMPARED = {
    ladder_1d: "down pool wide up larger both most energy",
    ladder_2d: "down pool wide up larger both most energy",
    Everything: "act1 dw add pool squeeze gate scaled both mean most fc_act logit",
    Pools: "mirror peak smooth frame squeeze coarse high most scaled energy kind",
}
"""Network -> layers that must have been compared."""


def events(network: nn.Module, count: int, seed: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = network.input_shapes.items()
    return {name: (3 * torch.randn(count, *shape, generator=generator)).abs() for name, shape in shapes}


@pytest.mark.slow
@pytest.mark.parametrize("kind", COMPARED)
def test_csim_equals_the_module_at_every_layer(kind, tmp_path: Path) -> None:
    """In both io modes, on the same events."""
    torch.manual_seed(8)
    quant = QuantSection(inputs={"calo": 6, "track": 5}, default=Bits(weight=5, bias=14, activation=6))
    twin, network = kind(FloatLayers()), kind(QuantLayers(quant))
    for step in range(10):
        twin.train()(*events(twin, 32, step).values())
    fold_into(twin.eval(), network)
    calibrate(network.eval(), list(events(twin, 128, 99).values()))
    path = export_qonnx(network, events(twin, 1, 0), tmp_path / "model.onnx")
    graph = read_qonnx(path)
    folders = [tmp_path / "parallel", tmp_path / "stream"]
    for folder in folders:
        convert(graph, folder, HlsConfig(io=folder.name), name="words", model=path)
    x = {name: tensor.numpy() for name, tensor in events(twin, 40, 11).items()}
    module = {
        name: from_onnx_layout(graph, name, codes)
        for name, codes in layer_codes(network, x).items()
        if name in graph.values
    }
    sets = [VectorSet("events", quantise_inputs(graph, x), module)]
    result = compare(folders, graph, sets, [])
    assert result["verdict"] == "exact", result["first_mismatch"] or result["reason"]
    assert [body["verdict"] for body in result["bodies"]] == ["exact", "exact"]
    for body in result["bodies"]:  # what one of the two merges with its neighbour, the other may tell
        parts = (body, result["sets"][0]["module"])
        compared = {layer["name"] for part in parts for layer in part["layers"] if layer["compared"]}
        assert set(COMPARED[kind].split()) <= compared
