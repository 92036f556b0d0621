"""The ``[model]`` section of a recipe for next: the published network or the compact 3D CNN."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from levelone.recipe import Section
from levelone.zoo.kit.sections import Convolution, check_convolution, check_dense

SHAPE = (1, 20, 20, 60)
"""One channel, x, y, z (drift)."""

UNIT_KEV = np.float32(64.0)
"""Voxel energies enter the network in this unit, so that a typical filled voxel is of order one."""

Triple = tuple[int, int, int]


class Conv(Convolution):
    """One convolution; sizes are (x, y, z: drift)."""

    kernel: Triple = Field((3, 3, 3), description="size along x, y, z (drift)")
    stride: Triple = Field((2, 2, 2), description="step along the same axes")
    padding: Triple = Field((1, 1, 1), description="zeros at both ends of the same axes")


class NextModel(Section):
    """The `[model]` section of a recipe for next."""

    variant: Literal["compact", "published"] = Field(
        "compact", description="compact: the 3D CNN; published: flatten, dense (not converted to firmware)"
    )
    convolutions: tuple[Conv, ...] = Field(
        (Conv(channels=12), Conv(channels=24, kernel=(4, 4, 4), padding=(0, 0, 2))),
        min_length=1,
        max_length=6,
        description="of the compact network",
    )
    dense: tuple[int, ...] = Field((32,), description="units of the dense layers before the logit")
    mirror: bool = Field(
        False,
        description="mirror training events in x and in y and exchange the two, symmetries of the chamber",
    )


PUBLISHED = NextModel(variant="published", dense=(32,))
"""Flatten, 32, 1."""


def check_sizes(section: NextModel) -> None:
    """Refuse sizes that do not fit together, naming the key."""
    grid: tuple[int, ...] = SHAPE[1:]
    for number, conv in enumerate(section.convolutions):
        check_convolution(f"model.convolutions.{number}", conv, grid)
        grid = conv.output_grid(grid)
    check_dense(section.dense)
