"""What judges generated showers: profiles of them as tensors, a distance between profiles, and the critic."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from levelone.zoo.showergan.network import CONDITIONS
from levelone.zoo.showergan.section import ENERGY_UNIT_GEV, GRID, THRESHOLD_GEV

_ROOT = THRESHOLD_GEV**0.5
_FILLED = 0.05  # of a compressed cell: what counts as half of a filled one
_SMALL = 1e-5  # keeps the slope of a root finite where there is no energy
_EACH = 5.0  # weight of the mean distance of single columns
_SCALE = 10.0  # of profiles, in front of the critic's weights: they vary little
_RINGS = 5


def _rings() -> Tensor:
    """Which cells of a layer lie in which ring around its middle, [rings, 9, 9] of 0 and 1."""
    middle = (GRID[0] - 1) / 2
    axis = torch.arange(GRID[0]) - middle
    radius = torch.sqrt(axis[:, None] ** 2 + axis**2)
    number = radius.round().clamp(max=_RINGS - 1)
    return torch.stack([(number == ring).float() for ring in range(_RINGS)])


def profiles(shower: Tensor, given: Tensor) -> Tensor:
    """What of its energy a particle leaves along and across showers [n, 1, 9, 9, 12], as [n, columns].

    Roots of the shares of 12 layers, 9 + 9 rows along x and y, and 5 rings; the share of the whole; filled
    cells in each layer, softly counted. Shares are of the energy that was asked for, `given` [n, 2]: a shower
    of another energy is seen in all of them.
    """
    cells = shower[:, 0]
    energy = cells * (cells + 2 * _ROOT)  # without the threshold's own, which would jump
    energy = energy / (ENERGY_UNIT_GEV * given[:, 0].clamp(min=0.1).square()).reshape(-1, 1, 1, 1)
    along = energy.sum((1, 2))
    rings = torch.einsum("nxyz,rxy->nr", energy, _rings())
    sums = torch.cat([along, energy.sum((2, 3)), energy.sum((1, 3)), rings], 1)
    filled = (cells / (cells + _FILLED)).sum((1, 2)) / GRID[0] ** 2
    return torch.cat([torch.sqrt(sums + _SMALL), along.sum(1, keepdim=True), filled], 1)


def profile_distance(made: Tensor, true: Tensor, given: Tensor) -> Tensor:
    """Distance between generated and true showers of a batch, as one number for each of n pairs.

    Of `profiles`, together with what was asked for, `given` [n, 2], the energy distance (G. Szekely and M.
    Rizzo, J. Stat. Plan. Inference 143 (2013) 1249), 2 |m - t| - |m - m'| - |t - t'| averaged over all others
    of the batch, which is zero on average where both have the same distribution; and of each column alone the
    distance between the quantiles of both, which a distance in many columns hardly sees. Columns are in units
    of the true ones' standard deviation, what was asked for counts twice.
    """
    real, fake = (torch.cat([profiles(each, given), 2 * given], 1) for each in (true, made))
    spread = real.std(0, correction=0) + 1e-3
    real, fake = real / spread, fake / spread
    others = max(len(real) - 1, 1)
    across = _distances(fake, real)
    inside = (_distances(fake, fake).sum(1) + _distances(real, real).sum(1)) / others
    quantiles = (fake.sort(0).values - real.sort(0).values).abs().mean(1)
    return across.mean(0) + across.mean(1) - inside + _EACH * quantiles


def _distances(one: Tensor, other: Tensor) -> Tensor:
    """Euclidean distances [n, m]; their slope stays finite where both are the same."""
    squared = (one.square().sum(1)[:, None] + other.square().sum(1) - 2 * one @ other.T).clamp(min=0)
    distance = torch.sqrt(squared + 1e-6)
    if one is other:
        distance = distance - torch.diag(torch.diag(distance))
    return distance


class ShowerCritic(nn.Module):
    """Dense layers on every cell, on `profiles`, and on what was asked for; its judgement is [n, 1]."""

    def __init__(self, units: tuple[int, ...]) -> None:
        super().__init__()
        cells = GRID[0] * GRID[1] * GRID[2]
        width = cells + profiles(torch.zeros(1, 1, *GRID), torch.ones(1, CONDITIONS)).shape[1] + CONDITIONS
        layers: list[nn.Module] = []
        for count in units:
            layers += [nn.Linear(width, count), nn.LeakyReLU(0.2)]
            width = count
        self.dense = nn.Sequential(*layers, nn.Linear(width, 1))

    def forward(self, shower: Tensor, given: Tensor) -> Tensor:
        """Judgements [n, 1] of showers [n, 1, 9, 9, 12] that were asked for by `given` [n, 2]."""
        told: Tensor = self.dense(torch.cat([shower.flatten(1), _SCALE * profiles(shower, given), given], 1))
        return told
