"""How well a score separates signal from background, with weights and uncertainties.

Uncertainties are bootstrap standard deviations over whole *events* of the detector: entries of one event have
something in common, so resampling single entries would claim more than is known. All models are evaluated on
the same replicas, so that the uncertainty of a difference is that of the difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

REJECTIONS = (0.50, 0.75, 0.90, 0.99)
"""Fractions of the background that are rejected where the signal efficiency is quoted."""


def balance(target: NDArray[np.uint8], group: NDArray[np.int32]) -> Floats:
    """Weights that make both classes equally frequent within every group.

    The rarer class of a group keeps weight 1, the other is scaled down to its sum; a group without one of the
    classes gets weight 0. This is the expectation of dropping entries of the larger class at random.

    Parameters
    ----------
    target
        0 or 1, [n].
    group
        Index of the group, [n].
    """
    count = int(group.max(initial=-1)) + 1
    signal = np.bincount(group[target == 1], minlength=count).astype(np.float64)
    background = np.bincount(group[target == 0], minlength=count).astype(np.float64)
    least = np.minimum(signal, background)
    weight_of = np.stack([least / np.maximum(background, 1), least / np.maximum(signal, 1)])
    return weight_of[target.astype(np.int64), group]


@dataclass(frozen=True)
class Ranking:
    """Entries of one model in descending order of score, ready for any weights.

    Attributes
    ----------
    order
        [n] permutation.
    last
        [k] position, in that order, of the last entry of each distinct score.
    signal
        [n] truth in that order, 0.0 or 1.0.
    """

    order: NDArray[np.int64]
    last: NDArray[np.int64]
    signal: Floats

    @classmethod
    def of(cls, score: NDArray[Any], target: NDArray[np.uint8]) -> Ranking:
        """Sort once."""
        if not np.isfinite(score).all():
            raise ValueError("scores must be finite")
        order = np.argsort(-score.astype(np.float64), kind="stable")
        ranked = score[order]
        last = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
        return cls(order, last, target[order].astype(np.float64))

    def roc(self, weight: Floats) -> tuple[Floats, Floats]:
        """False and true positive fractions at every distinct threshold, from (0, 0) to (1, 1)."""
        ordered = weight[self.order]
        true = np.concatenate([[0.0], np.cumsum(ordered * self.signal)[self.last]])
        false = np.concatenate([[0.0], np.cumsum(ordered * (1.0 - self.signal))[self.last]])
        if true[-1] <= 0 or false[-1] <= 0:
            raise ValueError("a class is empty")
        return false / false[-1], true / true[-1]

    def figures(self, weight: Floats) -> Floats:
        """AUC (ties count one half) and the efficiency at each of `REJECTIONS`.

        Between two thresholds the ROC is a straight line: what a random choice among tied entries gives.
        """
        false, true = self.roc(weight)
        auc = float(np.sum(np.diff(false) * (true[1:] + true[:-1]) / 2))
        # Where the curve is vertical, the highest point counts: np.interp takes the last of equal abscissae.
        return np.array([auc, *(np.interp(1.0 - r, false, true) for r in REJECTIONS)])


def thinned(false: Floats, points: int = 300) -> NDArray[np.intp]:
    """Indices of a ROC's points that are enough for a smooth curve on a logarithmic axis of `false`."""
    wanted = np.concatenate([[0.0], np.geomspace(1e-3, 1, points)])
    return np.unique(np.clip(np.searchsorted(false, wanted), 0, len(false) - 1))


def roc_curve(score: NDArray[Any], target: NDArray[np.uint8], weight: Floats) -> tuple[Floats, Floats]:
    """False and true positive fractions for a plot, `thinned`; both empty if a class is missing."""
    kept = weight > 0
    if len(np.unique(target[kept])) < 2:
        return np.zeros(0), np.zeros(0)
    false, true = Ranking.of(score, target).roc(weight)
    points = thinned(false)
    return false[points], true[points]


