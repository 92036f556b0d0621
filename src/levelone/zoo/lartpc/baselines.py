"""Classical answers for every pixel with charge: two thresholds, boosted trees, and the leak control."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.data.argon_images import NOTHING, SHOWER
from levelone.errors import LeveloneError
from levelone.zoo.kit.boosting import View, logit_trees
from levelone.zoo.kit.events import Events, Outputs, Predictor, Source
from levelone.zoo.lartpc.features import blind, charged, line, surroundings

RADIUS = 4
"""Of the window in which the thresholds look: 9 x 9 pixels, 2.7 cm."""
_EVENTS = 8000  # training events
_EACH = 64  # pixels of each
_ROUNDS = 400  # trees at most
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
    logit = logit_trees(*_gathered(train, view, seed), seed, _ROUNDS)
    return lambda events: _as_maps(events, logit(view(events)))


def fit_surroundings(train: Source, seed: int) -> Predictor:
    """Trees on `surroundings`."""
    return fit_trees(train, surroundings, seed)


def fit_control(train: Source, seed: int) -> Predictor:
    """Trees that know what must not matter: `blind`."""
    return fit_trees(train, blind, seed)


def _line(events: Events) -> NDArray[np.float32]:
    return np.stack(line(events, RADIUS), axis=1)


def _gathered(train: Source, view: View, seed: int) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Of some pixels of some events, those with a class: what `view` says, and whether they are shower.

    Raises
    ------
    LeveloneError
        If there is none.
    """
    rng = np.random.default_rng(seed)
    seen, shower = [], []
    for events in train.limited(_EVENTS).batches(_BATCH):
        classes = events.truth["class"][:, 0][charged(events)]
        rows = np.flatnonzero(classes != NOTHING)
        rows = np.sort(rng.choice(rows, min(len(rows), _EACH * len(events)), replace=False))
        seen.append(view(events)[rows])
        shower.append(classes[rows] == SHOWER)
    if not any(map(len, shower)):
        raise LeveloneError(
            "no pixel of the training events has charge and a class: nothing to compare with",
            hint="simulate more events",
        )
    return np.concatenate(seen), np.concatenate(shower)


def _as_maps(events: Events, logit: NDArray[Any]) -> Outputs:
    there = charged(events)
    maps = np.zeros(there.shape, np.float32)
    maps[there] = logit
    return {"logit": maps[:, None]}
