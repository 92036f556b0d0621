"""The vocabulary of layers in float."""

from __future__ import annotations

from torch import Tensor, nn

from levelone.quant.linear import (
    FloatAffine,
    FloatLinear,
    Pads,
    Pair,
    Triple,
    fix_weights,
    split_padding,
)
from levelone.quant.norm import Norm, make_norm
from levelone.quant.vocabulary import Layers


class FloatLayers(Layers):
    """Layers of the float twin: no quantiser anywhere, batch normalisation after each hidden layer."""

    def input(self, name: str, *, signed: bool) -> nn.Module:
        return nn.Identity()

    def conv2d(
        self,
        name: str,
        sources: tuple[str, ...],
        channels: Pair,
        kernel: Pair,
        stride: Pair,
        padding: Pair,
        mask: Tensor | None = None,
    ) -> nn.Module:
        conv = nn.Conv2d(*channels, kernel, stride, padding)
        return FloatLinear(conv, nn.BatchNorm2d(channels[1]), mask)

    def conv3d(
        self,
        name: str,
        sources: tuple[str, ...],
        channels: Pair,
        kernel: Triple,
        stride: Triple = (1, 1, 1),
        padding: Pads = (0, 0, 0),
        *,
        groups: int = 1,
        bias: bool = True,
        norm: Norm | None = "batch",
        fixed: Tensor | None = None,
    ) -> nn.Module:
        inside, pads = split_padding(padding)
        conv = nn.Conv3d(*channels, kernel, stride, inside, groups=groups, bias=bias)
        fix_weights(conv, fixed)
        return FloatLinear(conv, make_norm(norm, channels[1], 3), pads=pads)

    def affine(self, name: str, sources: tuple[str, ...], channels: int, norm: Norm) -> nn.Module:
        made = make_norm(norm, channels, 3)
        assert made is not None  # noqa: S101  (norm is not None)
        return FloatAffine(made)

    def dense(
        self,
        name: str,
        sources: tuple[str, ...],
        features: Pair,
        *,
        norm: bool = True,
        mask: Tensor | None = None,
    ) -> nn.Module:
        return FloatLinear(nn.Linear(*features), nn.BatchNorm1d(features[1]) if norm else None, mask)

    def relu(self, layer: str) -> nn.Module:
        return nn.ReLU()

    def quantise(self, name: str, *, signed: bool) -> nn.Module:
        return nn.Identity()

    def swish(self, name: str) -> nn.Module:
        return nn.SiLU()

    def sigmoid(self, name: str) -> nn.Module:
        return nn.Sigmoid()

    def tanh(self, name: str) -> nn.Module:
        return nn.Tanh()
