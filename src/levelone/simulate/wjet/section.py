"""What the generator of W jets can be told."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from levelone.recipe import EventCount, GenerateSection, Within


class WJetGenerate(GenerateSection):
    """Jets of hadronic W bosons, and of quarks and gluons, as many of each."""

    version: ClassVar[int] = 1

    events: EventCount = Field(10_000, description="how many jets are made")
    pt_gev: Annotated[tuple[float, float], Within(100.0, 2000.0)] = Field(
        (250.0, 300.0), description="transverse momentum of the trimmed jet, GeV: from, to; evenly spread"
    )
    mass_gev: Annotated[tuple[float, float], Within(0.0, 1000.0)] = Field(
        (65.0, 95.0), description="mass of the trimmed jet, GeV: from, to"
    )
    subjet_radius: float = Field(0.3, gt=0, le=1, description="of the subjets of trimming, kt algorithm")
    trimmed_share: float = Field(
        0.05, ge=0, lt=0.5, description="subjets with less of the jet's transverse momentum are dropped"
    )
