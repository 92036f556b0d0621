"""What the generator of particles in a linear-collider calorimeter can be told."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field

from levelone.recipe import EventCount, Within
from levelone.simulate.engines import EngineSection

Particle = Literal["electron", "photon", "pi0", "pion"]
PARTICLES: tuple[Particle, ...] = get_args(Particle)
"""Kinds of particles; files number them in this order."""


class LcdGenerate(EngineSection):
    """Single particles in the ECAL and the HCAL."""

    version: ClassVar[int] = 2  # 2: width of showers, tracks, noise, material, only pions like electrons

    events: EventCount = 30_000
    particles: tuple[Particle, ...] = Field(
        PARTICLES, min_length=1, description="which particles, drawn in equal parts"
    )
    energy_gev: Annotated[tuple[float, float], Within(1.0, 2000.0)] = Field(
        (10.0, 510.0), description="energy of the particle, GeV: from, to"
    )
    spectrum: Literal["flat", "log"] = Field("flat", description="flat in energy, or in its logarithm")
    material_x0: float = Field(0.1, ge=0, le=1, description="material in front, radiation lengths")
    noise_mip: float = Field(
        0.1, ge=0, le=1, description="electronic noise of a cell, signals of a minimum ionising particle"
    )
    threshold_mip: float = Field(
        0.5, gt=0, le=10, description="cells that read less are empty; in the same unit"
    )
    pion_hcal_share: float = Field(
        0.1,
        ge=0.02,
        le=1,
        description="charged pions have at most this share of their visible energy behind the ECAL; 1: all",
    )


class ShowerGenerate(LcdGenerate):
    """Electrons and photons alone, of energies at which a shower is small: what `showergan` learns from."""

    particles: tuple[Particle, ...] = Field(
        ("electron", "photon"), min_length=1, description="which particles, drawn in equal parts"
    )
    energy_gev: Annotated[tuple[float, float], Within(1.0, 2000.0)] = Field(
        (10.0, 100.0), description="energy of the particle, GeV: from, to"
    )
