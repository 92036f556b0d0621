"""Networks as users of Brevitas write them: nested modules, functions, shared layers, several outputs."""

from __future__ import annotations

from typing import ClassVar

import brevitas.nn as qnn
import brevitas.quant as quant
import torch
import torch.nn.functional as functional
from torch import nn


def signed(bits: int) -> qnn.QuantIdentity:
    return qnn.QuantIdentity(act_quant=quant.Int8ActPerTensorFixedPoint, bit_width=bits)


def rectified(bits: int, **keywords: bool) -> qnn.QuantReLU:
    return qnn.QuantReLU(act_quant=quant.Uint8ActPerTensorFixedPoint, bit_width=bits, **keywords)


def weights(bits: int, *, bias: bool = True) -> dict[str, object]:
    return {
        "weight_quant": quant.Int8WeightPerTensorFixedPoint,
        "weight_bit_width": bits,
        "bias": bias,
        "bias_quant": quant.Int8BiasPerTensorFixedPointInternalScaling if bias else None,
    }


class Residual(nn.Module):
    """Two convolutions around which the operand goes; both meet on the grid of one quantiser."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.c1 = qnn.QuantConv2d(channels, channels, 3, padding=1, **weights(4))
        self.a1 = rectified(4, return_quant_tensor=True)
        self.c2 = qnn.QuantConv2d(channels, channels, 3, padding=1, **weights(4, bias=False))
        self.grid = signed(5)
        self.act = rectified(4)

    def forward(self, x):
        y = self.grid(self.c2(self.a1(self.c1(x))))
        return self.act(y + self.grid(x))


class Image(nn.Module):
    """A residual network in 2D with a table of numbers beside it, two outputs, functions in forward."""

    inputs: ClassVar = {"pixels": (1, 8, 8), "table": (2,)}

    def __init__(self) -> None:
        super().__init__()
        self.pixels_q = signed(6)
        self.features = nn.Sequential(
            qnn.QuantConv2d(1, 4, 3, padding=1, **weights(4, bias=False)),
            nn.BatchNorm2d(4),
            rectified(4),
            nn.MaxPool2d(2),
            Residual(4),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.vector_q = signed(6)
        self.heads = nn.ModuleDict({"kind": qnn.QuantLinear(6, 3, **weights(4))})
        self.energy = qnn.QuantLinear(6, 1, **weights(4))

    def forward(self, pixels, table):
        x = self.pool(self.features(self.pixels_q(pixels)))
        x = torch.cat([self.vector_q(x).flatten(1), self.vector_q(table)], dim=1)
        return self.heads["kind"](x), self.energy(functional.relu(x))


class Wave(nn.Module):
    """An encoder and a decoder in 1D: transposed convolution, repetition, joined skips."""

    inputs: ClassVar = {"samples": (2, 16)}

    def __init__(self) -> None:
        super().__init__()
        self.quantise = signed(5)
        self.down = nn.Sequential(qnn.QuantConv1d(2, 4, 4, stride=2, padding=1, **weights(3)), rectified(4))
        self.deep = nn.Sequential(qnn.QuantConv1d(4, 4, 4, stride=2, padding=1, **weights(3)), rectified(4))
        self.up = qnn.QuantConvTranspose1d(4, 4, 2, stride=2, **weights(3))
        self.up_act = rectified(4)
        self.repeat = nn.Upsample(scale_factor=2, mode="nearest")
        self.last = qnn.QuantConv1d(8, 1, 3, padding=1, **weights(4))

    def forward(self, samples):
        skip = self.down(self.quantise(samples))
        x = self.up_act(self.up(self.deep(skip)))
        return self.last(self.repeat(torch.cat([x, skip], dim=1)))


class Volume(nn.Module):
    """Grouped convolutions in 3D, called through a container that is called twice, and a gate."""

    inputs: ClassVar = {"voxels": (2, 6, 4, 4)}

    class Step(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.depthwise = qnn.QuantConv3d(2, 2, 3, padding=1, groups=2, **weights(4))
            self.act = rectified(4)

        def forward(self, x):
            return functional.max_pool3d(self.act(self.depthwise(x)), (1, 2, 2))

    def __init__(self) -> None:
        super().__init__()
        self.voxels_q = rectified(4)
        self.step = self.Step()
        self.squeeze = qnn.QuantIdentity(act_quant=quant.Uint8ActPerTensorFixedPoint, bit_width=5)
        self.gate = qnn.QuantSigmoid(act_quant=quant.Uint8ActPerTensorFixedPoint, bit_width=5)
        self.before = signed(6)
        self.score = qnn.QuantLinear(12, 1, **weights(5))

    def forward(self, voxels):
        x = self.step(self.step(self.voxels_q(voxels)))
        gate = self.gate(self.before(self.squeeze(x.mean(dim=(2, 3, 4), keepdim=True)) - 0.5))
        return self.score((x * gate).flatten(1))


class Table(nn.Sequential):
    """A network without names: its layers are called by their numbers; one of them comes twice."""

    inputs: ClassVar = {"input": (5,)}

    def __init__(self) -> None:
        act = rectified(4)
        super().__init__(
            signed(6),
            qnn.QuantLinear(5, 6, **weights(4)),
            act,
            qnn.QuantLinear(6, 6, **weights(4)),
            act,
            qnn.QuantLinear(6, 2, **weights(4)),
        )


class Operands(nn.Module):
    """Layers with quantisers of operands and results; two paths that become one name; `add` is taken."""

    inputs: ClassVar = {"a": (3,), "b": (3,)}

    def __init__(self) -> None:
        super().__init__()
        both = {
            "input_quant": quant.Int8ActPerTensorFixedPoint,
            "output_quant": quant.Int8ActPerTensorFixedPoint,
            "return_quant_tensor": True,
        }
        self.first = nn.ModuleDict({"fc": qnn.QuantLinear(3, 4, **both, **weights(4))})
        self.first_fc = qnn.QuantLinear(3, 4, **both, **weights(4))
        self.add = qnn.QuantEltwiseAdd(
            input_quant=quant.Int8ActPerTensorFixedPoint, output_quant=quant.Int8ActPerTensorFixedPoint
        )
        self.out = qnn.QuantLinear(4, 2, **weights(4))

    def forward(self, a, b):
        x = self.add(self.first["fc"](a), self.first_fc(b))
        return self.out(x + x)


MODULES = (Image, Wave, Volume, Table, Operands)


def calibrated(kind: type[nn.Module], seed: int = 3) -> nn.Module:
    """A network whose quantisers have seen events, in training mode but for its normalisations."""
    torch.manual_seed(seed)
    network = kind()
    for _ in range(3):
        network.train()(*events(kind, 64).values())
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eval()
    return network


def events(kind: type[nn.Module], count: int) -> dict[str, torch.Tensor]:
    return {name: 2 * torch.randn(count, *shape) for name, shape in kind.inputs.items()}
