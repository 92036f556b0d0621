"""What the muon networks are compared with: the plain sum of all cells, boosting on high-level features."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.metrics import tracker
from levelone.zoo.kit.boosting import RELATIVE, Aim, View, gather, quantity_trees, remembered
from levelone.zoo.kit.events import Events, Predictor, Source
from levelone.zoo.muon.features import ENERGIES, FEATURES, high_level
from levelone.zoo.muon.section import GEV_PER_UNIT, OUTPUT, MuonModel

QUANTILES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 0.98)
"""What was tried for `QUANTILE` and `SUM_QUANTILE`: `scan`, on validation events (docs/muon.md, figures)."""
QUANTILE = 0.97
"""Of `QUANTILES`, what gave trees that know everything most of the study's improvement, all muons alike.

With the weights of `weighted` 0.7 was the best, and gave less.
"""
SUM_QUANTILE = 0.9
"""The same for trees that know the sum of all cells alone."""
DEGREE = 4
"""Of the polynomial in the logarithm of the sum of all cells: a higher one takes 1 % off the loss at most."""
_SUM = 1  # columns of `_known` that are the sum of all cells: the first of `FEATURES`


def fit_baselines(model: MuonModel, train: Source, seed: int) -> dict[str, Predictor]:
    """The classical quantity; boosting on high-level features and, if the network reads sums, on both.

    The classical quantity is a polynomial of the logarithm of the plain sum of all cells. It and the trees
    have squared error over energy. If the network has another loss, there is one of each kind with a loss
    that gives more of the study's improvement: the network's `weighted`; or, if the network's is that
    improvement itself, which is not a sum over events, `QUANTILE` of all muons alike, and `SUM_QUANTILE`.
    """
    known = remembered(partial(_known, model))
    seen, energy = gather(train, known, "energy")

    def fitted(view: View, columns: int | None, aim: Aim = RELATIVE) -> Predictor:
        return quantity_trees(seen[:, :columns], energy, view, OUTPUT, GEV_PER_UNIT, seed, aim)

    def first(columns: int) -> View:
        return lambda events: known(events)[:, :columns]

    def aim(quantile: float) -> Aim:
        return _aim(model, 0.5) if model.loss == "median" else _aim(None, quantile)

    models = {"sum": polynomial(seen[:, :_SUM], energy, first(_SUM))}
    if model.loss != "published":
        models["sum_loss"] = fitted(first(_SUM), _SUM, aim(SUM_QUANTILE))
    models["boosting"] = fitted(first(len(FEATURES)), len(FEATURES))
    if model.sums:
        models["boosting_sums"] = fitted(known, None)
    if model.loss != "published":
        models["boosting_loss"] = fitted(known, None, aim(QUANTILE))
    return models


def polynomial(seen: NDArray[np.floating[Any]], energy: NDArray[np.floating[Any]], view: View) -> Predictor:
    """Least squares of squared error over energy of a polynomial of one quantity, `DEGREE` at most.

    Parameters
    ----------
    seen, energy
        The quantity [n, 1] and the energy [n] in GeV, of training events.
    view
        From a batch to the quantity, [n, 1]. Beyond what training has seen the answer stays what it is there.
    """
    quantity, true = seen[:, 0].astype(np.float64), energy.astype(np.float64) / GEV_PER_UNIT
    low, high = quantity.min(), quantity.max()
    degree = min(DEGREE, len(np.unique(quantity)) - 1)
    curve = np.polynomial.Polynomial.fit(quantity, true, degree, w=true**-0.5)

    def answer(events: Events) -> dict[str, NDArray[np.float32]]:
        return {OUTPUT: curve(np.clip(view(events), low, high)).astype(np.float32)}

    return answer


def scan(
    model: MuonModel,
    train: Source,
    held: Source,
    seed: int,
    columns: int | None = None,
    weighted: bool = False,
    quantiles: Iterable[float] = QUANTILES,
) -> dict[float, float]:
    """The study's improvement on the events `held` of trees that aim at each quantile.

    Parameters
    ----------
    columns
        How many of what is known of an event they are given, features first: all of it by default, 1 the sum
        of all cells alone.
    weighted
        With the weights of the loss `weighted`; else all muons count alike.
    """
    seen, energy = gather(train, partial(_known, model), "energy")
    asked, true = gather(held, partial(_known, model), "energy")
    batch = Events({"known": asked.astype(np.float32)}, {})

    def view(events: Events) -> NDArray[np.floating[Any]]:
        return events.inputs["known"][:, :columns]

    found = {}
    for quantile in quantiles:
        aim = _aim(model if weighted else None, quantile)
        trees = quantity_trees(seen[:, :columns], energy, view, OUTPUT, GEV_PER_UNIT, seed, aim)
        answer = trees(batch)[OUTPUT].reshape(-1).astype(np.float64) * GEV_PER_UNIT
        found[quantile] = tracker.improvement(true.astype(np.float64), answer)
    return found


def _aim(model: MuonModel | None, quantile: float) -> Aim:
    """A quantile of the energies that an event may have, with the weights of a network's loss or without."""
    return Aim("quantile", np.ones_like if model is None else partial(_weight, model), quantile)


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
