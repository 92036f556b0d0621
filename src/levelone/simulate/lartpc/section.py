"""What the generator of liquid-argon events can be told."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field

from levelone.recipe import EventCount, GenerateSection, Within

Particle = Literal["electron", "photon", "muon", "pion", "proton"]
PARTICLES: tuple[Particle, ...] = get_args(Particle)
"""What may start at a vertex; files number them in this order."""


class LartpcGenerate(GenerateSection):
    """Particles from one vertex in liquid argon, seen by a plane of wires."""

    version: ClassVar[int] = 2  # 2: ranges straggle, atoms scatter, positrons annihilate as in nova

    events: EventCount = 4000
    pixels: Literal[64, 128] = Field(64, description="wires of the crop, and its pixels of drift time")
    particles: tuple[Particle, ...] = Field(
        PARTICLES, min_length=1, description="which particles start at the vertex, drawn in equal parts"
    )
    most_particles: int = Field(4, ge=1, le=8, description="at the vertex start one to so many particles")
    shower_mev: Annotated[tuple[float, float], Within(10.0, 2000.0)] = Field(
        (50.0, 500.0), description="kinetic energy of electrons and photons, MeV: from, to"
    )
    track_mev: Annotated[tuple[float, float], Within(10.0, 2000.0)] = Field(
        (30.0, 400.0), description="kinetic energy of muons, pions and protons, MeV: from, to"
    )
    cosmics: float = Field(0.3, ge=0, le=1, description="share of events with a muon that crosses the crop")
    recombination: Literal["box", "birks"] = Field(
        "box", description="modified box with ArgoNeuT's constants, or Birks with those of ICARUS"
    )
    lifetime_ms: float = Field(5.0, gt=0, le=100, description="of drifting electrons")
    noise: float = Field(1000.0, ge=0, le=20_000, description="noise of a pixel, electrons")
    threshold: float = Field(
        4000.0, gt=0, le=50_000, description="pixels that read less are not read out, electrons"
    )
