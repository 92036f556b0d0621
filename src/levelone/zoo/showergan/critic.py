"""The network that judges generated showers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from levelone.zoo.showergan.network import CONDITIONS
from levelone.zoo.showergan.profiles import Profiles
from levelone.zoo.showergan.section import GRID
from levelone.zoo.showergan.shape import SHAPE

_SCALE = 10.0  # of profiles, in front of the critic's weights: they vary little


class ShowerCritic(nn.Module):
    """Dense layers on every cell, on `Profiles`, and on what was asked for; its judgement is [n, 1]."""

    def __init__(self, units: tuple[int, ...], threshold_mip: float) -> None:
        super().__init__()
        self.profiles = Profiles(threshold_mip)
        width = GRID[0] * GRID[1] * GRID[2] + Profiles.count + CONDITIONS + len(SHAPE)
        layers: list[nn.Module] = []
        for count in units:
            layers += [nn.Linear(width, count), nn.LeakyReLU(0.2)]
            width = count
        self.dense = nn.Sequential(*layers, nn.Linear(width, 1))

    def forward(self, shower: Tensor, given: Tensor) -> Tensor:
        """Judgements [n, 1] of showers [n, 1, *GRID] that were asked for by `given` [n, 6]."""
        seen = torch.cat([shower.flatten(1), _SCALE * self.profiles(shower, given), given], 1)
        told: Tensor = self.dense(seen)
        return told
