"""What the network for wjet is compared with: boosted trees on one quantity, on three, and on all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from levelone.zoo.kit.boosting import View, fit_two
from levelone.zoo.kit.control import LeakControl
from levelone.zoo.kit.events import Events, Predictor, Source
from levelone.zoo.wjet.features import FEATURES, PLAIN, columns


def view(names: tuple[str, ...]) -> View:
    """Some of `FEATURES` of a batch."""
    places = columns(names)
    return lambda events: events.truth["summary"][:, places]


BASELINES: dict[str, tuple[str, ...]] = {
    "boosting": FEATURES,
    "plain": PLAIN,
    **{name: (name,) for name in PLAIN},
    "momentum": ("pt",),
}
"""Boosted trees by model name: what they are given. On one quantity they are its likelihood ratio."""


def fit_all(train: Source, seed: int) -> dict[str, Predictor]:
    """All `BASELINES`, fitted on the training jets; the answers are logits."""
    return {name: fit_two(train, view(given), "label", "logit", seed) for name, given in BASELINES.items()}


def towers_alone(events: Events) -> NDArray[np.float32]:
    """Transverse momentum of the jet, and of its towers without their places."""
    return np.column_stack([events.truth["pt"], events.truth["spectrum"]]).astype(np.float32)


def fit_control(train: Source, seed: int) -> LeakControl:
    """Trees that are not told where anything is."""
    return LeakControl(
        "the jet's transverse momentum; its largest towers in order, their number and sum; no places",
        "that a W is two quarks that share its momentum rather evenly, and that most other jets of its mass "
        "hold gluons, whose energy is spread over more towers. Transverse momentum alone, even in both "
        "classes, is the model of that name: an AUC of 0.5",
        fit_two(train, towers_alone, "label", "logit", seed),
    )
