"""The lcd networks: one topology, whose sizes make it the published or the compact one.

    ecal -> ecal_q -> ecal_conv -> ecal_act [-> ecal_pool] -> ecal_flat --+
    hcal -> hcal_q -> hcal_conv -> hcal_act [-> hcal_pool] -> hcal_flat --+-> both -> fc1 -> fc1_act ...
    ... -> energy (1, in `levelone.zoo.lcd.UNIT_GEV`), ... -> particle (4 logits)

Published sizes: F. Carminati et al., "Calorimetry with deep learning: particle classification, energy
regression, and simulation for high-energy physics", NIPS 2017 workshop. There is no normalisation: the signal
is a sum of cells, and no cell has a typical value.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from levelone.quant.layers import Layers
from levelone.zoo.lcd_section import GRIDS, Branch, LcdModel, branch_grid


class LcdNetwork(nn.Module):
    """Arguments ecal [n, 1, 25, 25, 25], hcal [n, 1, 5, 5, 60]; results energy [n, 1], particle [n, 4]."""

    def __init__(self, layers: Layers, section: LcdModel, particles: int) -> None:
        super().__init__()
        self.input_shapes = {name: (1, *grid) for name, grid in GRIDS.items()}
        self._dropout = section.dropout
        self._branches: list[list[str]] = []
        width = self._branch(layers, "ecal", section.ecal) + self._branch(layers, "hcal", section.hcal)
        self.both = layers.concat("both", ("ecal_flat", "hcal_flat"))
        source = "both"
        self._dense: list[str] = []
        for number, units in enumerate(section.dense, start=1):
            name = f"fc{number}"
            self.add_module(name, layers.dense(name, (source,), (width, units), norm=False))
            self.add_module(f"{name}_act", layers.relu(name))
            self._dense += [name, f"{name}_act"]
            source, width = f"{name}_act", units
        self.energy = layers.dense("energy", (source,), (width, 1), norm=False)
        self.particle = layers.dense("particle", (source,), (width, particles), norm=False)

    def _branch(self, layers: Layers, name: str, branch: Branch) -> int:
        conv, act = f"{name}_conv", f"{name}_act"
        # The read-out is never negative.
        self.add_module(f"{name}_q", layers.input(f"{name}_q", signed=False))
        self.add_module(
            conv,
            layers.conv3d(
                conv, (f"{name}_q",), (1, branch.channels), branch.kernel, branch.stride, norm=None
            ),
        )
        self.add_module(act, layers.relu(conv))
        steps, source = [f"{name}_q", conv, act], act
        if branch.pool > 1:
            source = f"{name}_pool"
            self.add_module(source, layers.max_pool3d(source, (act,), (branch.pool,) * 3))
            steps.append(source)
        self.add_module(f"{name}_flat", layers.flatten(f"{name}_flat", (source,)))
        self._branches.append([*steps, f"{name}_flat"])
        return branch.channels * math.prod(branch_grid(GRIDS[name], branch))

    def forward(self, ecal: Tensor, hcal: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        parts = []
        for value, steps in zip((ecal, hcal), self._branches, strict=True):
            for step in steps:
                value = self.get_submodule(step)(value)
            parts.append(value)
        value = self.both(*parts)
        for step in self._dense:
            value = self.get_submodule(step)(value)
            if step.endswith("_act") and self.training:
                value = torch.nn.functional.dropout(value, self._dropout)
        return self.energy(value), self.particle(value)
