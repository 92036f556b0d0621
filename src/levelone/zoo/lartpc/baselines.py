"""Classical answers for every pixel with charge: two thresholds, boosted trees, and the leak control."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.data.argon_images import NOTHING, SHOWER
from levelone.zoo.kit.boosting import View
from levelone.zoo.kit.events import Events, Outputs, Predictor, Source
from levelone.zoo.lartpc.features import blind, charged, line, surroundings

RADIUS = 4
"""Of the window in which the thresholds look: 9 x 9 pixels, 2.7 cm."""
_EVENTS = 8000  # training events
_EACH = 64  # pixels of each
_BATCH = 128


def fit_thresholds(train: Source, seed: int) -> Predictor:
    """Track is what is straight, or so dense that only protons are; the two thresholds fit best in training.

    The answer is a logit of 1 or -1.
    """
    seen, shower = _gathered(train, _line, seed)
    straight, dense = (np.quantile(column, np.linspace(0.02, 0.98, 49)) for column in seen.T)
    errors = [
        np.mean(((seen[:, :1] < limit) & (seen[:, 1:] < dense)) != shower[:, None], axis=0)
        for limit in straight
    ]
    best = np.unravel_index(int(np.argmin(errors)), (len(straight), len(dense)))
    limits = float(straight[best[0]]), float(dense[best[1]])

    def predict(events: Events) -> Outputs:
        found = _line(events)
        shower = (found[:, 0] < limits[0]) & (found[:, 1] < limits[1])
        return _as_maps(events, np.where(shower, 1.0, -1.0))

    return predict


def fit_trees(train: Source, view: View, seed: int) -> Predictor:
    """Boosted trees on what `view` says of every pixel with charge."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    seen, shower = _gathered(train, view, seed)
    trees: Any = HistGradientBoostingClassifier(max_iter=400, early_stopping=True, random_state=seed)
    trees.fit(seen, shower)
    return lambda events: _as_maps(events, trees.decision_function(view(events)))


def fit_surroundings(train: Source, seed: int) -> Predictor:
    """Trees on `surroundings`."""
    return fit_trees(train, surroundings, seed)


def fit_control(train: Source, seed: int) -> Predictor:
    """Trees that know what must not matter: `blind`."""
    return fit_trees(train, blind, seed)


def _line(events: Events) -> NDArray[np.float32]:
    return np.stack(line(events, RADIUS), axis=1)


def _gathered(train: Source, view: View, seed: int) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Of some pixels of some events, those with a class: what `view` says, and whether they are shower."""
    rng = np.random.default_rng(seed)
    seen, shower = [], []
    for events in train.limited(_EVENTS).batches(_BATCH):
        classes = events.truth["class"][:, 0][charged(events)]
        rows = np.flatnonzero(classes != NOTHING)
        rows = np.sort(rng.choice(rows, min(len(rows), _EACH * len(events)), replace=False))
        seen.append(view(events)[rows])
        shower.append(classes[rows] == SHOWER)
    return np.concatenate(seen), np.concatenate(shower)


def _as_maps(events: Events, logit: NDArray[Any]) -> Outputs:
    there = charged(events)
    maps = np.zeros(there.shape, np.float32)
    maps[there] = logit
    return {"logit": maps[:, None]}
