"""What the generator of quark and gluon jets can be told."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from levelone.recipe import EventCount, GenerateSection, Within


class QGJetGenerate(GenerateSection):
    """Jets of light quarks and of gluons, as many of each."""

    version: ClassVar[int] = 1

    events: EventCount = Field(10_000, description="how many jets are made")
    pt_gev: Annotated[tuple[float, float], Within(50.0, 1200.0)] = Field(
        (200.0, 220.0), description="transverse momentum of the jet, GeV: from, to; evenly spread"
    )
