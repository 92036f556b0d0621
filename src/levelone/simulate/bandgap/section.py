"""What the generator of microscope images with band-gap maps can be told."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from levelone.recipe import EventCount, GenerateSection, Within


class BandgapGenerate(GenerateSection):
    """Topographs of molybdenum disulphide on graphite, and its band gap at every pixel."""

    version: ClassVar[int] = 1

    events: EventCount = 4000
    pixels: Literal[32, 64] = Field(32, description="rows and columns of an image")
    pixel_nm: float = Field(0.5, ge=0.2, le=1.0, description="size of a pixel, nm")
    fine: Literal[2, 4, 8] = Field(2, description="points of the simulation along a pixel")
    corrugation_nm: Annotated[tuple[float, float], Within(0.0, 1.0)] = Field(
        (0.1, 0.3), description="rms height of the substrate's roughness, nm: from, to"
    )
    correlation_nm: float = Field(2.5, ge=1.5, le=5.0, description="its correlation length, nm")
    grip_nm: float = Field(
        4.0, gt=0, le=100, description="length over which the substrate holds the sheet against sliding, nm"
    )
    islands: float = Field(0.6, ge=0, le=1, description="chance that an area has an island of a second layer")
    terraces: float = Field(0.5, ge=0, le=1, description="chance that it has a terrace of the graphite")
    defects: float = Field(0.006, ge=0, le=0.1, description="charged defects per square nanometre")
    tip_nm: Annotated[tuple[float, float], Within(0.5, 50.0)] = Field(
        (2.0, 8.0), description="radius of the tip, nm: from, to"
    )
    bias_v: float = Field(1.6, ge=1.2, le=3.0, description="of the sample")
    rate_mev: float = Field(
        99.0, ge=0, le=500, description="by which the gap closes per % biaxial strain, meV"
    )
    height_noise_pm: float = Field(5.0, ge=0, le=100, description="standard deviation of a height, pm")
    gap_noise_mev: float = Field(15.0, ge=0, le=200, description="that of a measured gap, meV")
