"""What muons leave in the silicon of a sensor."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from levelone.simulate.materials import Floats
from levelone.simulate.pixelseed.section import Geometry
from levelone.simulate.pixelseed.sensors import SENSORS
from levelone.simulate.summaries import Landmark, Quantity, Sample, log_bins

_MODEL = "one law for all collisions, where Geant4 draws excitations and knocks apart"
_LIMIT = (
    "losses to one electron end at 300 keV in every sensor and at every angle; in Geant4 about 230 keV stay "
    "in 150 um, and 400 keV on an inclined way through 285 um"
)
_WIDTH = "a Gaussian reaches lower than excitations; Geant4's own moves by 4 % with its steps and cuts"
QUANTITIES = (Quantity("loss", "keV", "energy left in the sensor", log_bins(15, 1500, 230), 0.02, _MODEL),)
LANDMARKS = (
    Landmark("loss", "most probable", None, 0.02, _MODEL),
    Landmark("loss", "1 % quantile", 0.01, 0.07, _WIDTH),
    Landmark("loss", "10 % quantile", 0.10, 0.02, _WIDTH),
    Landmark("loss", "median", 0.50, 0.01, _MODEL),
    Landmark("loss", "90 % quantile", 0.90, 0.04, _LIMIT),
    Landmark("loss", "99 % quantile", 0.99, 0.15, _LIMIT),
)
SAMPLES = tuple(
    Sample({"geometry": geometry, "momentum_gev": momentum, "cot_theta": cot}, 60_000, 40_000)
    for geometry in ("generic", "cms")
    for momentum in (0.2, 1.0, 10.0)
    for cot in (0.0, 2.0)
)


def summarise(
    chunks: Iterable[Floats], geometry: Geometry, momentum_gev: float, cot_theta: float
) -> dict[str, dict[str, Floats]]:
    """What `levelone.simulate.pixelseed.gun.fire` makes, by thickness, momentum and inclination."""
    thickness = 1e3 * SENSORS[geometry].thickness_mm
    kind = f"{thickness:.0f} um, {momentum_gev:g} GeV, cot {cot_theta:g}"
    return {kind: {"loss": np.concatenate(list(chunks))}}
