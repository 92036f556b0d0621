"""Options that say how events are made; `simulate` and `run` share them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer


class Geometry(StrEnum):
    """Pixel sizes."""

    cms = "cms"
    generic = "generic"


class Spectrum(StrEnum):
    """How energies are drawn."""

    flat = "flat"
    log = "log"


Seed = Annotated[int, typer.Option(min=0, help="Seed of the generator: the same seed gives the same events.")]
Pileup = Annotated[
    float | None,
    typer.Option(min=0, help="pixelseed: mean number of pile-up interactions (50).", show_default=False),
]
PixelSize = Annotated[
    Geometry | None,
    typer.Option(help="pixelseed: cms, 100x150 um (default); generic, 50x50 um.", show_default=False),
]
Energy = Annotated[
    tuple[float, float] | None,
    typer.Option(metavar="LOW HIGH", help="muon, lcd: energy range in GeV.", show_default=False),
]
EnergySpectrum = Annotated[
    Spectrum | None,
    typer.Option(help="muon, lcd: flat in energy (default) or in its logarithm.", show_default=False),
]
Particle = Annotated[
    list[str] | None,
    typer.Option(help="lcd: electron, photon, pi0 or pion; may be repeated.", show_default=False),
]
SignalFraction = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="next: share of two-electron events (0.5).", show_default=False),
]


def given_options(
    pileup: float | None,
    geometry: Geometry | None,
    energy: tuple[float, float] | None,
    spectrum: Spectrum | None,
    particle: list[str] | None,
    signal_fraction: float | None,
) -> dict[str, Any]:
    """The options that were given, as the generators call them."""
    options = {
        "pileup": pileup,
        "geometry": None if geometry is None else geometry.value,
        "energy_gev": energy,
        "spectrum": None if spectrum is None else spectrum.value,
        "particles": tuple(particle) if particle else None,
        "signal_fraction": signal_fraction,
    }
    return {name: value for name, value in options.items() if value is not None}
