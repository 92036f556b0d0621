"""The ``[model]`` section of a recipe for lartpc."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from levelone.zoo.kit.sections import Carried
from levelone.zoo.kit.unetshape import Decoder

UNIT_ADU = np.float32(64.0)
"""The numbers of the read-out enter the network in this unit: a minimum ionising track has 1 to 2 of them."""

Channels = Annotated[int, Field(gt=0, le=256)]


class LartpcModel(Carried):
    """The `[model]` section of a recipe for lartpc."""

    pixels: Literal[64, 128] = Field(64, description="wires, and pixels of drift time, of a crop")
    channels: Annotated[tuple[Channels, ...], Field(min_length=2, max_length=5)] = Field(
        (8, 16, 32), description="of each level of the U; every level halves both axes"
    )
    decoder: Decoder = Field(
        "transposed",
        description="up again by transposed convolutions, or by repeated pixels and a convolution",
    )
    symmetries: bool = Field(True, description="training events are mirrored across the wires at random")
    shower_weight: float = Field(1.0, gt=0, description="weight of shower pixels in the loss")
