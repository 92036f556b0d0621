"""How well models tell the signal among two classes of jets, seen as images."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.metrics.ranking import bootstrap_counts, compare_drawn
from levelone.metrics.rejection import compare_rejections
from levelone.zoo.kit.events import Events
from levelone.zoo.kit.meter import PerEvent, Predictions, Truth, network_of

REPLICAS = 200
"""Bootstrap replicas behind each uncertainty."""
Regions = Callable[[Truth], Mapping[str, NDArray[np.bool_]]]
"""From truth to which jets are in each region that results are given for, by name; the first holds all."""


class TaggingMeter(PerEvent):
    """`figures`, and the average image that entered the network, of each class.

    Parameters
    ----------
    image
        Name and shape of the network's input.
    kept
        Truth columns that plots are made of; `label` is 1 for signal.
    unit
        Of what enters the network.
    """

    def __init__(
        self,
        image: tuple[str, tuple[int, ...]],
        kept: Collection[str],
        regions: Regions,
        seed: int,
        unit: str,
    ) -> None:
        self._unit = unit
        super().__init__(
            lambda predictions, truth: figures(predictions, truth, regions(truth), seed=seed),
            {"label", *kept},
        )
        self._input, shape = image
        self._sums = np.zeros((2, *shape))

    def update(self, events: Events, outputs: Predictions) -> None:
        super().update(events, outputs)
        if self._input in events.inputs:
            for code in (0, 1):
                chosen = events.truth["label"] == code
                self._sums[code] += events.inputs[self._input][chosen].sum(0, dtype=np.float64)

    def kept(self) -> dict[str, NDArray[Any]]:
        """What `PerEvent.kept` gives; ``truth/average`` [2, channels, rows, columns], its ``truth/unit``."""
        found = super().kept()
        count = np.bincount(found["truth/label"], minlength=2)
        mean = self._sums / np.maximum(count, 1)[:, None, None, None]
        return found | {"truth/average": mean, "truth/unit": np.array(self._unit)}


def everywhere(truth: Truth) -> dict[str, NDArray[np.bool_]]:
    """The region of all jets alone."""
    return {"all": np.ones(len(truth["label"]), bool)}


def figures(
    predictions: Predictions, truth: Truth, regions: Mapping[str, NDArray[np.bool_]], *, seed: int
) -> dict[str, Any]:
    """AUC, efficiency, rejection at half of the signal, of the test jets of every region."""
    label = truth["label"]
    best = network_of(predictions)
    pairs = tuple((best, name) for name in predictions if name != best)
    models: dict[str, Any] = {name: {} for name in predictions}
    differences: dict[str, Any] = {f"{a}-{b}": {} for a, b in pairs}
    for region, chosen in regions.items():
        if len(np.unique(label[chosen])) < 2:
            continue
        scores = {name: outputs["logit"][chosen, 0] for name, outputs in predictions.items()}
        inside = label[chosen]
        counts = bootstrap_counts(np.arange(len(inside)), REPLICAS, seed)
        rejections, ratios = compare_rejections(scores, inside, counts, pairs)
        found, deltas = compare_drawn(scores, inside, np.ones(len(inside)), counts, pairs)
        count = np.bincount(inside, minlength=2)
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
