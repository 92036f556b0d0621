"""The ``[model]`` section of a recipe for qgjet."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from levelone.zoo.kit.pooled import PooledModel

COLOURS = ("charged", "neutral", "count")
"""Transverse momentum of charged and of neutral particles, and how many charged ones there are."""


class QGJetModel(PooledModel):
    """The `[model]` section of a recipe for qgjet."""

    colours: Literal["three", "grey"] = Field(
        "three", description="grey: one image, the transverse momentum of all particles"
    )
    pixels: Literal["root", "share"] = Field(
        "root",
        description="what enters of a pixel's transverse momentum: the square root of its GeV, or its share "
        "of the jet's, 1/16 as 1",
    )
    mirror: bool = Field(True, description="mirror and turn training jets by quarters")

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of what enters."""
        return COLOURS if self.colours == "three" else ("all particles",)
