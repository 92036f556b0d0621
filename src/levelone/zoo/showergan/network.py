"""The generator of system showergan: a shower of 9 x 9 x 12 cells from what was asked for and from noise.

    condition -> condition_q -+-> asked -> seed (dense) -> seed_act -> block (3 x 3 x 3)
    latent ---> latent_q -----+     -> up1 (5 x 5 x 6) -> up1_act -> up2 (9 x 9 x 12) -> up2_act -+
    noise ----> noise_q --------------------------------------------------------------------------+-> joined
    joined -> mix (1 x 1 x 1) -> mix_act -> cells (1 x 1 x 1) -> shower (rectified)

The latent numbers are what a shower does as a whole, where it begins and how wide it is; the noise is what
each cell does for itself. The kernel of the second transposed convolution is no multiple of its stride along
x and y (3 and 2), so that a grid of odd size keeps a middle.
"""

from __future__ import annotations

from torch import Tensor

from levelone.quant.layers import Layers
from levelone.quant.wiring import Wired
from levelone.zoo.kit.plainconv import plain_convolutions
from levelone.zoo.showergan.section import GRID, ShowerGanModel

CONDITIONS = 2
"""Root of the energy, and which particle."""
WEIGHTED = ("seed", "up1", "up2", "mix", "cells")
"""Layers with weights."""
_FIRST = (3, 3, 3)
_KERNEL, _ONE = (3, 3, 4), (1, 1, 1)


class ShowerNetwork(Wired):
    """Arguments condition [n, 2], latent [n, k], noise [n, m, 9, 9, 12]; a shower [n, 1, 9, 9, 12]."""

    def __init__(self, layers: Layers, model: ShowerGanModel) -> None:
        shapes = {
            "condition": (CONDITIONS,),
            "latent": (model.latent,),
            "noise": (model.noise, *GRID),
        }
        super().__init__(layers, shapes)
        ports = {
            name: self.step(f"{name}_q", layers.input(f"{name}_q", signed=True), name) for name in shapes
        }
        first, second, third, mixed = model.channels
        both = (ports["condition"], ports["latent"])
        at = self.step("asked", layers.concat("asked", both), *both)
        features = (CONDITIONS + model.latent, first * 27)
        at = self.step("seed", layers.dense("seed", (at,), features, norm=None), at)
        at = self._active("seed", at)
        at = self.step("block", layers.reshape("block", (at,), (first, *_FIRST)), at)
        up1 = layers.transposed_conv("up1", (at,), (first, second), _KERNEL, (1, 1, 2), (0, 0, 1), norm=None)
        at = self._active("up1", self.step("up1", up1, at))
        up2 = layers.transposed_conv("up2", (at,), (second, third), _KERNEL, (2, 2, 2), _ONE, norm=None)
        at = self._active("up2", self.step("up2", up2, at))
        both = (at, ports["noise"])
        at = self.step("joined", layers.concat("joined", both), *both)
        mix = layers.conv("mix", (at,), (third + model.noise, mixed), _ONE, norm=None)
        at = self._active("mix", self.step("mix", mix, at))
        at = self.step("cells", layers.conv("cells", (at,), (mixed, 1), _ONE, norm=None), at)
        self.step("shower", layers.relu("cells"), at)

    @plain_convolutions()
    def forward(self, *inputs: Tensor) -> Tensor:
        """See the class."""
        return super().forward(*inputs)

    def _active(self, name: str, source: str) -> str:
        return self.step(f"{name}_act", self.make.relu(name), source)
