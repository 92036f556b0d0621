"""What the lcd networks are compared with: calibrated sums, and boosting on summary features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.zoo.kit.system import Events, Source
from levelone.zoo.kit.voxelsystem import Outputs, Predictor
from levelone.zoo.lcd.section import ELECTRON, UNIT_GEV

Floats = NDArray[np.float64]
_BATCH = 256


def sums(events: Events) -> Floats:
    """Energy of both calorimeters and 1: [n, 3], GeV."""
    both = [events.inputs[name].sum((1, 2, 3, 4), dtype=np.float64) for name in ("ecal", "hcal")]
    return np.stack([*both, np.ones(len(events))], axis=1)


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


def features(events: Events) -> NDArray[np.float32]:
    """Summary of both images, [n, 14].

    Sums and filled cells of both, share of the HCAL, share of the hottest ECAL cell, mean depth and its
    spread in both, ECAL shares of the first five layers, of 3x3 and 5x5 towers around the centre, and
    the lateral spread in the ECAL.
    """
    ecal, hcal = (events.inputs[name][:, 0].astype(np.float64) for name in ("ecal", "hcal"))
    e, h = (np.maximum(image.sum((1, 2, 3)), 1e-9) for image in (ecal, hcal))
    columns = [e, h, h / (e + h), ecal.max((1, 2, 3)) / e]
    columns += [np.count_nonzero(image, axis=(1, 2, 3)) for image in (ecal, hcal)]
    for image, total in ((ecal, e), (hcal, h)):
        depth, along = np.arange(image.shape[3]), image.sum((1, 2))
        mean = along @ depth / total
        columns += [mean, np.sqrt(np.maximum(along @ depth**2 / total - mean**2, 0))]
    columns.append(ecal[..., :5].sum((1, 2, 3)) / e)
    lateral = ecal.sum(3)
    for reach in (1, 2):
        centre = lateral[:, 12 - reach : 13 + reach, 12 - reach : 13 + reach]
        columns.append(centre.sum((1, 2)) / e)
    place = np.arange(lateral.shape[1]) - 12.0
    variance = sum(side @ place**2 / e - (side @ place / e) ** 2 for side in (lateral.sum(1), lateral.sum(2)))
    columns.append(np.sqrt(np.maximum(variance, 0)))
    return np.stack(columns, axis=1).astype(np.float32)


def fit_boosting(train: Source, seed: int) -> Predictor:
    """Gradient boosting for the kind of particle on `features`; answers are logarithms of probabilities."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    parts, kinds = [], []
    for events in train.batches(_BATCH):
        parts.append(features(events))
        kinds.append(events.truth["particle"])
    fitted = HistGradientBoostingClassifier(
        max_iter=150, learning_rate=0.1, early_stopping=True, random_state=seed
    )
    fitted.fit(np.concatenate(parts), np.concatenate(kinds))

    def predict(events: Events) -> Outputs:
        found = np.full((len(events), 4), -30.0, np.float32)
        shares = fitted.predict_proba(features(events))
        found[:, fitted.classes_.astype(int)] = np.log(np.maximum(shares, 1e-13))
        return {"particle": found}

    return predict
