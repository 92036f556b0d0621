"""What the network for qgjet is compared with: boosted trees on one quantity, on five, and on all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from levelone.zoo.kit.boosting import View, fit_two
from levelone.zoo.kit.control import LeakControl
from levelone.zoo.kit.events import Events, Predictor, Source

FIVE = ("charged", "girth", "c1", "dispersion", "largest")
"""What the trees of five quantities are given; columns of the file."""
EVERYTHING = (*FIVE, "pt", "eta", "mass", "particles", "spectrum")
"""All that is computed of a jet: what the file says of it, and its pixels in order of their momentum."""
BASELINES: dict[str, tuple[str, ...]] = {
    "boosting": EVERYTHING,
    "five": FIVE,
    "charged": ("charged",),
    "girth": ("girth",),
    "momentum": ("pt",),
}
"""Boosted trees by model name: what they are given. On one quantity they are its likelihood ratio."""


def view(names: tuple[str, ...]) -> View:
    """Some columns of a batch."""
    return lambda events: np.column_stack([events.truth[name] for name in names])


def fit_all(train: Source, seed: int) -> dict[str, Predictor]:
    """All `BASELINES`, fitted on the training jets; the answers are logits."""
    return {name: fit_two(train, view(given), "label", "logit", seed) for name, given in BASELINES.items()}


def pixels_alone(events: Events) -> NDArray[np.float32]:
    """Where the jet is, its transverse momentum, and its pixels without their places."""
    told = (events.truth["pt"], events.truth["eta"], events.truth["spectrum"])
    return np.column_stack(told).astype(np.float32)


def fit_control(train: Source, seed: int) -> LeakControl:
    """Trees that are not told where in the jet anything is."""
    return LeakControl(
        "the jet's transverse momentum and pseudorapidity; of charged and of neutral particles the largest "
        "pixels in order, their number and sum; no places",
        "that gluons radiate more: their jets hold more and softer particles, and a pixel is nearly one. "
        "Transverse momentum alone, even in both classes, is the model of that name: an AUC of 0.5",
        fit_two(train, pixels_alone, "label", "logit", seed),
    )
