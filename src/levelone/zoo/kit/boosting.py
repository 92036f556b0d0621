"""Boosted trees on a few numbers per event: what a person would compute, or a leak control is given."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from levelone.zoo.kit.events import Events, Predictor, Source
from levelone.zoo.kit.trees import Trees, classifier, regressor

View = Callable[[Events], NDArray[np.floating[Any]]]
"""From a batch to [n, columns]."""
_BATCH = 256
ROUNDS = 150
"""Trees that are grown at most, one after another; an early stop is likely with few events."""
_NEVER = -30.0  # logarithm of the probability of a class that training did not hold


def remembered(view: View) -> View:
    """`view` that keeps what it made of the latest batch: several models are shown the same one in turn."""
    latest: tuple[Events, NDArray[np.floating[Any]]] | None = None

    def seen(events: Events) -> NDArray[np.floating[Any]]:
        nonlocal latest
        if latest is None or latest[0] is not events:
            latest = events, view(events)
        return latest[1]

    return seen


def gather(train: Source, view: View, target: str) -> tuple[NDArray[np.floating[Any]], NDArray[Any]]:
    """What `view` makes of all training events, [n, columns], and their truth column `target`, [n]."""
    parts, targets = [], []
    for events in train.batches(_BATCH):
        parts.append(view(events))
        targets.append(events.truth[target])
    return np.concatenate(parts), np.concatenate(targets)


def fit_two(train: Source, view: View, target: str, output: str, seed: int) -> Predictor:
    """Trees for a truth column of 0 and 1; the answer `output` is a logit, [n, 1]: 0 if only one is there."""
    logit = logit_trees(*gather(train, view, target), seed)
    return lambda events: {output: logit(view(events))[:, None]}


def logit_trees(
    seen: NDArray[np.floating[Any]],
    kind: NDArray[Any],
    seed: int,
    rounds: int = ROUNDS,
    weight: NDArray[np.floating[Any]] | None = None,
) -> Callable[[NDArray[np.floating[Any]]], NDArray[np.float32]]:
    """At most `rounds` trees for the classes 0 and 1, `kind` [n], of what was `seen` [n, columns].

    They are a function from columns to the logit, [n]: 0 if only one class is there.

    Parameters
    ----------
    weight
        How much each counts, [n].
    """
    if len(np.unique(kind)) < 2:
        return lambda columns: np.zeros(len(columns), np.float32)
    trees = _classifier(seed, rounds, kind).fit(_filled(seen), kind, weight)
    return lambda columns: np.asarray(trees.decision_function(columns), np.float32)


def fit_kinds(train: Source, view: View, target: str, output: str, kinds: int, seed: int) -> Predictor:
    """Trees for a truth column of class numbers; the answer is the logarithm of probabilities, [n, kinds]."""
    known = kind_trees(*gather(train, view, target), kinds, seed)
    return lambda events: {output: known(view(events))}


def kind_trees(
    seen: NDArray[np.floating[Any]], kind: NDArray[Any], kinds: int, seed: int, rounds: int = ROUNDS
) -> Callable[[NDArray[np.floating[Any]]], NDArray[np.float32]]:
    """At most `rounds` trees for each of the classes `kind` [n], of what was `seen` [n, columns].

    They are a function from columns to the logarithm of probabilities, [n, kinds].
    """
    there = np.unique(kind).astype(int)
    trees = None if len(there) < 2 else _classifier(seed, rounds, kind).fit(_filled(seen), kind)

    def known(columns: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        found = np.full((len(columns), kinds), _NEVER, np.float32)
        found[:, there] = 0 if trees is None else np.log(np.maximum(trees.predict_proba(columns), 1e-13))
        return found

    return known


@dataclass(frozen=True)
class Aim:
    """What trees for a quantity minimise: the mean of a loss of scikit-learn times a weight of the truth."""

    loss: Literal["squared_error", "quantile"] = "squared_error"
    weight: Callable[[NDArray[np.float64]], NDArray[np.float64]] = np.reciprocal
    quantile: float | None = None


RELATIVE = Aim()
"""Squared error over truth."""


def fit_quantity(train: Source, view: View, target: str, output: str, unit: float, seed: int) -> Predictor:
    """Trees for a positive truth column; the answer is in units of `unit`, [n, 1]."""
    return quantity_trees(*gather(train, view, target), view, output, unit, seed)


def quantity_trees(
    seen: NDArray[np.floating[Any]],
    wanted: NDArray[Any],
    view: View,
    output: str,
    unit: float,
    seed: int,
    aim: Aim = RELATIVE,
) -> Predictor:
    """`fit_quantity` on what was gathered before: `seen` [n, columns] with the truth `wanted` [n]."""
    scaled = wanted.astype(np.float64) / unit
    trees = regressor(
        loss=aim.loss,
        quantile=aim.quantile,
        max_iter=400,
        learning_rate=0.05,
        early_stopping=len(scaled) > 1,
        random_state=seed,
    )
    trees.fit(_filled(seen), scaled, aim.weight(scaled))
    return lambda events: {output: trees.predict(view(events)).astype(np.float32)[:, None]}


def _filled(seen: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """`seen` [n, columns] with zeros in columns of nothing but NaN, which scikit-learn cannot bin."""
    empty = np.isnan(seen).all(axis=0)
    return np.where(empty, np.zeros((), seen.dtype), seen) if empty.any() else seen


def _classifier(seed: int, rounds: int, kind: NDArray[Any]) -> Trees:
    """Trees for the classes `kind` [n]; a tenth of the events ends their growth, if it has all classes."""
    count = np.unique(kind, return_counts=True)[1]
    held = bool(count.min() > 1 and math.ceil(len(kind) / 10) >= len(count))
    return classifier(max_iter=rounds, learning_rate=0.1, early_stopping=held, random_state=seed)
