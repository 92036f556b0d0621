"""What the generator of pixel doublets can be told."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from levelone.recipe import GenerateSection

Geometry = Literal["cms", "generic"]


class PixelSeedGenerate(GenerateSection):
    """Top pairs with pile-up in a pixel detector."""

    version: ClassVar[int] = 2  # 2: drift, diffusion, spread of gains

    events: int = Field(40, ge=3, description="how many crossings are made; each split needs one")
    pileup: float = Field(50.0, ge=0, le=1000, description="mean number of minimum-bias collisions (Poisson)")
    geometry: Geometry = Field(
        "cms", description="pixels of 100x150 um in 285 um of silicon, or of 50x50 um in 150 um"
    )
