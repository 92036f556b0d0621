"""The ``[model]`` section of an lcd recipe: two branches of convolution and pooling, then dense layers."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from levelone.recipe import Section
from levelone.zoo.kit.sections import positions

Triple = tuple[int, int, int]
GRIDS: dict[str, Triple] = {"ecal": (25, 25, 25), "hcal": (5, 5, 60)}
"""Cells along x, y and z of each input."""
ELECTRON = 0
UNIT_GEV = 128.0
"""The energy output is in this unit: a power of two, so that one weight of the hardware can change to it."""
MIP_GEV = 2.0**-7
"""A power of two near what a minimum ionising particle leaves in an ECAL cell: the unit of `entry_knots`."""
COMPACT_LAYERS = (
    *("ecal_sum", "ecal_layers", "ecal_total", "hcal_sum", "hcal_total", "towers", "views"),
    *("cell", "clip_sum", "clip_layers", "clip_depth", "axis", "entry", "shape", "correction"),
    *("views_low", "views_high", "along_low", "along_high", "hcal_low", "hcal_high", "entry_fine"),
)
"""Layers of the compact network to which a recipe can give bits, without dense layers and outputs."""


class Branch(Section):
    """A convolution without padding, a rectifier, and max pooling."""

    channels: int = Field(gt=0, description="output channels")
    kernel: Triple = Field(description="size along x, y, z")
    stride: Triple = Field((1, 1, 1), description="step along the same axes")
    pool: int = Field(2, ge=1, description="edge of the max pool; 1: none")


class LcdModel(Section):
    """Sizes; the defaults are those of the published energy regression."""

    ecal: Branch = Field(Branch(channels=3, kernel=(4, 4, 4)), description="branch of the ECAL")
    hcal: Branch = Field(Branch(channels=10, kernel=(2, 2, 6)), description="branch of the HCAL")
    dense: tuple[int, ...] = Field((1000,), min_length=1, description="units before the outputs")
    correction: int = Field(
        0,
        ge=0,
        description="units of the energy's own hidden layer, which corrects the sum of all cells; "
        "0: no sum, the energy comes from the dense layers",
    )
    views: int = Field(
        0,
        ge=0,
        description="filters over towers in a network of sums, the compact one, without branches; "
        "0: a network of branches",
    )
    entry_knots: tuple[float, ...] = Field(
        (0.5, 1.0, 4.0, 16.0),
        min_length=1,
        description="of a network of sums, in minimum ionising particles (2^-7 GeV): where codes of the "
        "cells about the entry end, beside those that every sum has",
    )
    mirror: bool = Field(False, description="training events are mirrored and turned at random")
    dropout: float = Field(0.5, ge=0, lt=1, description="behind each hidden dense layer, in training")
    reach: Literal["float", "quantised", "firmware"] = Field(
        "quantised", description="how far the network is carried"
    )


def power_below(value: float) -> float:
    """The largest power of two that a positive number is not below."""
    return 2.0 ** (math.frexp(value)[1] - 1)


def branch_grid(grid: Triple, branch: Branch) -> Triple:
    """The grid behind a branch's pooling; an entry below 1 means that it does not fit."""
    x, y, z = (
        positions(size, kernel, stride) // branch.pool
        for size, kernel, stride in zip(grid, branch.kernel, branch.stride, strict=True)
    )
    return x, y, z
