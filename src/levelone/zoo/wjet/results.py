"""How well models tell W jets from others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.metrics.ranking import compare
from levelone.metrics.rejection import compare_rejections
from levelone.zoo.kit.events import Events
from levelone.zoo.kit.meter import PerEvent, Predictions, Truth
from levelone.zoo.wjet.section import SHAPE

REPLICAS = 200
"""Bootstrap replicas behind each uncertainty."""
KEPT = ("label", "pt", "mass", "tau1", "tau2", "dr")
"""Truth columns that results and plots are made of."""
NARROW_GEV = (75.0, 85.0)
"""Masses between which mass says little more."""


class JetMeter(PerEvent):
    """`figures`, and the average image that entered the network, of each class."""

    def __init__(self, seed: int) -> None:
        super().__init__(lambda predictions, truth: figures(predictions, truth, seed=seed), KEPT)
        self._sums = np.zeros((2, *SHAPE[1:]))

    def update(self, events: Events, outputs: Predictions) -> None:
        super().update(events, outputs)
        if "jet" in events.inputs:
            for code in (0, 1):
                chosen = events.truth["label"] == code
                self._sums[code] += events.inputs["jet"][chosen, 0].sum(0, dtype=np.float64)

    def kept(self) -> dict[str, NDArray[Any]]:
        """What `PerEvent.kept` gives, and ``truth/average`` [2, rows, columns]."""
        found = super().kept()
        count = np.bincount(found["truth/label"], minlength=2)
        return found | {"truth/average": self._sums / np.maximum(count, 1)[:, None, None]}


def figures(predictions: Predictions, truth: Truth, *, seed: int) -> dict[str, Any]:
    """AUC, efficiency, rejection at half of the W jets: of all test jets, and of a narrow range of masses."""
    label, mass = truth["label"], truth["mass"]
    low, high = NARROW_GEV
    regions = {
        "all": np.ones(len(label), bool),
        f"mass {low:g} to {high:g} GeV": (mass >= low) & (mass <= high),
    }
    best = "quantised" if "quantised" in predictions else "float"
    pairs = tuple((best, name) for name in predictions if name != best)
    models: dict[str, Any] = {name: {} for name in predictions}
    differences: dict[str, Any] = {f"{a}-{b}": {} for a, b in pairs}
    for region, chosen in regions.items():
        if len(np.unique(label[chosen])) < 2:
            continue
        scores = {name: outputs["logit"][chosen, 0] for name, outputs in predictions.items()}
        told = {"replicas": REPLICAS, "seed": seed}
        rejections, ratios = compare_rejections(scores, label[chosen], ratios=pairs, **told)
        rows = np.flatnonzero(chosen)
        found, deltas = compare(scores, label[chosen], np.ones(len(rows)), rows, differences=pairs, **told)
        count = np.bincount(label[chosen], minlength=2)
        sizes = {"signal": int(count[1]), "background": int(count[0])}
        for name, values in found.items():
            models[name][region] = values | {"rejection": rejections[name]} | sizes
        for a, b in pairs:
            differences[f"{a}-{b}"][region] = deltas[f"{a}-{b}"] | {"ratio": ratios[f"{a}/{b}"]}
    return {
        "models": models,
        "differences": differences,
        "bootstrap": {"replicas": REPLICAS, "unit": "jet"},
    }
