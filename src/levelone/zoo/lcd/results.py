"""How well the lcd networks measure energies and tell particles apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.metrics.ranking import compare
from levelone.metrics.resolution import summarise, widths
from levelone.simulate.lcd.section import PARTICLES
from levelone.zoo.kit.events import Outputs
from levelone.zoo.kit.meter import Predictions, Truth
from levelone.zoo.lcd.section import ELECTRON, UNIT_GEV

EDGES = np.array([10.0, 20, 30, 45, 65, 95, 135, 190, 260, 340, 420, 510])
"""Edges of the bins of true energy, GeV."""
SUMS = "sums"
"""The model that the widths of the others are compared with."""
TREES = "boosting"
"""The model that the identification of the others is compared with."""
REPLICAS = 200
"""Of the bootstrap over events."""


def figures(predictions: Predictions, truth: Truth, *, seed: int) -> dict[str, Any]:
    """``models``: what `model_figures` says of each model; the others: see their functions.

    ``differences``: `electron_gain`; ``identification_gain``: `identification_gain`.
    """
    found: dict[str, Any] = {
        "models": {name: model_figures(outputs, truth, seed) for name, outputs in predictions.items()}
    }
    if SUMS in predictions:
        found["differences"] = electron_gain(predictions, truth, seed)
    if "particle" in predictions.get(TREES, {}):
        found["identification_gain"] = identification_gain(predictions, truth, seed)
    return found


def identification_gain(
    predictions: Predictions, truth: Truth, seed: int, replicas: int = REPLICAS
) -> dict[str, Any]:
    """What every other model that tells kinds has more than the boosted trees, on the same events.

    Returns
    -------
    dict
        Model -> ``accuracy`` and the areas of `identification`, "one-other", as differences: each with
        ``value`` and ``error``, of areas by bootstrap over events, which both models share.
    """
    kind = truth["particle"].astype(np.int64)
    logits = {name: outputs["particle"] for name, outputs in predictions.items() if "particle" in outputs}
    others = [name for name in logits if name != TREES]
    found: dict[str, Any] = {}
    for name in others:
        more = (logits[name].argmax(1) == kind) * 1.0 - (logits[TREES].argmax(1) == kind)
        error = float(more.std() / np.sqrt(len(more)))
        found[name] = {"accuracy": {"value": float(more.mean()), "error": error}}
    for pair, one, other, chosen in _pairs(kind, PARTICLES):
        _, gains = compare(
            {name: (answers[:, one] - answers[:, other])[chosen] for name, answers in logits.items()},
            (kind[chosen] == one).astype(np.uint8),
            np.ones(int(chosen.sum())),
            np.flatnonzero(chosen),
            replicas=replicas,
            seed=seed,
            differences=tuple((name, TREES) for name in others),
        )
        for name in others:
            found[name][pair] = gains[f"{name}-{TREES}"]["auc"]
    return found


def electron_gain(
    predictions: Predictions, truth: Truth, seed: int, replicas: int = REPLICAS
) -> dict[str, Any]:
    """Widths of electrons over those of calibrated sums on the same events, in bins of true energy.

    Returns
    -------
    dict
        ``energy``: [bins] mean true energy, GeV; ``models``: name -> ``ratio`` and ``error`` [bins] for every
        other model with an energy, errors by bootstrap over events, which both share.
    """
    chosen = truth["particle"] == ELECTRON
    true = truth["energy"][chosen].astype(np.float64)
    answers = {
        name: outputs["energy"].reshape(-1)[chosen].astype(np.float64) * UNIT_GEV
        for name, outputs in predictions.items()
        if "energy" in outputs
    }
    rng = np.random.default_rng(seed)
    draws = [np.arange(len(true)), *(rng.integers(0, len(true), len(true)) for _ in range(replicas))]

    def of(name: str) -> NDArray[np.float64]:
        return np.stack([widths(true[rows], answers[name][rows], EDGES).width for rows in draws])

    bins, base = widths(true, answers[SUMS], EDGES), of(SUMS)
    kept = np.isfinite(base).all(0)
    ratios = {name: of(name)[:, kept] / base[:, kept] for name in answers if name != SUMS}
    return {
        "energy": bins.energy[kept].tolist(),
        "models": {
            name: {"ratio": ratio[0].tolist(), "error": ratio[1:].std(0).tolist()}
            for name, ratio in ratios.items()
        },
    }


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
    auc = {
        pair: float(roc_auc_score(kind[chosen] == one, (logits[:, one] - logits[:, other])[chosen]))
        for pair, one, other, chosen in _pairs(kind, particles)
    }
    return {
        "accuracy": {"value": accuracy, "error": float(np.sqrt(accuracy * (1 - accuracy) / len(kind)))},
        "confusion": confusion.tolist(),
        "auc": auc,
    }


def _pairs(
    kind: NDArray[np.int64], particles: Sequence[str]
) -> Iterator[tuple[str, int, int, NDArray[np.bool_]]]:
    """Every two kinds that are there: "one-other", their numbers, and which events [n] are of either."""
    there = np.unique(kind).tolist()
    for one, other in combinations(range(len(particles)), 2):
        if one in there and other in there:
            yield f"{particles[one]}-{particles[other]}", one, other, (kind == one) | (kind == other)
