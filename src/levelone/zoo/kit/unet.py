"""A U-Net: answers for every pixel that see the whole image.

    image -> image_q -> enter -> block0 ---------------------------------> join0 -> merge0 -> output
                                   | down1                                   ^ up0
                                   +---> block1 -----------> join1 -> merge1 +
                                           | down2             ^ up1
                                           +---> block2 -------+

A block is two convolutions of 3 x 3 and a sum with what came in. ``downN`` is a convolution of 2 x 2 with
stride 2; ``upN`` a transposed one, or every pixel repeated 2 x 2 times and a convolution of 3 x 3. ``joinN``
puts the channels of both side by side. The output is a convolution of 1 x 1 to one channel.
"""

from __future__ import annotations

from levelone.quant.layers import Layers
from levelone.quant.wiring import Wired
from levelone.zoo.kit.unetshape import UNetShape

_THREE, _ONE, _TWO = (3, 3), (1, 1), (2, 2)


class UNet(Wired):
    """Argument `shape.input` [n, 1, rows, columns], result `shape.output` [n, 1, rows, columns]."""

    def __init__(self, layers: Layers, shape: UNetShape) -> None:
        super().__init__(layers, {shape.input: (1, shape.pixels, shape.pixels)})
        wide, transposed = shape.channels, shape.decoder == "transposed"
        port = f"{shape.input}_q"
        at = self.step(port, layers.input(port, signed=shape.signed), shape.input)
        at = self._conv("enter", at, 1, wide[0])
        skips = []
        for level, channels in enumerate(wide):
            if level:
                conv = layers.conv(f"down{level}", (at,), (wide[level - 1], channels), _TWO, _TWO)
                at = self._active(f"down{level}", self.step(f"down{level}", conv, at))
            at = self._block(f"block{level}", at, channels)
            skips.append(at)
        for level in reversed(range(len(wide) - 1)):
            pair = (wide[level + 1], wide[level])
            if transposed:
                up = layers.transposed_conv(f"up{level}", (at,), pair, _TWO, _TWO)
                at = self._active(f"up{level}", self.step(f"up{level}", up, at))
            else:
                repeat = layers.upsample(f"repeat{level}", (at,), _TWO)
                at = self._conv(f"up{level}", self.step(f"repeat{level}", repeat, at), *pair)
            both = layers.concat(f"join{level}", (at, skips[level]))
            at = self.step(f"join{level}", both, at, skips[level])
            at = self._conv(f"merge{level}", at, 2 * wide[level], wide[level])
        self.step(shape.output, layers.conv(shape.output, (at,), (wide[0], 1), _ONE, norm=None), at)

    def _conv(self, name: str, source: str, inputs: int, outputs: int) -> str:
        conv = self.make.conv(name, (source,), (inputs, outputs), _THREE, padding=_ONE)
        return self._active(name, self.step(name, conv, source))

    def _active(self, name: str, source: str) -> str:
        return self.step(f"{name}_act", self.make.relu(name), source)

    def _block(self, name: str, source: str, channels: int) -> str:
        inner = self._conv(f"{name}a", source, channels, channels)
        pair = (channels, channels)
        conv = self.make.conv(f"{name}b", (inner,), pair, _THREE, padding=_ONE)
        outer = self.step(f"{name}b", conv, inner)
        return self._active(name, self.step(name, self.make.add(name, (outer, source)), outer, source))
