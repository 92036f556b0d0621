"""What the lcd networks are compared with: calibrated sums, and boosting on summary features."""

from __future__ import annotations

import numpy as np

from levelone.errors import LeveloneError
from levelone.simulate.lcd.section import PARTICLES
from levelone.zoo.kit.boosting import fit_kinds
from levelone.zoo.kit.events import Events, Outputs, Predictor, Source
from levelone.zoo.lcd.features import features, sums
from levelone.zoo.lcd.section import ELECTRON, UNIT_GEV

_BATCH = 256


def fit_sums(train: Source) -> Predictor:
    """E = w1 ECAL + w2 HCAL + w0 by least squares on electrons, each weighted with 1 / E.

    Raises
    ------
    LeveloneError
        If there are fewer electrons than coefficients.
    """
    parts, energies = [], []
    for events in train.batches(_BATCH):
        chosen = events.truth["particle"] == ELECTRON
        parts.append(sums(events)[chosen])
        energies.append(events.truth["energy"][chosen].astype(np.float64))
    design, energy = np.concatenate(parts), np.concatenate(energies)
    if len(energy) < design.shape[1]:
        raise LeveloneError(
            f"{len(energy)} electrons in the training split: too few to calibrate the energy",
            hint="simulate electrons too: generate.particles names them, or is left out",
        )
    weight = 1 / np.sqrt(energy)
    found, *_ = np.linalg.lstsq(design * weight[:, None], energy * weight, rcond=None)

    def predict(events: Events) -> Outputs:
        return {"energy": (sums(events) @ found / UNIT_GEV).astype(np.float32)[:, None]}

    return predict


def fit_boosting(train: Source, seed: int) -> Predictor:
    """Gradient boosting for the kind of particle on `features`; answers are logarithms of probabilities."""
    return fit_kinds(train, features, "particle", "particle", len(PARTICLES), seed)
