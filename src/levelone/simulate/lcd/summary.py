"""What a person would compute of a particle in the linear-collider calorimeter."""

from __future__ import annotations

import numpy as np

from levelone.data.voxels import VoxelFile
from levelone.simulate.lcd.section import PARTICLES
from levelone.simulate.materials import Floats
from levelone.simulate.summaries import YES_NO, Quantity, Sample, bins, log_bins

_SAMPLING = "the sampling term is one number; sensors of thick plates see less per energy with Geant4"
_WIDTHS = "radial profiles are those of other stacks, stretched to this one"
_SPOTS = "showers are spots, limited in number"
_DEPTHS = "depths fluctuate as fits to other stacks say, and are 0.2 to 0.3 layers larger"
_THICK = "sensors behind thick plates see a tenth less with Geant4"
_SHARE = bins(0, 1, 50)
QUANTITIES = (
    Quantity("response", "", "energy seen over energy", bins(0.6, 1.4, 80), 0.10, _SAMPLING),
    Quantity("within 10 mm", "", "share of ECAL energy within 10 mm of its centre", _SHARE, 0.08, _WIDTHS),
    Quantity("within 20 mm", "", "share of ECAL energy within 20 mm of its centre", _SHARE, 0.08, _WIDTHS),
    Quantity("cells", "", "ECAL cells above threshold", log_bins(20, 4000, 60), 0.08, _SPOTS),
    Quantity("first layer", "", "a cell of the first ECAL layer is above threshold", YES_NO, 0.06, _DEPTHS),
    Quantity("mean depth", "layers", "mean ECAL layer, by energy", bins(0, 24, 48), 0.10, _DEPTHS),
    Quantity("early", "", "share of ECAL energy in the first five layers", _SHARE, 0.08, _DEPTHS),
    Quantity("late", "", "share of ECAL energy in the last eight layers", _SHARE, 0.16, _THICK),
)
SAMPLES = tuple(
    Sample({"energy_gev": (energy, energy * 1.001), "particles": (particle,)}, geant4, quick)
    for energy, geant4, quick in ((10.0, 200, 400), (50.0, 60, 300))
    for particle in ("electron", "photon")
)


def summarise(file: VoxelFile) -> dict[str, dict[str, Floats]]:
    """Quantities of every kind of particle, by its energy."""
    ecal, hcal = (file.read(name, slice(None)).astype(np.float64) for name in ("ecal", "hcal"))
    energy, particle = file.truth("energy").astype(np.float64), file.truth("particle")
    along = ecal.sum((1, 2))
    total = np.maximum(along.sum(1), 1e-9)
    layers = np.arange(along.shape[1])
    found = {
        "response": (total + hcal.sum((1, 2, 3))) / energy,
        "within 10 mm": within(ecal.sum(3), 10.0, file.grids["ecal"].pitch_mm[0]),
        "within 20 mm": within(ecal.sum(3), 20.0, file.grids["ecal"].pitch_mm[0]),
        "cells": np.count_nonzero(ecal, axis=(1, 2, 3)).astype(np.float64),
        "first layer": (along[:, 0] > 0).astype(np.float64),
        "mean depth": along @ layers / total,
        "early": along[:, :5].sum(1) / total,
        "late": along[:, -8:].sum(1) / total,
    }
    names = [f"{PARTICLES[code]}, {rounded:.0f} GeV" for code, rounded in zip(particle, energy, strict=True)]
    kinds = np.asarray(names)
    return {str(kind): {key: v[kinds == kind] for key, v in found.items()} for kind in np.unique(kinds)}


def within(towers: Floats, radius_mm: float, pitch_mm: float) -> Floats:
    """Share [n] of the energy of towers [n, x, y] that have their middle within a radius of its centre."""
    total = np.maximum(towers.sum((1, 2)), 1e-9)
    place = pitch_mm * (np.arange(towers.shape[1]) - (towers.shape[1] - 1) / 2)
    x = (towers.sum(2) @ place / total)[:, None, None]
    y = (towers.sum(1) @ place / total)[:, None, None]
    near = (place[:, None] - x) ** 2 + (place - y) ** 2 < radius_mm**2
    return (towers * near).sum((1, 2)) / total
