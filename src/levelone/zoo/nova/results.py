"""How well electron neutrinos are found: efficiency at the purity of the classical cut, AUC, all classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.metrics.ranking import bootstrap_counts, compare, with_errors
from levelone.zoo.kit.events import Events
from levelone.zoo.kit.meter import PerEvent, Predictions, Truth, network_of
from levelone.zoo.nova.baselines import OUTPUT, OVER_CUT
from levelone.zoo.nova.features import CLASSICAL, classical
from levelone.zoo.nova.scores import CLASSES, ELECTRON, electron_score

REPLICAS = 200
"""Bootstrap replicas behind each uncertainty."""
PURE = 0.5
"""A purity that the classical cut does not have."""
CUT = "likelihood"
"""The model whose `OVER_CUT` is the classical cut."""


class NovaMeter(PerEvent):
    """`figures`, and both classical quantities of every event.

    Parameters
    ----------
    share
        As of `levelone.zoo.nova.scores.shares`, of the training events.
    """

    def __init__(self, share: NDArray[np.float64], seed: int) -> None:
        super().__init__(
            lambda predictions, truth: figures(predictions, truth, share, seed=seed),
            {"label", "process", "energy", "rate", *CLASSICAL},
        )

    def update(self, events: Events, outputs: Predictions) -> None:
        told = dict(zip(CLASSICAL, classical(events).T, strict=True))
        super().update(Events(events.inputs, {**events.truth, **told}), outputs)


def figures(
    predictions: Predictions, truth: Truth, share: NDArray[np.float64], *, seed: int
) -> dict[str, Any]:
    """``models``: accuracy, confusion, AUC, and what is found at the purity of the classical cut.

    The cut's own purity is a figure of `CUT`; ``pure`` is the efficiency at a purity of `PURE`.
    ``differences``: of the network's AUC, and ratio of its efficiency, against every other model's, paired.
    """
    label, rate = truth["label"].astype(int), truth["rate"].astype(np.float64)
    scores = {name: electron_score(found[OUTPUT], share) for name, found in predictions.items()}
    best = network_of(scores)
    pairs = tuple((best, name) for name in scores if name != best)
    target, rows = (label == ELECTRON).astype(np.uint8), np.arange(len(label))
    areas, deltas = compare(scores, target, rate, rows, replicas=REPLICAS, seed=seed, differences=pairs)
    models: dict[str, Any] = {}
    for name, found in predictions.items():
        answer = found[OUTPUT].argmax(1)
        right = float(np.mean(answer == label))
        count = len(CLASSES)
        confusion = np.bincount(label * count + answer, minlength=count**2).reshape(count, count)
        models[name] = {
            "accuracy": {"value": right, "error": float(np.sqrt(right * (1 - right) / len(label)))},
            "confusion": confusion.tolist(),
            "auc": areas.get(name, {}).get("auc"),
        }
    if CUT in scores and len(np.unique(target)) == 2:
        counts = bootstrap_counts(rows, REPLICAS, seed)
        weights = [rate, *(rate * row for row in counts)]
        accepted = predictions[CUT][OVER_CUT] > 0
        wanted = np.array([purity(accepted, target, weight) for weight in weights])
        models[CUT] |= with_errors(("purity",), wanted[:1], wanted[1:, None])
        found = {
            name: np.array([at_purity(score, target, *both) for both in zip(weights, wanted, strict=True)])
            for name, score in scores.items()
        }
        for name, score in scores.items():
            pure = np.array([at_purity(score, target, weight, PURE) for weight in weights])
            models[name] |= with_errors(("pure",), pure[:1], pure[1:, None])
        # the cut itself is at its own purity: what it accepts, not the best score of equal purity
        found[CUT] = np.array([efficiency(accepted, target, weight) for weight in weights])
        for name, values in found.items():
            models[name] |= with_errors(("efficiency",), values[:1], values[1:, None])
        # nothing is said of a ratio to what may find no one at that purity
        for first, other in (pair for pair in pairs if found[pair[1]].min() > 0):
            ratio = found[first] / found[other]
            deltas.setdefault(f"{first}-{other}", {}).update(
                with_errors(("ratio",), ratio[:1], ratio[1:, None])
            )
    return {
        "models": models,
        "differences": {
            name: {key: delta[key] for key in ("auc", "ratio") if key in delta}
            for name, delta in deltas.items()
        },
        "share": share.tolist(),
        "classes": dict(zip(CLASSES, np.bincount(label, minlength=len(CLASSES)).tolist(), strict=True)),
        "bootstrap": {"replicas": REPLICAS, "unit": "event"},
    }


def purity(accepted: NDArray[np.bool_], target: NDArray[np.uint8], weight: NDArray[np.float64]) -> float:
    """Share of electron neutrinos in what is accepted; 0 if nothing is."""
    whole = float(weight[accepted].sum())
    return float((weight * target)[accepted].sum()) / whole if whole > 0 else 0.0


def efficiency(accepted: NDArray[np.bool_], target: NDArray[np.uint8], weight: NDArray[np.float64]) -> float:
    """Share of the electron neutrinos that is accepted."""
    signal = weight * target
    return float(signal[accepted].sum() / max(signal.sum(), 1e-12))


def at_purity(
    score: NDArray[np.float64], target: NDArray[np.uint8], weight: NDArray[np.float64], wanted: float
) -> float:
    """Largest efficiency of a threshold on `score` that keeps the purity `wanted`; 0 if none does."""
    found, pure = curve(score, target, weight)
    good = found[pure >= wanted]
    return float(good.max(initial=0.0))


def curve(
    score: NDArray[np.float64], target: NDArray[np.uint8], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Efficiency and purity at every distinct threshold, from the highest on."""
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    last = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    signal = np.cumsum((weight * target)[order])
    whole = np.cumsum(weight[order])
    return signal[last] / max(signal[-1], 1e-12), signal[last] / np.maximum(whole[last], 1e-12)
