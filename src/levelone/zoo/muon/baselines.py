"""What the muon networks are compared with: boosting on high-level features."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from levelone.zoo.kit.boosting import View, fit_quantity
from levelone.zoo.kit.events import Events, Predictor, Source
from levelone.zoo.muon.features import ENERGIES, FEATURES, high_level
from levelone.zoo.muon.section import GEV_PER_UNIT, OUTPUT, MuonModel


def fit_boosting(model: MuonModel, train: Source, seed: int) -> dict[str, Predictor]:
    """Gradient boosting on the high-level features; if the network reads sums, also on both."""

    def fitted(view: View) -> Predictor:
        return fit_quantity(train, view, "energy", OUTPUT, GEV_PER_UNIT, seed)

    known = partial(_known, model)
    models = {"boosting": fitted(lambda events: known(events)[:, : len(FEATURES)])}
    return models | {"boosting_sums": fitted(known)} if model.sums else models


def _known(model: MuonModel, events: Events) -> NDArray[np.float32]:
    """High-level features of a batch, and behind them the sums of its layers, if any."""
    features = _features(model, events)
    sums = events.inputs.get("sums")
    return features if sums is None else np.concatenate([features, sums.reshape(len(sums), -1)], axis=1)


def _features(model: MuonModel, events: Events) -> NDArray[np.float32]:
    """High-level features of a batch, from whatever enters the network."""
    if "features" in events.inputs:
        return events.inputs["features"]
    images = events.inputs["calo"][:, 0]
    return high_level(ENERGIES[model.response](images))