def bootstrap_counts(event: NDArray[np.int64], replicas: int, seed: int) -> NDArray[np.int64]:
    """How often each entry appears in each replica, [replicas, n]: events drawn with replacement."""
    names, index = np.unique(event, return_inverse=True)
    draws = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), replicas)
    return draws[:, index]


def with_errors(names: Sequence[str], value: Floats, replicas: Floats) -> dict[str, Any]:
    """Figures `value` [n] under their names, with standard deviations over finite `replicas` [replicas, n].

    Each is ``{"value", "error"}``, or None if it is not finite.
    """
    found: dict[str, Any] = {}
    for name, here, spread in zip(names, value, replicas.T, strict=True):
        usable = spread[np.isfinite(spread)]
        error = float(usable.std(ddof=1)) if len(usable) > 1 else None
        found[name] = {"value": float(here), "error": error} if np.isfinite(here) else None
    return found


def compare(
    scores: Mapping[str, NDArray[Any]],
    target: NDArray[np.uint8],
    weight: Floats,
    event: NDArray[np.int64],
    *,
    replicas: int,
    seed: int,
    differences: tuple[tuple[str, str], ...] = (),
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Figures of several models on the same entries, and of differences between them.

    Parameters
    ----------
    scores
        Model name -> [n], higher is more signal-like.
    target, weight, event
        [n] each.
    replicas
        Bootstrap replicas.
    differences
        Pairs (a, b): figures of a minus figures of b.

    Returns
    -------
    tuple
        Model name -> figures, and "a-b" -> figures. Figures are ``{"auc": {"value", "error"}, "efficiency":
        {"50": ..., "75": ..., "90": ..., "99": ...}}``; empty dicts if a class is missing.
    """
    kept = weight > 0
    if len(np.unique(target[kept])) < 2:
        return {}, {}
    counts = bootstrap_counts(event[kept], replicas, seed)
    chosen = {name: np.asarray(score)[kept] for name, score in scores.items()}
    return compare_drawn(chosen, target[kept], weight[kept], counts, differences)


def compare_drawn(
    scores: Mapping[str, NDArray[Any]],
    target: NDArray[np.uint8],
    weight: Floats,
    counts: NDArray[np.int64],
    differences: tuple[tuple[str, str], ...] = (),
) -> tuple[dict[str, Any], dict[str, Any]]:
    """`compare` on replicas that are drawn already: `counts` [replicas, n] as of `bootstrap_counts`."""
    rankings = {name: Ranking.of(score, target) for name, score in scores.items()}
    usable = [row for row in counts if len(np.unique(target[(row > 0)])) == 2]
    values = {name: ranking.figures(weight) for name, ranking in rankings.items()}
    spread = {name: np.array([r.figures(weight * row) for row in usable]) for name, r in rankings.items()}
    models = {name: _figures(values[name], spread[name]) for name in scores}
    deltas = {f"{a}-{b}": _figures(values[a] - values[b], spread[a] - spread[b]) for a, b in differences}
    return models, deltas


def _figures(value: Floats, replicas: Floats) -> dict[str, Any]:
    error = replicas.std(axis=0, ddof=1) if len(replicas) > 1 else np.full(value.shape, np.nan)
    rows = [
        {"value": float(v), "error": float(e) if np.isfinite(e) else None}
        for v, e in zip(value, error, strict=True)
    ]
    names = [f"{100 * r:.0f}" for r in REJECTIONS]
    return {"auc": rows[0], "efficiency": dict(zip(names, rows[1:], strict=True))}


def area_error(area: float, signal: int, background: int) -> float:
    """Standard error of an area under the ROC curve of so many events of either class.

    J. A. Hanley, B. J. McNeil, Radiology 143 (1982) 29: from the area itself, as if the scores of both
    classes fell off exponentially; for an area of which the scores are not at hand.
    """
    two_signal, two_background = area / (2 - area), 2 * area**2 / (1 + area)
    spread = (
        area * (1 - area)
        + (signal - 1) * (two_signal - area**2)
        + (background - 1) * (two_background - area**2)
    )
    return float(np.sqrt(spread / (signal * background)))
