"""What a shower leaves along and across, and how many cells it fills, as tensors."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn

from levelone.zoo.showergan.cells import threshold_roots
from levelone.zoo.showergan.section import ENERGY_UNIT_GEV, GRID

_FILLED = 0.02  # of a compressed cell: what counts as half of a filled one
_SMALL = 1e-5  # keeps the slope of a root finite where there is no energy
_RINGS = 5
TOTAL = GRID[2] + GRID[0] + GRID[1] + _RINGS
"""Which column of `Profiles` is the share of the whole."""


class Profiles(nn.Module):
    """Of showers [n, 1, *GRID] that were asked for by `given` [n, 2 or more], `count` columns [n, count].

    Roots of the shares of 12 layers, 9 + 9 rows along x and y, and 5 rings; the share of the whole; filled
    cells in each layer, softly counted. Shares are of the energy that was asked for: a shower of another
    energy is seen in all of them.
    """

    root: Tensor
    rings: Tensor
    count = TOTAL + 1 + GRID[2]

    def __init__(self, threshold_mip: float) -> None:
        super().__init__()
        self.register_buffer("root", torch.from_numpy(threshold_roots(threshold_mip)), persistent=False)
        self.register_buffer("rings", _rings(), persistent=False)

    def forward(self, shower: Tensor, given: Tensor) -> Tensor:
        """See the class."""
        cells = shower[:, 0]
        energy = cells * (cells + 2 * self.root)  # without the threshold's own, which would jump
        energy = energy / (ENERGY_UNIT_GEV * given[:, 0].clamp(min=0.1).square()).reshape(-1, 1, 1, 1)
        along, across = energy.sum((1, 2)), energy.sum(3)
        rings = torch.einsum("nxy,rxy->nr", across, self.rings)
        sums = torch.cat([along, across.sum(2), across.sum(1), rings], 1)
        filled = (cells / (cells + _FILLED)).sum((1, 2)) / GRID[0] ** 2
        return torch.cat([torch.sqrt(sums + _SMALL), along.sum(1, keepdim=True), filled], 1)


@cache
def profiles_above(threshold_mip: float) -> Profiles:
    """The profiles of cells above a threshold: made once, whatever the number of batches."""
    return Profiles(threshold_mip)


def _rings() -> Tensor:
    """Which cells of a layer lie in which ring around its middle, [rings, 9, 9] of 0 and 1."""
    middle = (GRID[0] - 1) / 2
    axis = torch.arange(GRID[0]) - middle
    number = torch.sqrt(axis[:, None] ** 2 + axis**2).round().clamp(max=_RINGS - 1)
    return torch.stack([(number == ring).float() for ring in range(_RINGS)])
