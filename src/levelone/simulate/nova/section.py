"""What the generator of neutrinos in a segmented scintillator detector can be told."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from levelone.recipe import EventCount, Within
from levelone.simulate.engines import EngineSection


class NovaGenerate(EngineSection):
    """Neutrinos of an off-axis beam in cells of scintillator, two projections."""

    version: ClassVar[int] = 3  # 2: more light; 3: tuned to Geant4's single particles

    events: EventCount = 6000
    mixture: Literal["equal", "oscillated"] = Field(
        "equal",
        description="about as many of each class, energies of the beam; or what oscillation leaves at 810 km",
    )
    energy_gev: Annotated[tuple[float, float], Within(0.5, 8.0)] = Field(
        (1.0, 4.0), description="energy of the neutrino, GeV: from, to"
    )
    least_cells: int = Field(
        8, ge=1, le=100, description="events with fewer cells that fired in either view are left out"
    )
    pe_per_mev: float = Field(
        7.65,
        gt=0,
        le=100,
        description="photoelectrons of an MeV of light at the near end: 7.65 are 20 of a muon across a cell "
        "at the far end",
    )
    noise_pe: float = Field(3.0, ge=0, le=50, description="electronic noise of a cell, photoelectrons")
    threshold_pe: float = Field(
        12.0, gt=0, le=200, description="cells that read less are empty, photoelectrons"
    )
