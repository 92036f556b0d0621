"""What the network for nova is compared with: a likelihood of two quantities, trees, the leak control."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from levelone.zoo.kit.boosting import fit_kinds
from levelone.zoo.kit.events import Events, Outputs, Predictor, Source
from levelone.zoo.nova.features import blind, classical, summary
from levelone.zoo.nova.scores import CLASSES, ELECTRON, electron_score, shares

_BINS = 24
_SMOOTH = 1.0
_BATCH = 256
OUTPUT = "logits"
OVER_CUT = "over_cut"
"""Of the likelihood, beside its logits: `electron_score` above the classical cut, [n]; positive: accepted."""


def fit_likelihood(train: Source) -> Predictor:
    """Events of each class in bins of shower width and track length, smoothed; as many in each bin.

    `OVER_CUT` is positive where the classical cut accepts: the one with the best signal over the root of all
    accepted events, of the oscillated mixture, in training.
    """
    seen, label, rate = [], [], []
    for events in train.batches(_BATCH):
        seen.append(classical(events))
        label.append(events.truth["label"])
        rate.append(events.truth["rate"])
    found, kind, weight = np.concatenate(seen), np.concatenate(label).astype(int), np.concatenate(rate)
    # values repeat (planes are counted): equal quantiles are one edge
    edges = [np.unique(np.quantile(column, np.linspace(0, 1, _BINS + 1)[1:-1])) for column in found.T]
    shape = tuple(len(each) + 1 for each in edges)
    tables = []
    for code in range(len(CLASSES)):
        at = _bins(found[kind == code], edges)
        counts = np.bincount(np.ravel_multi_index(at, shape), minlength=int(np.prod(shape))).reshape(shape)
        smooth = gaussian_filter(counts.astype(float), _SMOOTH, mode="nearest") + 0.1
        tables.append(np.log(smooth))
    densities = np.stack(tables)

    def logits(columns: NDArray[np.float32]) -> NDArray[np.float32]:
        where = np.ravel_multi_index(_bins(columns, edges), shape)
        return densities.reshape(len(CLASSES), -1)[:, where].T.astype(np.float32)

    share = shares(kind, weight)
    cut = best_cut(electron_score(logits(found), share), kind == ELECTRON, weight)

    def predict(events: Events) -> Outputs:
        answer = logits(classical(events))
        return {OUTPUT: answer, OVER_CUT: (electron_score(answer, share) - cut).astype(np.float32)}

    return predict


def best_cut(score: NDArray[np.floating], signal: NDArray[np.bool_], weight: NDArray[np.floating]) -> float:
    """The threshold above which signal over the root of all is largest."""
    order = np.argsort(-score, kind="stable")
    accepted = np.cumsum((weight * signal)[order]), np.cumsum(weight[order])
    merit = accepted[0] / np.sqrt(np.maximum(accepted[1], 1e-12))
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
    best = ends[np.argmax(merit[ends])]
    below = score[order][min(best + 1, len(order) - 1)]
    return float((score[order][best] + below) / 2)


def fit_boosting(train: Source, seed: int) -> Predictor:
    """Boosted trees on everything that `summary` says."""
    return fit_kinds(train, summary, "label", OUTPUT, len(CLASSES), seed)


def fit_control(train: Source, seed: int) -> Predictor:
    """Trees that know what must not matter: `blind`."""
    return fit_kinds(train, blind, "label", OUTPUT, len(CLASSES), seed)


def _bins(columns: NDArray[np.float32], edges: list[NDArray[np.float32]]) -> tuple[NDArray[np.int64], ...]:
    return tuple(np.searchsorted(each, column) for each, column in zip(edges, columns.T, strict=True))
