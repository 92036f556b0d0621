"""The network of system smlm: convolutions alone, an answer for every pixel.

    frame -> frame_q -> conv1 -> act1 -> conv2 -> act2 -> conv3 (dilated) -> act3 -> conv4 --+-> sum -> act4
                                           act2 ------------------------------------------+
    act4 -> logit (one channel: is a molecule in this pixel),  act4 -> shift (two: how far from its middle)

An answer sees 11 x 11 pixels (dilation 2): five standard deviations of a molecule's image to either side.
"""

from __future__ import annotations

from torch import Tensor, nn

from levelone.quant.layers import Layers
from levelone.zoo.smlm.section import SmlmModel

HIDDEN = ("conv1", "conv2", "conv3", "conv4")


class SmlmNetwork(nn.Module):
    """Argument frame [n, 1, rows, columns]; results logit [n, 1, ...], shift [n, 2, ...] (x, y) in pixels."""

    def __init__(self, layers: Layers, section: SmlmModel) -> None:
        super().__init__()
        self.input_shapes = {"frame": (1, section.pixels, section.pixels)}
        self.frame_q = layers.input("frame_q", signed=False)
        wide, far = section.channels, section.dilation
        pair, spread = (wide, wide), (far, far)
        self.conv1 = layers.conv("conv1", ("frame_q",), (1, wide), (3, 3), padding=(1, 1))
        self.act1 = layers.relu("conv1")
        self.conv2 = layers.conv("conv2", ("act1",), pair, (3, 3), padding=(1, 1))
        self.act2 = layers.relu("conv2")
        self.conv3 = layers.conv("conv3", ("act2",), pair, (3, 3), padding=spread, dilation=spread)
        self.act3 = layers.relu("conv3")
        self.conv4 = layers.conv("conv4", ("act3",), pair, (3, 3), padding=(1, 1))
        self.sum = layers.add("sum", ("conv4", "act2"))
        self.act4 = layers.relu("sum")
        self.logit = layers.conv("logit", ("act4",), (wide, 1), (1, 1), norm=None)
        self.shift = layers.conv("shift", ("act4",), (wide, 2), (1, 1), norm=None)

    def forward(self, frame: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        x = self.act1(self.conv1(self.frame_q(frame)))
        x = self.act2(self.conv2(x))
        y = self.conv4(self.act3(self.conv3(x)))
        x = self.act4(self.sum(y, x))
        return self.logit(x), self.shift(x)
