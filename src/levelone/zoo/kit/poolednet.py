"""A small CNN over an image: convolutions with pooling, dense layers, a logit.

    NAME -> NAME_q -> conv1 -> act1 -> pool1 [-> conv2 -> act2 -> pool2 ...] -> flat
    flat -> fc1 -> fc1_act [-> fc2 ...] -> logit

The convolutions are normalised over the batch, which is folded into their weights; of a few pixels the
largest is kept. A separable one is two: depth2 -> depth2_act (every channel for itself) -> conv2 (1x1).
A local one has weights of its own at every position.
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
        for number, units in enumerate(section.dense, start=1):
            name = f"fc{number}"
            value = self.step(name, layers.dense(name, (value,), (width, units)), value)
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
        return value
