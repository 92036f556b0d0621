"""The ``[model]`` section of a recipe for nova."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from levelone.recipe import Section, misfit
from levelone.simulate.nova.detector import CELLS, PLANES
from levelone.zoo.kit.sections import Carried, positions

UNIT = np.float32(32.0)
"""Counts of the file that enter as 1: 8 MeV of light, what a muon leaves in a cell."""
VIEW = (1, CELLS, PLANES)

Channels = Annotated[int, Field(gt=0, le=256)]


class Inception(Section):
    """One inception module, and the pooling behind it."""

    narrow: Channels = Field(4, description="bottleneck: channels in front of the larger kernels")
    branch: Channels = Field(4, description="channels of each of the four branches")
    pool: int = Field(2, ge=1, le=5, description="the largest of so many cells and planes; 1: no pooling")


class NovaModel(Carried):
    """The `[model]` section of a recipe for nova."""

    enter: Channels = Field(6, description="channels of the first convolution: 5 x 5, stride 2")
    enter_pool: int = Field(2, ge=1, le=5, description="the pooling behind it, as of the modules")
    each: Annotated[tuple[Inception, ...], Field(min_length=1, max_length=4)] = Field(
        (Inception(),), description="modules that see one view; both views share their weights"
    )
    joined: Annotated[tuple[Inception, ...], Field(max_length=4)] = Field(
        (Inception(narrow=6, branch=5),), description="modules behind the join of both views"
    )
    dense: Channels = Field(16, description="units of the dense layer before the logits")
    symmetries: bool = Field(
        True, description="training events are mirrored in either view, and views exchanged, at random"
    )

    def grids(self) -> list[tuple[int, ...]]:
        """Grid behind the entry, and behind every module, in order.

        Raises
        ------
        LeveloneError
            If a pooling is larger than its grid.
        """
        found = [tuple(positions(size, 5, 2, 2) for size in VIEW[1:])]
        pools = [("model.enter_pool", self.enter_pool)]
        pools += [(f"model.each.{n}.pool", module.pool) for n, module in enumerate(self.each)]
        pools += [(f"model.joined.{n}.pool", module.pool) for n, module in enumerate(self.joined)]
        for key, pool in pools:
            if pool > min(found[-1]):
                raise misfit(key, f" = {pool} is larger than the grid of {found[-1][0]} x {found[-1][1]}")
            found.append(tuple(positions(size, pool, pool) for size in found[-1]))
        return found[1:]
