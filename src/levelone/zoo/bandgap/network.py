"""The dense network of system bandgap: a block whose every convolution sees all that came before it.

topography -> topography_q -> enter -> act0 --+-> conv1 -> act1 --> join1 --+-> conv2 -> act2 --> join2 ...
+----------------------^ +----------------------^ last join -> mix -> mix_act -> gap

`joinN` puts the channels of both side by side (G. Huang et al., Densely connected convolutional networks,
CVPR 2017, arXiv:1608.06993). The convolutions are 3 x 3, dilated as the recipe says, so that an answer
sees far at full resolution and nothing is lost on the way: with dilations 1, 2, 4 and 4, 25 x 25 pixels.
"""

from __future__ import annotations

from levelone.quant.layers import Layers
from levelone.quant.wiring import Wired
from levelone.zoo.bandgap.section import BandgapModel

INPUT, OUTPUT = "topography", "gap"
_THREE, _ONE = (3, 3), (1, 1)


def weighted(section: BandgapModel) -> tuple[str, ...]:
    """Names of the layers whose widths a recipe may choose."""
    convolutions = [f"conv{number}" for number, _ in enumerate(section.dilations, start=1)]
    return ("enter", *convolutions, "mix", OUTPUT)


class DenseBlockNetwork(Wired):
    """Argument topography [n, 1, rows, columns], result gap [n, 1, rows, columns]."""

    def __init__(self, layers: Layers, section: BandgapModel) -> None:
        super().__init__(layers, {INPUT: (1, section.pixels, section.pixels)})
        at = self.step("topography_q", layers.input("topography_q", signed=True), INPUT)
        at = self._conv("enter", "act0", at, (1, section.enter), 1)
        width = section.enter
        for number, dilation in enumerate(section.dilations, start=1):
            new = self._conv(f"conv{number}", f"act{number}", at, (width, section.growth), dilation)
            name = f"join{number}"
            at = self.step(name, layers.concat(name, (at, new)), at, new)
            width += section.growth
        at = self.step("mix", layers.conv("mix", (at,), (width, section.mix), _ONE), at)
        at = self.step("mix_act", layers.relu("mix"), at)
        self.step(OUTPUT, layers.conv(OUTPUT, (at,), (section.mix, 1), _ONE, norm=None), at)

    def _conv(self, name: str, active: str, source: str, pair: tuple[int, int], dilation: int) -> str:
        far = (dilation, dilation)
        conv = self.make.conv(name, (source,), pair, _THREE, padding=far, dilation=far)
        return self.step(active, self.make.relu(name), self.step(name, conv, source))
