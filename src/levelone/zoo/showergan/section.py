"""The ``[model]`` section of a recipe for showergan, and what its numbers mean."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from levelone.recipe import Section
from levelone.zoo.kit.sections import Carried

GRID = (9, 9, 12)
"""Cells of a generated shower along x, y and z: the middle of the ECAL, layers in pairs."""
ECAL = (25, 25, 25)
"""Cells of the ECAL."""
WINDOW = slice(8, 17)
"""Cells of the ECAL along x and y in it: 46 mm, in which 92 % of a shower's energy lie."""
GRAIN = 2.0**-8
"""Showers are compared on this grid of `levelone.zoo.showergan.cells.compressed` values."""
ENERGY_UNIT_GEV = 64.0
"""The network is told the square root of the energy in this unit."""


class CriticSection(Section):
    """The critic, and what the two networks minimise."""

    loss: Literal["wgan-gp", "lsgan"] = Field(
        "wgan-gp", description="Wasserstein distance with a penalty on gradients, or least squares"
    )
    units: tuple[int, ...] = Field((256, 128), min_length=1, description="of its hidden layers")
    steps: int = Field(1, ge=1, le=20, description="steps of the critic for one of the generator")
    penalty: float = Field(10.0, ge=0, description="weight of the gradient's penalty (wgan-gp)")
    learning_rate: float = Field(2.0, gt=0, description="over that of the generator")
    match: float = Field(
        200.0,
        ge=0,
        description="weight of the scores of cells and profiles in the generator's loss; 0: the critic alone",
    )


class ShowerGanModel(Carried):
    """The `[model]` section of a recipe for showergan."""

    threshold_mip: float = Field(
        2.0,
        gt=0,
        le=10,
        description="cells that read less are empty, of the simulation and of the generator; signals of a "
        "minimum ionising particle",
    )
    latent: int = Field(16, ge=4, le=1024, description="random numbers of a shower")
    noise: int = Field(2, ge=1, le=8, description="random numbers of each cell")
    channels: tuple[int, int, int, int] = Field(
        (24, 16, 12, 16),
        description="behind the dense layer, both transposed convolutions, and where the cells' noise enters",
    )
    mirror: bool = Field(True, description="training showers are mirrored and turned at random")
    critic: CriticSection = Field(CriticSection(), description="the second network, which judges")
