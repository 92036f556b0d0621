"""What the muon networks are compared with: boosting on high-level features."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from levelone.zoo.kit.boosting import RELATIVE, Aim, View, gather, quantity_trees, remembered
from levelone.zoo.kit.events import Events, Predictor, Source
from levelone.zoo.muon.features import ENERGIES, FEATURES, high_level
from levelone.zoo.muon.section import GEV_PER_UNIT, OUTPUT, MuonModel

QUANTILE = 0.7
"""Of 0.5, 0.6 and 0.7, what gave trees most of the study's improvement."""


def fit_boosting(model: MuonModel, train: Source, seed: int) -> dict[str, Predictor]:
    """Gradient boosting on the high-level features; if the network reads sums, also on both.

    If the network has another loss than these (squared error over energy), once more with a loss that gives
    trees more of the study's improvement: the network's `weighted`; or, if the network's is that improvement
    itself, which is not a sum over events, `QUANTILE` instead of the median.
    """
    known = remembered(partial(_known, model))
    seen, energy = gather(train, known, "energy")

    def fitted(view: View, columns: int | None, aim: Aim = RELATIVE) -> Predictor:
        return quantity_trees(seen[:, :columns], energy, view, OUTPUT, GEV_PER_UNIT, seed, aim)

    models = {"boosting": fitted(lambda events: known(events)[:, : len(FEATURES)], len(FEATURES))}
    if model.sums:
        models["boosting_sums"] = fitted(known, None)
    if model.loss != "published":
        quantile = 0.5 if model.loss == "median" else QUANTILE
        models["boosting_loss"] = fitted(known, None, Aim("quantile", partial(_weight, model), quantile))
    return models


def _weight(model: MuonModel, energy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of the loss `weighted` at true energies in TeV, [n]."""
    import torch

    from levelone.zoo.muon.loss import high_energy_weight

    faded = high_energy_weight(torch.from_numpy(energy)).numpy() if model.fade else 1.0
    return np.asarray(energy * faded)


def _known(model: MuonModel, events: Events) -> NDArray[np.float32]:
    """High-level features of a batch, and behind them the sums of its layers, if any, ordered if they are."""
    features = _features(model, events)
    sums = events.inputs.get("ordered", events.inputs.get("sums"))
    return features if sums is None else np.concatenate([features, sums.reshape(len(sums), -1)], axis=1)


def _features(model: MuonModel, events: Events) -> NDArray[np.float32]:
    """High-level features of a batch, from whatever enters the network."""
    if "features" in events.inputs:
        return events.inputs["features"]
    images = events.inputs["calo"][:, 0]
    return high_level(ENERGIES[model.response](images))
