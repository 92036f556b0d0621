"""How much background is rejected at a fixed signal efficiency: one over the share that is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.metrics.ranking import Floats, Ranking

SIGNAL_EFFICIENCY = 0.5
"""Where the rejection is quoted."""


def rejection(ranking: Ranking, weight: Floats) -> float:
    """One over the share of background kept with `SIGNAL_EFFICIENCY` of the signal; infinite if none is."""
    false, true = ranking.roc(weight)
    # the first threshold that keeps enough of the signal; np.interp would take the last of equal abscissae
    reached = int(np.searchsorted(true, SIGNAL_EFFICIENCY))
    ends = slice(reached - 1, reached + 1)
    kept = float(np.interp(SIGNAL_EFFICIENCY, true[ends], false[ends]))
    return 1 / kept if kept > 0 else float("inf")


def compare_rejections(
    scores: Mapping[str, NDArray[Any]],
    target: NDArray[np.uint8],
    counts: NDArray[np.int64],
    ratios: tuple[tuple[str, str], ...] = (),
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Rejections of several models on the same events, and ratios of them.

    Parameters
    ----------
    scores
        Model name -> [n], higher is more signal-like.
    target
        0 or 1, [n]; both are there.
    counts
        [replicas, n], of the bootstrap: `levelone.metrics.ranking.bootstrap_counts`.
    ratios
        Pairs (a, b): rejection of a over that of b.

    Returns
    -------
    tuple
        Model name -> ``{"value": x, "error": x}``, and "a/b" -> the same. None where no background is left.
    """
    rankings = {name: Ranking.of(np.asarray(score), target) for name, score in scores.items()}
    usable = [row.astype(np.float64) for row in counts if len(np.unique(target[row > 0])) == 2]
    whole = np.ones(len(target))
    value = {name: np.float64(rejection(ranking, whole)) for name, ranking in rankings.items()}
    spread = {name: np.array([rejection(r, row) for row in usable]) for name, r in rankings.items()}
    models = {name: _figure(value[name], spread[name]) for name in scores}
    with np.errstate(invalid="ignore"):
        found = {f"{a}/{b}": _figure(value[a] / value[b], spread[a] / spread[b]) for a, b in ratios}
    return models, found


def _figure(value: float, replicas: Floats) -> dict[str, float | None]:
    known = len(replicas) > 1 and bool(np.isfinite(replicas).all())
    return {
        "value": float(value) if np.isfinite(value) else None,
        "error": float(replicas.std(ddof=1)) if known else None,
    }
