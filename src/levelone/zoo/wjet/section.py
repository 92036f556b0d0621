"""The ``[model]`` section of a recipe for wjet."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from levelone.simulate.wjet.events import SIZE
from levelone.zoo.kit.pooled import PooledModel

SHAPE = (1, SIZE, SIZE)
"""One channel, rows (azimuth), columns (pseudorapidity)."""


class WJetModel(PooledModel):
    """The `[model]` section of a recipe for wjet."""

    pixels: Literal["root", "linear"] = Field(
        "root", description="what enters: the square root of a pixel's GeV, or 16 GeV as 1"
    )
