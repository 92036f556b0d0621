"""What the generator of muons can be told."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from levelone.recipe import EventCount, Within
from levelone.simulate.engines import EngineSection


class MuonGenerate(EngineSection):
    """Muons in lead tungstate."""

    version: ClassVar[int] = 4
    """2: soft radiation has a variance. 3: gaps between layers widen showers. 4: photons from atomic
    electrons are losses of their own, and the most probable loss in a layer stays on its plateau.
    """
    events: EventCount = 20_000
    energy_gev: Annotated[tuple[float, float], Within(10.0, 10_000.0)] = Field(
        (50.0, 8000.0), description="total energy of the muon, GeV: from, to"
    )
    spectrum: Literal["flat", "log"] = Field("flat", description="flat in energy, or in its logarithm")
    field_tesla: float = Field(2.0, ge=0, le=20, description="magnetic field along y, T")
