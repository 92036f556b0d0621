"""What the muon networks are compared with: boosting on high-level features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from levelone.zoo.kit.events import Events, Predictor, Source
from levelone.zoo.muon.features import ENERGIES, FEATURES, high_level
from levelone.zoo.muon.section import GEV_PER_UNIT, OUTPUT, MuonModel


def fit_boosting(model: MuonModel, train: Source, seed: int) -> dict[str, Predictor]:
    """Gradient boosting on the high-level features; if the network reads sums, also on both."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    seen: list[NDArray[np.float32]] = []
    energies = []
    for events in train.batches(256):
        seen.append(_known(model, events))
        energies.append(events.truth["energy"])
    known, tev = np.concatenate(seen), np.concatenate(energies).astype(np.float64) / GEV_PER_UNIT

    def fitted(columns: int) -> Predictor:
        trees = HistGradientBoostingRegressor(
            max_iter=400, learning_rate=0.05, early_stopping=True, random_state=seed
        )
        trees.fit(known[:, :columns], tev, sample_weight=1 / tev)
        return lambda events: {
            OUTPUT: trees.predict(_known(model, events)[:, :columns]).astype(np.float32)[:, None]
        }

    models = {"boosting": fitted(len(FEATURES))}
    return models | {"boosting_sums": fitted(known.shape[1])} if model.sums else models


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
