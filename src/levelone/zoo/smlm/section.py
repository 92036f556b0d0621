"""The ``[model]`` section of a recipe for smlm."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from levelone.zoo.kit.sections import Carried

UNIT_ADU = np.float32(64.0)
"""The camera's numbers enter the network in this unit, above `levelone.simulate.smlm.camera.OFFSET`; below it
there is nothing."""


class SmlmModel(Carried):
    """The `[model]` section of a recipe for smlm."""

    pixels: Literal[32, 64] = Field(32, description="rows and columns of a frame")
    pixel_nm: float = Field(100.0, gt=0, description="size of a pixel of these frames, nm")
    sigma_nm: float = Field(
        100.5, gt=0, description="standard deviation of a molecule's image, which the classical fit knows, nm"
    )
    channels: int = Field(12, gt=0, le=64, description="of every hidden convolution")
    dilation: int = Field(2, ge=1, le=4, description="of the third convolution; 1: none")
    symmetries: bool = Field(True, description="mirror and turn training frames, symmetries of the camera")
    present_weight: float = Field(2.0, gt=0, description="weight of pixels with a molecule in the loss")
    shift_weight: float = Field(5.0, gt=0, description="weight of the sub-pixel positions in the loss")
    threshold: float = Field(
        0.6, gt=0, lt=5, description="chances around a candidate, added up, that make it a molecule"
    )
