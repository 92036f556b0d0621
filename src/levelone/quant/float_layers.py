"""The vocabulary of layers in float."""

from __future__ import annotations

from torch import Tensor, nn

from levelone.quant.axes import Pair
from levelone.quant.linear import ConvShape, FloatAffine, FloatLinear, apply_mask, fix_weights
from levelone.quant.local import LocallyConnected, LocalShape
from levelone.quant.norm import Norm, make_norm
from levelone.quant.vocabulary import Layers


class FloatLayers(Layers):
    """Layers of the float twin: no quantiser anywhere, batch normalisation after each hidden layer."""

    def input(self, name: str, *, signed: bool, port: str | None = None) -> nn.Module:
        return nn.Identity()

    def quantise(self, name: str, *, signed: bool) -> nn.Module:
        return nn.Identity()

    def _conv(
        self,
        name: str,
        sources: tuple[str, ...],
        shape: ConvShape,
        *,
        bias: bool,
        norm: Norm | None,
        mask: Tensor | None,
        fixed: Tensor | None,
    ) -> nn.Module:
        conv = shape.in_float(bias=bias)
        fix_weights(conv, fixed)
        apply_mask(conv, mask)
        return FloatLinear(conv, make_norm(norm, shape.channels[1], shape.rank), shape.pads)

    def _local_conv(
        self, name: str, sources: tuple[str, ...], shape: LocalShape, *, bias: bool, norm: Norm | None
    ) -> nn.Module:
        return FloatLinear(LocallyConnected(shape, bias=bias), make_norm(norm, shape.channels[1], shape.rank))

    def dense(
        self,
        name: str,
        sources: tuple[str, ...],
        features: Pair,
        *,
        bias: bool = True,
        norm: Norm | None = "batch",
        mask: Tensor | None = None,
        fixed: Tensor | None = None,
    ) -> nn.Module:
        linear = nn.Linear(*features, bias=bias)
        fix_weights(linear, fixed)
        apply_mask(linear, mask)
        return FloatLinear(linear, make_norm(norm, features[1], 0))

    def affine(self, name: str, sources: tuple[str, ...], channels: int, norm: Norm, axes: int) -> nn.Module:
        made = make_norm(norm, channels, axes)
        assert made is not None  # noqa: S101  (norm is not None)
        return FloatAffine(made, axes)

    def relu(self, layer: str) -> nn.Module:
        return nn.ReLU()

    def swish(self, name: str) -> nn.Module:
        return nn.SiLU()

    def sigmoid(self, name: str) -> nn.Module:
        return nn.Sigmoid()

    def tanh(self, name: str) -> nn.Module:
        return nn.Tanh()
