"""How well the networks for next tell two electrons from one."""

from __future__ import annotations

from typing import Any

import numpy as np

from levelone.metrics.ranking import compare
from levelone.zoo.kit.meter import Predictions, Truth, network_of

REPLICAS = 200
"""Bootstrap replicas behind each uncertainty."""


def figures(predictions: Predictions, truth: Truth, *, seed: int) -> dict[str, Any]:
    """Efficiency at fixed background rejection for all events and for short and long drift."""
    label, drift = truth["label"], truth["drift"]
    regions = {"all": drift >= 0, "drift below 0.5 m": drift < 500, "drift above 0.5 m": drift >= 500}
    others = [name for name in predictions if name not in ("float", "quantised")]
    best = network_of(predictions)
    pairs = [("quantised", "float")] if {"quantised", "float"} <= set(predictions) else []
    pairs += [(best, name) for name in others]
    models: dict[str, Any] = {name: {} for name in predictions}
    differences: dict[str, Any] = {f"{a}-{b}": {} for a, b in pairs}
    for region, chosen in regions.items():
        scores = {name: outputs["logit"][chosen, 0] for name, outputs in predictions.items()}
        found, deltas = compare(
            scores,
            label[chosen],
            np.ones(int(chosen.sum())),
            np.flatnonzero(chosen),
            replicas=REPLICAS,
            seed=seed,
            differences=tuple(pairs),
        )
        count = np.bincount(label[chosen], minlength=2)
        for name, values in found.items():
            models[name][region] = values | {"signal": int(count[1]), "background": int(count[0])}
        for name, values in deltas.items():
            differences[name][region] = values
    bootstrap = {"replicas": REPLICAS, "unit": "event"}
    return {"models": models, "differences": differences, "bootstrap": bootstrap}
