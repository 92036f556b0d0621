"""Networks exported by Brevitas itself: the integer graph equals qonnx's execution at every tensor."""

from __future__ import annotations

from pathlib import Path

import brevitas.nn as qnn
import pytest
import torch
from brevitas_export import activation, export, layer, plain
from onnx_models import compare

from levelone.graph import layer_table, read_qonnx


class Image2d(torch.nn.Module):
    inputs = ((2, 8, 8), (5,))

    def __init__(self, wb: int, ab: int, channels: bool) -> None:
        super().__init__()
        self.images_q = qnn.QuantIdentity(**activation(ab, signed=False))
        self.features_q = qnn.QuantIdentity(**activation(ab + 1, signed=True))
        self.conv1 = qnn.QuantConv2d(2, 4, 3, stride=2, padding=1, **layer(wb, channels=channels))
        self.act1 = qnn.QuantReLU(**activation(ab, signed=False))
        self.fc1 = qnn.QuantLinear(4 * 2 * 2 + 5, 6, **layer(wb, channels=channels))
        self.act2 = qnn.QuantReLU(**activation(ab, signed=False))
        self.logit = qnn.QuantLinear(6, 1, **layer(wb))

    def forward(self, images, features):
        x = plain(self.act1(plain(self.conv1(self.images_q(images)))))
        x = torch.nn.functional.max_pool2d(x, 2).flatten(1)
        x = torch.cat([x, plain(self.features_q(features))], 1)
        return plain(self.logit(plain(self.act2(plain(self.fc1(x))))))


class Sequence1d(torch.nn.Module):
    inputs = ((3, 20),)

    def __init__(self, wb: int, ab: int, channels: bool) -> None:
        super().__init__()
        self.x_q = qnn.QuantIdentity(**activation(ab, signed=True))
        self.conv1 = qnn.QuantConv1d(
            3, 6, 5, stride=2, groups=3, dilation=2, padding=3, **layer(wb, bias=False)
        )
        self.act1 = qnn.QuantIdentity(**activation(ab, signed=True))
        self.conv2 = qnn.QuantConv1d(6, 6, 1, **layer(wb, channels=channels))
        self.act2 = qnn.QuantIdentity(**activation(ab + 2, signed=True))

    def forward(self, x):
        a = plain(self.act1(plain(self.conv1(self.x_q(x)))))
        return plain(self.act2(plain(self.conv2(a)) + a))


class Volume3d(torch.nn.Module):
    inputs = ((1, 6, 5, 4),)

    def __init__(self, wb: int, ab: int, channels: bool) -> None:
        super().__init__()
        self.x_q = qnn.QuantIdentity(**activation(ab, signed=False))
        self.conv1 = qnn.QuantConv3d(1, 3, (3, 2, 2), stride=(2, 1, 1), **layer(wb, channels=channels))
        self.act1 = qnn.QuantReLU(**activation(ab, signed=False))
        self.fc = qnn.QuantLinear(3 * 2 * 4 * 3, 4, **layer(wb))

    def forward(self, x):
        return plain(self.fc(plain(self.act1(plain(self.conv1(self.x_q(x))))).flatten(1)))


@pytest.mark.slow
@pytest.mark.parametrize("network", [Image2d, Sequence1d, Volume3d])
@pytest.mark.parametrize(("wb", "ab", "channels"), [(4, 4, False), (6, 5, True), (2, 3, False)])
def test_brevitas_export_is_reproduced_exactly(network, wb, ab, channels, tmp_path: Path) -> None:
    torch.manual_seed(wb * 10 + ab)
    model = export(network(wb, ab, channels), tmp_path / "m.onnx")
    assert compare(model, events=10, seed=wb) >= 4
    linear = [c for c in layer_table(read_qonnx(model)) if c.macs]
    assert len(linear) >= 2
    assert all(c.width <= c.width_bound for c in linear)
