"""The network of system wjet: a small CNN.

    jet -> jet_q -> conv1 -> act1 -> pool1 [-> conv2 -> act2 -> pool2 ...] -> flat
    flat -> fc1 -> fc1_act [-> fc2 ...] -> logit

The convolutions are normalised over the batch, which is folded into their weights; of a few pixels the
largest is kept. The hardest subjet is in the middle and the second below it, so position carries meaning and
the dense layer may weigh it.
"""

from __future__ import annotations

import math

from levelone.quant.layers import Layers
from levelone.quant.wiring import Wired
from levelone.zoo.wjet.section import SHAPE, WJetModel


class WJetNetwork(Wired):
    """See the module's text. Argument: jet [n, 1, 25, 25]; result: logit [n, 1], positive for a W."""

    def __init__(self, layers: Layers, section: WJetModel) -> None:
        super().__init__(layers, {"jet": SHAPE})
        channels, *axes = SHAPE
        grid = tuple(axes)
        value = self.step("jet_q", layers.input("jet_q", signed=False), "jet")
        for number, conv in enumerate(section.convolutions, start=1):
            name = f"conv{number}"
            sizes = (conv.kernel, conv.stride, conv.padding)
            value = self.step(name, layers.conv(name, (value,), (channels, conv.channels), *sizes), value)
            value = self.step(f"act{number}", layers.relu(name), value)
            channels, grid = conv.channels, conv.pooled_grid(grid)
            if conv.pool > 1:
                name = f"pool{number}"
                value = self.step(name, layers.max_pool(name, (value,), (conv.pool, conv.pool)), value)
        value = self.step("flat", layers.flatten("flat", (value,)), value)
        width = channels * math.prod(grid)
        for number, units in enumerate(section.dense, start=1):
            name = f"fc{number}"
            value = self.step(name, layers.dense(name, (value,), (width, units)), value)
            value = self.step(f"{name}_act", layers.relu(name), value)
            width = units
        self.step("logit", layers.dense("logit", (value,), (width, 1), norm=None), value)
