"""How well points are found: matched to true ones, and counted, with uncertainties.

As in the public challenge of localisation microscopy (D. Sage et al., Nature Methods 16, 387 (2019)): found
and true points of a frame are assigned to each other within a tolerance, as many as can be, with the least
sum of squared distances. The Jaccard index is the share of matches among all points, true and found; the
lateral error is the root of the mean squared distance of the matches. Uncertainties are bootstrap standard
deviations over frames, the same replicas for all models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from levelone.metrics.ranking import Floats, bootstrap_counts, with_errors

COUNTED = ("true", "found", "matched", "squared", "bound")
"""Columns of what `count` gives: points, matches, their squared distances, the squares of their bounds."""
FIGURES = ("jaccard", "recall", "precision", "rmse", "bound")


@dataclass(frozen=True)
class Matches:
    """Which true point is which found one, [k] each, and their `distance` [k]."""

    true: NDArray[np.int64]
    found: NDArray[np.int64]
    distance: Floats


def match(true: Floats, found: Floats, tolerance: float) -> Matches:
    """Assign points to each other.

    Parameters
    ----------
    true, found
        [t, 2] and [f, 2], in any order.
    tolerance
        Largest distance of a match.
    """
    if not len(true) or not len(found):
        none = np.zeros(0, np.int64)
        return Matches(none, none, np.zeros(0))
    squared = cdist(true, found, "sqeuclidean")
    near = squared <= tolerance**2
    never = 2.0 * (min(squared.shape) + 1) * tolerance**2  # one match more is worth any others' distances
    rows, columns = linear_sum_assignment(np.where(near, squared, never))
    kept = near[rows, columns]
    rows, columns = rows[kept], columns[kept]
    return Matches(rows, columns, np.sqrt(squared[rows, columns]))


def count(matches: Matches, true: int, found: int, bound: Floats, tolerance: float) -> Floats:
    """What one frame adds to the sums, `COUNTED` [5].

    Parameters
    ----------
    bound
        [true] smallest standard deviation of each true point; of a match no more than a place at random
        within the tolerance would give.
    """
    limited = np.minimum(bound[matches.true] ** 2, tolerance**2 / 2)
    sums = (matches.distance**2).sum(), limited.sum()
    return np.array([true, found, len(matches.true), *sums])


def summarise(
    counted: Mapping[str, Floats], *, replicas: int, seed: int, differences: tuple[tuple[str, str], ...] = ()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Figures of models on the same frames, and of differences between them.

    Parameters
    ----------
    counted
        Model name -> `COUNTED` of every frame, [frames, 5].
    differences
        Pairs (a, b): figures of a minus those of b.

    Returns
    -------
    tuple
        Model name, or "a-b", -> figure of `FIGURES` -> ``{"value", "error"}``; None where nothing was
        matched.
    """
    frames = np.arange(len(next(iter(counted.values()))))
    draws = bootstrap_counts(frames, replicas, seed).astype(np.float64, order="C")
    value = {name: _figures(rows.sum(0)) for name, rows in counted.items()}
    spread = {name: _figures(draws @ rows) for name, rows in counted.items()}
    models = {name: with_errors(FIGURES, value[name], spread[name]) for name in counted}
    deltas = {
        f"{a}-{b}": with_errors(FIGURES, value[a] - value[b], spread[a] - spread[b]) for a, b in differences
    }
    return models, deltas


def _figures(sums: Floats) -> Floats:
    """`FIGURES` [..., 5] of `COUNTED` [..., 5]."""
    true, found, matched, squared, bound = np.moveaxis(sums, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = (
            matched / (true + found - matched),
            matched / true,
            matched / found,
            np.sqrt(squared / matched),
            np.sqrt(bound / matched),
        )
    return np.stack(parts, axis=-1)
