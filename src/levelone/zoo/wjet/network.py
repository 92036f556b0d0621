"""The network of system wjet: a small CNN.

    jet -> jet_q -> conv1 -> act1 -> pool1 [-> conv2 -> act2 -> pool2 ...] -> flat
    flat -> fc1 -> fc1_act [-> fc2 ...] -> logit

The convolutions are normalised over the batch, which is folded into their weights; of a few pixels the
largest is kept. The hardest subjet is in the middle and the second below it, so position carries meaning and
the dense layer may weigh it.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from levelone.quant.layers import Layers
from levelone.zoo.wjet.section import SHAPE, WJetModel


class WJetNetwork(nn.Module):
    """See the module's text. Argument: jet [n, 1, 25, 25]; result: logit [n, 1], positive for a W."""

    def __init__(self, layers: Layers, section: WJetModel) -> None:
        super().__init__()
        self.input_shapes = {"jet": SHAPE}
        channels, *axes = SHAPE
        grid = tuple(axes)
        self.jet_q = layers.input("jet_q", signed=False)
        self._steps: list[str] = []
        source = "jet_q"
        for number, conv in enumerate(section.convolutions, start=1):
            name, activation = f"conv{number}", f"act{number}"
            sizes = (conv.kernel, conv.stride, conv.padding)
            self.add_module(name, layers.conv(name, (source,), (channels, conv.channels), *sizes))
            self.add_module(activation, layers.relu(name))
            self._steps += [name, activation]
            source, channels, grid = activation, conv.channels, conv.pooled_grid(grid)
            if conv.pool > 1:
                source = f"pool{number}"
                self.add_module(source, layers.max_pool(source, (activation,), (conv.pool, conv.pool)))
                self._steps.append(source)
        self.flat = layers.flatten("flat", (source,))
        self._steps.append("flat")
        source, width = "flat", channels * math.prod(grid)
        for number, units in enumerate(section.dense, start=1):
            name = f"fc{number}"
            self.add_module(name, layers.dense(name, (source,), (width, units)))
            self.add_module(f"{name}_act", layers.relu(name))
            self._steps += [name, f"{name}_act"]
            source, width = f"{name}_act", units
        self.logit = layers.dense("logit", (source,), (width, 1), norm=None)

    def forward(self, jet: Tensor) -> Tensor:
        x = self.jet_q(jet)
        for step in self._steps:
            x = self.get_submodule(step)(x)
        result: Tensor = self.logit(x)
        return result
