"""What the lcd networks are compared with: calibrated sums, boosted trees on what a person would compute."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from levelone.errors import LeveloneError
from levelone.simulate.lcd.section import PARTICLES
from levelone.zoo.kit.boosting import fit_kinds, remembered
from levelone.zoo.kit.events import Events, Outputs, Predictor, Source
from levelone.zoo.kit.trees import regressor
from levelone.zoo.lcd.features import Floats, features, sums
from levelone.zoo.lcd.section import ELECTRON, UNIT_GEV

_Energies = Callable[[Events], Floats]  # GeV, [n]
_BATCH = 256
_KNOTS_GEV = np.array([10.0, 20.0, 50.0, 150.0, 500.0])
"""Where the calibration of sums may change, linearly in between."""
_PER_KNOT = 8  # electrons for each coefficient, or the calibration is the same at all energies


def fit_sums(train: Source) -> Predictor:
    """E = w1 thin + w2 thick + w3 HCAL + w0 by least squares on electrons, each weighted with 1 / E.

    Thin and thick are the ECAL's layers. The coefficients depend on the energy that is seen.

    Raises
    ------
    LeveloneError
        If there are fewer electrons than coefficients.
    """
    return _in_units(_calibration(train))


def fit_boosting(train: Source, seed: int) -> Predictor:
    """Gradient boosting on `features`: the kind of particle, and what a calibrated sum misses of the energy.

    Answers are logarithms of probabilities, and the energy, learned from electrons.

    Raises
    ------
    LeveloneError
        From `fit_sums`.
    """
    view = remembered(features)
    kinds = fit_kinds(train, view, "particle", "particle", len(PARTICLES), seed)
    calibrated = _calibration(train)
    seen, ratio, weight = [], [], []
    for events in train.batches(_BATCH):
        electrons = electrons_of(events)
        energy = electrons.truth["energy"].astype(np.float64)
        seen.append(features(electrons))
        ratio.append(energy / np.maximum(calibrated(electrons), 1e-3))
        weight.append(energy)
    trees = regressor(
        max_iter=300, learning_rate=0.05, max_leaf_nodes=15, early_stopping=True, random_state=seed
    )
    trees.fit(np.concatenate(seen), np.concatenate(ratio), np.concatenate(weight))

    def energies(events: Events) -> Floats:
        found: Floats = calibrated(events) * trees.predict(view(events))
        return found

    answer = _in_units(energies)
    return lambda events: {**kinds(events), **answer(events)}


def _calibration(train: Source) -> _Energies:
    parts, energies = [], []
    for events in train.batches(_BATCH):
        electrons = electrons_of(events)
        parts.append(sums(electrons))
        energies.append(electrons.truth["energy"].astype(np.float64))
    seen, energy = np.concatenate(parts), np.concatenate(energies)
    if len(energy) < seen.shape[1]:
        raise LeveloneError(
            f"{len(energy)} electrons in the training split: too few to calibrate the energy",
            hint="simulate electrons too: generate.particles names them, or is left out",
        )
    knots = _KNOTS_GEV if len(energy) >= _PER_KNOT * seen.shape[1] * len(_KNOTS_GEV) else _KNOTS_GEV[:1]
    weight = 1 / np.sqrt(energy)
    found, *_ = np.linalg.lstsq(_by_knot(seen, knots) * weight[:, None], energy * weight, rcond=None)
    return lambda events: _by_knot(sums(events), knots) @ found


def _by_knot(seen: Floats, knots: Floats) -> Floats:
    """The sums [n, k] once for each knot, times what the knot counts at the energy seen: [n, knots * k]."""
    energy = np.log(np.maximum(seen[:, :3].sum(1), 1e-3))
    shares = [np.interp(energy, np.log(knots), one) for one in np.eye(len(knots))]
    return np.concatenate([seen * share[:, None] for share in shares], axis=1)


def electrons_of(events: Events) -> Events:
    """The electrons among events, which teach the energy."""
    chosen = events.truth["particle"] == ELECTRON
    return Events(
        {name: values[chosen] for name, values in events.inputs.items()},
        {name: values[chosen] for name, values in events.truth.items()},
    )


def _in_units(energies: _Energies) -> Predictor:
    def predict(events: Events) -> Outputs:
        return {"energy": (energies(events) / UNIT_GEV).astype(np.float32)[:, None]}

    return predict
