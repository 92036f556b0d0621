"""What a person would compute of a muon in the calorimeter."""

from __future__ import annotations

import numpy as np

from levelone.data.voxels import VoxelFile
from levelone.simulate.materials import Floats
from levelone.simulate.summaries import YES_NO, Quantity, Sample, bins, log_bins

_NUCLEAR = "without its data sets Geant4 has no photonuclear interactions; the model has"
_SOFT = "soft knock-on electrons stay in the muon's cells, where none of their energy is below threshold"
_SPOTS = "showers are spots, limited in number, so that faint cells are fewer"
_ENERGY, _SHARE = log_bins(1, 4000, 72), bins(0, 1, 40)
QUANTITIES = (
    Quantity("lost", "GeV", "energy lost by the muon", _ENERGY, 0.06, _NUCLEAR),
    Quantity("seen", "GeV", "energy in the cells", _ENERGY, 0.06, _NUCLEAR),
    Quantity("leading", "", "largest single loss, share of all losses", _SHARE, 0.06, _NUCLEAR),
    Quantity("median layer", "GeV", "median energy of a layer", log_bins(0.02, 20, 60), 0.08, _SOFT),
    Quantity("least layer", "GeV", "energy of the layer with least", bins(0.03, 0.06, 60), 0.14, _SOFT),
    Quantity("largest layer", "", "share of the layer with most energy", _SHARE, 0.06, _NUCLEAR),
    Quantity("cells", "", "cells above threshold", log_bins(50, 12000, 50), 0.25, _SPOTS),
    Quantity("hard", "", "more than 5 % of the energy is lost", YES_NO, 0.02, _NUCLEAR),
    Quantity("very hard", "", "more than 20 % of the energy is lost", YES_NO, 0.01, _NUCLEAR),
)
SAMPLES = tuple(
    Sample({"energy_gev": (energy, energy * 1.001)}, geant4, 1000)
    for energy, geant4 in ((100.0, 600), (1000.0, 300), (4000.0, 200))
)


def summarise(file: VoxelFile) -> dict[str, dict[str, Floats]]:
    """Quantities of muons, by their energy."""
    energy, lost, leading = (file.truth(name).astype(np.float64) for name in ("energy", "lost", "leading"))
    image = file.read("calo", slice(None))
    layers = image.sum((2, 3), dtype=np.float64)
    seen = layers.sum(1)
    found = {
        "lost": lost,
        "seen": seen,
        "leading": leading / np.maximum(lost, 1e-9),
        "median layer": np.median(layers, axis=1),
        "least layer": layers.min(1),
        "largest layer": layers.max(1) / np.maximum(seen, 1e-9),
        "hard": (lost > 0.05 * energy).astype(np.float64),
        "very hard": (lost > 0.20 * energy).astype(np.float64),
        "cells": np.count_nonzero(image, axis=(1, 2, 3)).astype(np.float64),
    }
    kinds = 100 * np.rint(energy / 100)
    return {
        f"{kind:,.0f} GeV": {key: values[kinds == kind] for key, values in found.items()}
        for kind in np.unique(kinds)
    }
