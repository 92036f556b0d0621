"""The network of system lartpc: a U-Net of residual blocks.

    charge -> charge_q -> enter -> block0 ---------------------------------> join0 -> merge0 -> logit
                                     | down1                                   ^ up0
                                     +---> block1 -----------> join1 -> merge1 +
                                             | down2             ^ up1
                                             +---> block2 -------+

A block is two convolutions of 3 x 3 and a sum with what came in. ``downN`` is a convolution of 2 x 2 with
stride 2; ``upN`` a transposed one, or every pixel repeated 2 x 2 times and a convolution of 3 x 3. ``joinN``
puts the channels of both side by side. The logit is positive for showers.
"""

from __future__ import annotations

from levelone.quant.layers import Layers
from levelone.quant.wiring import Wired
from levelone.zoo.lartpc.section import LartpcModel

_THREE, _ONE, _TWO = (3, 3), (1, 1), (2, 2)


def weighted(section: LartpcModel) -> tuple[str, ...]:
    """Names of the layers whose widths a recipe may choose."""
    levels = range(len(section.channels))
    down = [f"down{level}" for level in levels[1:]]
    blocks = [f"block{level}{part}" for level in levels for part in ("a", "b", "")]
    up = [f"{part}{level}" for level in levels[:-1] for part in ("up", "merge")]
    return ("enter", *down, *blocks, *up, "logit")


class LartpcNetwork(Wired):
    """Argument charge [n, 1, rows, columns], result logit [n, 1, rows, columns]."""

    def __init__(self, layers: Layers, section: LartpcModel) -> None:
        super().__init__(layers, {"charge": (1, section.pixels, section.pixels)})
        wide, transposed = section.channels, section.decoder == "transposed"
        at = self.step("charge_q", layers.input("charge_q", signed=False), "charge")
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
        self.step("logit", layers.conv("logit", (at,), (wide[0], 1), _ONE, norm=None), at)

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
