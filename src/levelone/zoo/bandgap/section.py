"""The ``[model]`` section of a recipe for bandgap."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from levelone.recipe import Section
from levelone.zoo.kit.unetshape import Decoder

UNIT_PM = np.float32(256.0)
"""Heights enter the network in this unit."""
MIDDLE_EV, UNIT_EV = np.float32(2.3), np.float32(0.1)
"""The network answers (gap - `MIDDLE_EV`) / `UNIT_EV`."""

Channels = Annotated[int, Field(gt=0, le=128)]
Dilation = Annotated[int, Field(ge=1, le=8)]


class BandgapModel(Section):
    """The `[model]` section of a recipe for bandgap."""

    pixels: Literal[32, 64] = Field(32, description="rows and columns of an image")
    pixel_nm: float = Field(0.5, gt=0, description="size of a pixel of these images, nm")
    architecture: Literal["unet", "dense"] = Field(
        "unet", description="a U-Net, or a DenseNet block of dilated convolutions"
    )
    enter: int = Field(8, gt=0, le=64, description="dense: channels of the first convolution")
    growth: int = Field(6, gt=0, le=64, description="dense: channels that every convolution adds")
    dilations: Annotated[tuple[Dilation, ...], Field(min_length=1, max_length=8)] = Field(
        (1, 2, 4, 4), description="dense: of each convolution"
    )
    mix: int = Field(16, gt=0, le=128, description="dense: channels of the 1 x 1 convolution behind them")
    channels: Annotated[tuple[Channels, ...], Field(min_length=2, max_length=5)] = Field(
        (8, 12, 16), description="unet: of each level; every level halves both axes"
    )
    decoder: Decoder = Field("upsample", description="unet: up again by repeated pixels, or transposed")
    symmetries: bool = Field(
        True, description="mirror and turn training images; a microscope has no direction"
    )
