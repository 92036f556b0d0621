"""Networks of Brevitas' own blocks: skips, sums, joins, upsampling, transposed convolutions, truncation."""

from __future__ import annotations

from pathlib import Path

import brevitas.nn as qnn
import brevitas.quant as quant
import pytest
import torch
from brevitas_export import activation, export, layer, plain
from onnx_models import compare

from levelone.graph import read_qonnx


class UNet(torch.nn.Module):
    """Down and up again, with a skip that is concatenated and one that is added."""

    inputs = ((2, 8, 8),)

    def __init__(self, transposed: bool) -> None:
        super().__init__()
        self.x_q = qnn.QuantIdentity(**activation(5, signed=True))
        self.down = qnn.QuantConv2d(2, 4, 3, padding=1, **layer(4))
        self.act1 = qnn.QuantReLU(**activation(4, signed=False))
        self.deep = qnn.QuantConv2d(4, 4, 3, padding=1, groups=2, **layer(4))
        self.act2 = qnn.QuantReLU(**activation(4, signed=False))
        if transposed:
            self.up = qnn.QuantConvTranspose2d(4, 4, 2, stride=2, **layer(4))
        else:
            self.up = torch.nn.Upsample(scale_factor=2, mode="nearest")
        self.act3 = qnn.QuantIdentity(**activation(4, signed=True))
        self.last = qnn.QuantConv2d(8, 4, 1, **layer(4))
        self.act4 = qnn.QuantIdentity(**activation(5, signed=True))
        self.sum = qnn.QuantEltwiseAdd(
            input_quant=quant.Int8ActPerTensorFixedPoint, output_quant=quant.Int8ActPerTensorFixedPoint
        )

    def forward(self, x):
        a = plain(self.act1(plain(self.down(plain(self.x_q(x))))))
        b = plain(self.act2(plain(self.deep(torch.nn.functional.max_pool2d(a, 2)))))
        up = plain(self.act3(plain(self.up(b))))
        joined = torch.cat([up, a], 1)
        return plain(self.sum(plain(self.act4(plain(self.last(joined)))), up))


class Truncated(torch.nn.Module):
    """Brevitas' integer average pooling, which drops low bits, and its quantised functions."""

    inputs = ((3, 6, 6),)

    def __init__(self) -> None:
        super().__init__()
        self.x_q = qnn.QuantIdentity(**activation(5, signed=False))
        self.pool = qnn.TruncAvgPool2d(2, trunc_quant=quant.TruncTo8bit, bit_width=4)
        self.conv = qnn.QuantConv2d(3, 4, 2, **layer(4))
        self.wide = qnn.QuantIdentity(**activation(8, signed=True))
        self.tanh = qnn.QuantTanh(act_quant=quant.Int8ActPerTensorFixedPoint, bit_width=6)
        self.hard = qnn.QuantHardTanh(
            act_quant=quant.Int8ActPerTensorFixedPoint, bit_width=5, min_val=-0.5, max_val=0.5
        )

    def forward(self, x):
        y = plain(self.conv(plain(self.pool(self.x_q(x)))))
        return plain(self.tanh(plain(self.wide(y)))), plain(self.hard(y))


@pytest.mark.slow
@pytest.mark.parametrize("transposed", [False, True])
def test_u_shaped_networks(transposed: bool, tmp_path: Path) -> None:
    torch.manual_seed(3)
    model = export(UNet(transposed), tmp_path / "m.onnx")
    kinds = {type(node.op).__name__ for node in read_qonnx(model)}
    assert {"Concat", "Add", "Transpose" if transposed else "Upsample"} <= kinds
    assert compare(model, events=6) >= 8


@pytest.mark.slow
def test_truncation_and_functions(tmp_path: Path) -> None:
    torch.manual_seed(4)
    model = export(Truncated(), tmp_path / "m.onnx")
    graph = read_qonnx(model)
    assert len(graph.outputs) == 2
    assert any(type(node.op).__name__ == "Lookup" for node in graph)
    assert compare(model, events=6) >= 5
