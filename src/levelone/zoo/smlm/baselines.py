"""Boosted trees on every pixel: told of its neighbours as a person sees them, or of what must not matter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from levelone.zoo.kit.boosting import View, logit_trees
from levelone.zoo.kit.events import Events, Outputs, Predictor, Source
from levelone.zoo.kit.pixels import places_and_bits, windows
from levelone.zoo.kit.trees import regressor
from levelone.zoo.smlm.section import UNIT_ADU

Floats = NDArray[np.float32]

NEAR = 2
"""Pixels to either side whose light is given."""
_FRAMES = 4000  # training frames
_ROUNDS = 300  # trees at most
_NOWHERE = -30.0  # the logit of a molecule, if training had none
_EMPTY = 12  # pixels without a molecule for every one with
_BATCH = 256


def neighbours(events: Events) -> Floats:
    """What a person sees around each pixel, [n * rows * columns, features].

    The light of 5 x 5 pixels above that of the 9 x 9 around, its sums, centre of gravity and width along
    both axes, and by how much the pixel exceeds its neighbours.
    """
    frame = events.inputs["frame"][:, 0]
    around = uniform_filter(frame, (0, 9, 9), mode="nearest")
    side = 2 * NEAR + 1
    light = windows(frame, NEAR) - around[..., None, None]
    across = np.arange(-NEAR, NEAR + 1, dtype=np.float32)
    above = np.maximum(light, 0)
    total = np.maximum(above.sum((-1, -2)), 1e-3)
    x, y = (above.sum(-2) @ across) / total, (above.sum(-1) @ across) / total
    wide_x, wide_y = (above.sum(-2) @ across**2) / total - x**2, (above.sum(-1) @ across**2) / total - y**2
    inner = light[..., NEAR - 1 : NEAR + 2, NEAR - 1 : NEAR + 2]
    rest = inner.copy()
    rest[..., 1, 1] = -np.inf
    exceeds = light[..., NEAR, NEAR] - rest.max((-1, -2))
    columns = [around, inner.sum((-1, -2)), light.sum((-1, -2)), x, y, wide_x, wide_y, exceeds]
    flat = light.reshape(*frame.shape, side * side)
    return np.concatenate([flat, np.stack(columns, axis=-1)], axis=-1).reshape(-1, side * side + 8)


def what_must_not_matter(events: Events) -> Floats:
    """Row, column and frame of each pixel, the two lowest bits of it and of its four neighbours."""
    codes = np.rint(events.inputs["frame"][:, 0] * UNIT_ADU).astype(np.int64)
    return places_and_bits(codes, events.truth["event"])


def fit_trees(train: Source, seed: int) -> Predictor:
    """Trees for the presence of a molecule in a pixel, and for each of its shifts."""
    seen, there, weight, shifts = _gathered(train, neighbours, seed)
    finds = _presence(seen, there, weight, seed)
    known = int(there.sum())
    places = [
        regressor(max_iter=_ROUNDS, early_stopping=known > 1, random_state=seed).fit(
            seen[there], shifts[there, axis]
        )
        for axis in range(2 if known else 0)
    ]

    def predict(events: Events) -> Outputs:
        numbers = neighbours(events)
        logit = finds(numbers)
        shift = np.zeros((len(numbers), 2))
        likely = logit > (-4 if places else np.inf)  # elsewhere no molecule will be found
        if likely.any():
            shift[likely] = np.stack([trees.predict(numbers[likely]) for trees in places], axis=1)
        return _as_maps(events, logit, shift)

    return predict


def fit_control(train: Source, seed: int) -> Predictor:
    """Trees that know `what_must_not_matter`; they say the middle of the pixel."""
    seen, there, weight, _ = _gathered(train, what_must_not_matter, seed)
    finds = _presence(seen, there, weight, seed)

    def predict(events: Events) -> Outputs:
        numbers = what_must_not_matter(events)
        return _as_maps(events, finds(numbers), np.zeros((len(numbers), 2)))

    return predict


def _presence(
    seen: Floats, there: NDArray[np.bool_], weight: Floats, seed: int
) -> Callable[[Floats], Floats]:
    if not there.any():
        return lambda numbers: np.full(len(numbers), _NOWHERE, np.float32)
    return logit_trees(seen, there, seed, _ROUNDS, weight)


def _gathered(train: Source, view: View, seed: int) -> tuple[Any, NDArray[np.bool_], Floats, Floats]:
    """Pixels with a molecule, and some without, which weigh more: numbers, presence, weights, shifts."""
    rng = np.random.default_rng(seed)
    seen, there, weight, shifts = [], [], [], []
    for events in train.limited(_FRAMES).batches(_BATCH):
        truth = np.moveaxis(events.truth["map"], 1, -1).reshape(-1, events.truth["map"].shape[1])
        present = truth[:, 0] > 0
        empty = np.flatnonzero(~present)
        chosen = rng.choice(empty, min(len(empty), _EMPTY * max(int(present.sum()), 1)), replace=False)
        rows = np.concatenate([np.flatnonzero(present), chosen])
        seen.append(view(events)[rows])
        there.append(present[rows])
        weight.append(np.where(present[rows], 1.0, len(empty) / len(chosen)).astype(np.float32))
        shifts.append(truth[rows, 1:3])
    return np.concatenate(seen), np.concatenate(there), np.concatenate(weight), np.concatenate(shifts)


def _as_maps(events: Events, logit: NDArray[Any], shift: NDArray[Any]) -> Outputs:
    n, _, rows, columns = events.inputs["frame"].shape
    places = np.moveaxis(shift.reshape(n, rows, columns, 2), -1, 1)
    return {
        "logit": logit.reshape(n, 1, rows, columns).astype(np.float32),
        "shift": places.astype(np.float32),
    }
