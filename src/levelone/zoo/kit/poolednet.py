"""A small CNN over an image: convolutions with pooling, dense layers, a logit.

    NAME -> NAME_q -> conv1 -> act1 -> pool1 [-> conv2 -> act2 -> pool2 ...] -> flat
    flat -> fc1 -> fc1_act [-> fc2 ...] -> logit

The convolutions are normalised over the batch, which is folded into their weights; of a few pixels the
largest is kept. A separable one is two: depth2 -> depth2_act (every channel for itself) -> conv2 (1x1).
A local one has weights of its own at every position.

Squeeze and excitation (J. Hu et al., arXiv:1709.01507) gives every channel a factor between 0 and 1:

    pool2 -> gate2_mean -> gate2_mean_q -> gate2_down -> gate2_down_act -> gate2_up -> gate2_up_q
    gate2_up_q -> gate2_factor; pool2, gate2_factor -> gate2 -> gate2_q

MaxOut (I. Goodfellow et al., arXiv:1302.4389): a dense layer has several sums for each unit, the largest of
which is its value, in place of a rectifier: fc1 -> fc1_pieces -> fc1_most -> fc1_flat -> fc1_q.

Position carries meaning in the images that it is for, and the dense layer may weigh it.
"""

from __future__ import annotations

import math

from levelone.quant.layers import Layers
from levelone.quant.wiring import Wired
from levelone.zoo.kit.pooled import PooledConv, PooledModel


class PooledNetwork(Wired):
    """See the module's text. Argument: `name` [n, *shape]; result: logit [n, 1], positive for signal."""

    def __init__(self, layers: Layers, name: str, shape: tuple[int, ...], section: PooledModel) -> None:
        super().__init__(layers, {name: shape})
        channels, *axes = shape
        grid = tuple(axes)
        value = self.step(f"{name}_q", layers.input(f"{name}_q", signed=False), name)
        for number, conv in enumerate(section.convolutions, start=1):
            value = self._convolution(number, conv, channels, grid, value)
            channels, grid = conv.channels, conv.pooled_grid(grid)
        value = self.step("flat", layers.flatten("flat", (value,)), value)
        width = channels * math.prod(grid)
        for number, (units, pieces) in enumerate(section.pieced(), start=1):
            name = f"fc{number}"
            value = self.step(name, layers.dense(name, (value,), (width, units * pieces)), value)
            if pieces > 1:
                value = self._largest(name, units, pieces)
            else:
                value = self.step(f"{name}_act", layers.relu(name), value)
            width = units
        self.step("logit", layers.dense("logit", (value,), (width, 1), norm=None), value)

    def _convolution(
        self, number: int, conv: PooledConv, channels: int, grid: tuple[int, ...], value: str
    ) -> str:
        layers, name = self.make, f"conv{number}"
        sizes = (conv.kernel, conv.stride, conv.padding)
        if conv.separable:
            depth = f"depth{number}"
            same = (channels, channels)
            value = self.step(depth, layers.conv(depth, (value,), same, *sizes, groups=channels), value)
            value = self.step(f"{depth}_act", layers.relu(depth), value)
            sizes = ((1, 1), (1, 1), (0, 0))
        pair = (channels, conv.channels)
        if conv.local:
            layer = layers.local_conv(name, (value,), pair, grid, *sizes)
        else:
            layer = layers.conv(name, (value,), pair, *sizes)
        value = self.step(name, layer, value)
        value = self.step(f"act{number}", layers.relu(name), value)
        if conv.pool > 1:
            name = f"pool{number}"
            value = self.step(name, layers.max_pool(name, (value,), (conv.pool, conv.pool)), value)
        return self._gated(f"gate{number}", conv, conv.pooled_grid(grid), value) if conv.squeeze else value

    def _gated(self, name: str, conv: PooledConv, grid: tuple[int, ...], value: str) -> str:
        """Squeeze and excitation of `value`, which has the `grid` behind the pooling."""
        layers, one, between = self.make, (1, 1), conv.squeezed()
        mean = self.step(f"{name}_mean", layers.adaptive_average_pool(f"{name}_mean", (value,), grid), value)
        mean = self.step(f"{name}_mean_q", layers.quantise(f"{name}_mean", signed=False), mean)
        down, up = f"{name}_down", f"{name}_up"
        pair = (conv.channels, between)
        at = self.step(down, layers.conv(down, (mean,), pair, one, norm=None), mean)
        at = self.step(f"{down}_act", layers.relu(down), at)
        at = self.step(up, layers.conv(up, (at,), pair[::-1], one, norm=None), at)
        at = self.step(f"{up}_q", layers.quantise(up, signed=True), at)
        factor = self.step(f"{name}_factor", layers.sigmoid(f"{name}_factor"), at)
        value = self.step(name, layers.multiply(name, (value, factor)), value, factor)
        return self.step(f"{name}_q", layers.quantise(name, signed=False), value)

    def _largest(self, name: str, units: int, pieces: int) -> str:
        """The largest of so many sums that the layer `name` makes for each unit."""
        layers, split, most, flat = self.make, f"{name}_pieces", f"{name}_most", f"{name}_flat"
        value = self.step(split, layers.reshape(split, (name,), (units, pieces)), name)
        value = self.step(most, layers.max_pool(most, (value,), (pieces,)), value)
        value = self.step(flat, layers.flatten(flat, (value,)), value)
        return self.step(f"{name}_q", layers.quantise(name, signed=True), value)
