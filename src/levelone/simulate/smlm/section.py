"""What the generator of microscope frames can be told."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from levelone.recipe import EventCount, GenerateSection, Within

Density = Annotated[float, Field(ge=0, le=10)]


class SmlmGenerate(GenerateSection):
    """Frames in which fluorescent molecules shine at random places."""

    version: ClassVar[int] = 1

    events: EventCount = 6000
    pixels: Literal[32, 64] = Field(32, description="rows and columns of a frame")
    pixel_nm: float = Field(100.0, ge=20, le=500, description="size of a pixel in the sample, nm")
    densities: Annotated[tuple[Density, ...], Field(min_length=1, max_length=16)] = Field(
        (0.1, 0.3, 0.6, 1.0, 2.0), description="molecules per square micrometre; each frame has one of them"
    )
    psf: Literal["gaussian", "airy"] = Field("gaussian", description="point-spread function")
    wavelength_nm: float = Field(670.0, ge=300, le=1200, description="of the emitted light")
    aperture: float = Field(1.4, ge=0.2, le=1.6, description="numerical aperture of the objective")
    brightness: Literal["exponential", "lognormal", "fixed"] = Field(
        "exponential",
        description="distribution of the photons that a molecule sends to the camera in a frame",
    )
    photons: float = Field(1500.0, gt=10, le=1e6, description="their mean")
    photons_spread: float = Field(
        0.5, gt=0, le=3, description="standard deviation of their logarithm, if lognormal"
    )
    background: Annotated[tuple[float, float], Within(0.0, 10_000.0)] = Field(
        (5.0, 15.0), description="photons per pixel, the same everywhere in a frame: from, to"
    )
    camera: Literal["emccd", "scmos"] = Field("emccd", description="electron multiplication, or CMOS")
    bits: int = Field(12, ge=8, le=16, description="of the camera's numbers")
