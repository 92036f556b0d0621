"""The networks of system next: the published fully connected one, and the compact 3D CNN.

    published: tpc -> tpc_q -> flat -> fc1 -> fc1_act -> logit
    compact:   tpc -> tpc_q -> conv1 -> act1 [-> conv2 -> act2 ...] -> mean -> mean_q -> flat
               flat -> fc1 -> fc1_act [-> fc2 ...] -> logit

The compact network looks for the same thing everywhere: convolutions, then the mean answer of each channel
over the whole chamber, then a small dense network. One dense blob or two is a matter of counting, and the
mean of rectified answers counts. (The largest answer beside it made training slower: it is a hundred times
larger than the mean, and the dense layer sees little else.)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from levelone.quant.layers import Layers, parameter_of
from levelone.quant.norm import Norm
from levelone.zoo.next.section import SHAPE, NextModel

_GAIN = 8.0
"""Of the first weights behind the mean over the chamber, before training."""


class _Dense(nn.Module):
    """What both end with: dense layers with rectifiers, then the logit."""

    def _add_dense(
        self, layers: Layers, source: str, width: int, units: tuple[int, ...], norm: Norm | None
    ) -> None:
        self._dense: list[tuple[str, str]] = []
        for number, count in enumerate(units, start=1):
            name = f"fc{number}"
            self.add_module(name, layers.dense(name, (source,), (width, count), norm=norm))
            self.add_module(f"{name}_act", layers.relu(name))
            self._dense.append((name, f"{name}_act"))
            source, width = f"{name}_act", count
        self.logit = layers.dense("logit", (source,), (width, 1), norm=None)

    def _finish(self, x: Tensor) -> Tensor:
        for linear, activation in self._dense:
            x = self.get_submodule(activation)(self.get_submodule(linear)(x))
        result: Tensor = self.logit(x)
        return result


class Published(_Dense):
    """Flatten, 32 units, 1: argument tpc [n, 1, 20, 20, 60], result logit [n, 1]."""

    def __init__(self, layers: Layers, section: NextModel) -> None:
        super().__init__()
        self.input_shapes = {"tpc": SHAPE}
        self.tpc_q = layers.input("tpc_q", signed=False)
        self.flat = layers.flatten("flat", ("tpc_q",))
        self._add_dense(layers, "flat", SHAPE[1] * SHAPE[2] * SHAPE[3], section.dense, "batch")

    def forward(self, tpc: Tensor) -> Tensor:
        return self._finish(self.flat(self.tpc_q(tpc)))


class Compact(_Dense):
    """The 3D CNN: argument tpc [n, 1, 20, 20, 60], result logit [n, 1]."""

    def __init__(self, layers: Layers, section: NextModel) -> None:
        super().__init__()
        self.input_shapes = {"tpc": SHAPE}
        channels, *axes = SHAPE
        grid = tuple(axes)
        self.tpc_q = layers.input("tpc_q", signed=False)
        self._convolutions: list[tuple[str, str]] = []
        source = "tpc_q"
        for number, conv in enumerate(section.convolutions, start=1):
            name, activation = f"conv{number}", f"act{number}"
            sizes = (conv.kernel, conv.stride, conv.padding)
            # No normalisation: nearly all voxels are empty, and the variance of a channel that fires rarely
            # differs so much between batches that training and evaluation would see different networks.
            self.add_module(name, layers.conv(name, (source,), (channels, conv.channels), *sizes, norm=None))
            self.add_module(activation, layers.relu(name))
            self._convolutions.append((name, activation))
            source, channels = activation, conv.channels
            grid = conv.output_grid(grid)
        self.mean = layers.average_pool("mean", (source,), grid)
        self.mean_q = layers.quantise("mean_q", signed=False)
        self.flat = layers.flatten("flat", ("mean_q",))
        self._add_dense(layers, "flat", channels, section.dense, None)
        # The mean is small, as most of the chamber is empty. Weights that make up for it let the convolutions
        # learn from the first step; with ordinary ones the answer is that of the biases alone.
        behind = self.get_submodule(self._dense[0][0] if self._dense else "logit")
        with torch.no_grad():
            parameter_of(behind, "weight").mul_(_GAIN)

    def forward(self, tpc: Tensor) -> Tensor:
        x = self.tpc_q(tpc)
        for linear, activation in self._convolutions:
            x = self.get_submodule(activation)(self.get_submodule(linear)(x))
        return self._finish(self.flat(self.mean_q(self.mean(x))))
