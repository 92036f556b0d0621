"""What the generator of electrons in xenon can be told."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from levelone.recipe import EventCount, Within
from levelone.simulate.engines import EngineSection

Size = Annotated[float, Field(gt=0, le=100)]
Diffusion = Annotated[float, Field(ge=0, le=100)]
Signal = Literal["double-beta", "double-escape"]


class NextGenerate(EngineSection):
    """One electron, or two from one point, in a high-pressure xenon chamber."""

    version: ClassVar[int] = 3  # 2: steps and clouds that no result depends on; 3: angles after Mott

    events: EventCount = 20_000
    signal_fraction: float = Field(0.5, ge=0, le=1, description="share of two-electron events")
    signal: Signal = Field(
        "double-beta",
        description="the two: of a double beta decay, 2458 keV, or a pair at double escape, 1592 keV",
    )
    voxel_mm: tuple[Size, Size, Size] = Field(
        (10.0, 10.0, 5.0), description="size of a voxel along x, y, z (drift), mm"
    )
    diffusion_mm: tuple[Diffusion, Diffusion] = Field(
        (1.0, 0.3), description="diffusion across and along the drift, mm per square root of cm"
    )
    drift_mm: Annotated[tuple[float, float], Within(0.0, 10_000.0)] = Field(
        (0.0, 1000.0), description="drift distance of the vertex, mm: from, to"
    )
    fwhm: float = Field(0.01, ge=0, le=1, description="relative energy resolution, FWHM")
