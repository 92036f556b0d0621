"""How well the lcd networks measure energies and tell particles apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.metrics.resolution import summarise
from levelone.simulate.lcd.section import PARTICLES
from levelone.zoo.kit.events import Outputs
from levelone.zoo.kit.meter import Predictions, Truth
from levelone.zoo.lcd.section import UNIT_GEV

EDGES = np.array([10.0, 20, 30, 45, 65, 95, 135, 190, 260, 340, 420, 510])
"""Edges of the bins of true energy, GeV."""


def figures(predictions: Predictions, truth: Truth, *, seed: int) -> dict[str, Any]:
    """``models``: what `model_figures` says of each model."""
    return {"models": {name: model_figures(outputs, truth, seed) for name, outputs in predictions.items()}}


def model_figures(outputs: Outputs, truth: Truth, seed: int) -> dict[str, Any]:
    """``energy``: particle -> see `levelone.metrics.resolution.summarise`; ``identification``: figures."""
    true, kind = truth["energy"].astype(np.float64), truth["particle"].astype(np.int64)
    found: dict[str, Any] = {}
    if "energy" in outputs:
        predicted = outputs["energy"].reshape(-1).astype(np.float64) * UNIT_GEV
        found["energy"] = {
            name: summarise(true[kind == code], predicted[kind == code], EDGES, seed=seed)
            for code, name in enumerate(PARTICLES)
            if np.any(kind == code)
        }
    if "particle" in outputs:
        found["identification"] = identification(outputs["particle"], kind, PARTICLES)
    return found


def identification(logits: NDArray[Any], kind: NDArray[np.int64], particles: Sequence[str]) -> dict[str, Any]:
    """Accuracy, confusion matrix, and separation of pairs.

    Returns
    -------
    dict
        ``accuracy`` with its binomial error; ``confusion``: [true][found] counts; ``auc``: "one-other" ->
        area under the ROC curve of the difference of their logits, on events of these two.
    """
    from sklearn.metrics import roc_auc_score

    count = len(particles)
    best = logits.argmax(1)
    confusion = np.bincount(kind * count + best, minlength=count**2).reshape(count, count)
    accuracy = float(np.mean(best == kind))
    auc = {}
    for one in range(count):
        for other in range(one + 1, count):
            chosen = (kind == one) | (kind == other)
            if len(np.unique(kind[chosen])) == 2:
                score = (logits[:, one] - logits[:, other])[chosen]
                auc[f"{particles[one]}-{particles[other]}"] = float(roc_auc_score(kind[chosen] == one, score))
    return {
        "accuracy": {"value": accuracy, "error": float(np.sqrt(accuracy * (1 - accuracy) / len(kind)))},
        "confusion": confusion.tolist(),
        "auc": auc,
    }
