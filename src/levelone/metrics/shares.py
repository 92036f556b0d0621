"""Shares of wrong entries, or root mean squared errors, over all events and for parts of them.

Entries of one event (pixels) have something in common: uncertainties are bootstrap standard deviations over
events, the same replicas for all models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from levelone.metrics.ranking import Floats, bootstrap_counts, with_errors


def summarise(
    counted: Mapping[str, Floats],
    parts: Sequence[str],
    *,
    replicas: int,
    seed: int,
    differences: tuple[tuple[str, str], ...] = (),
    root: bool = False,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Shares of several models on the same events, and of differences between them.

    Parameters
    ----------
    counted
        Model name -> [events, parts, 2]: entries, and wrong ones, or the sum of their squared errors.
    parts
        Names along the second axis.
    differences
        Pairs (a, b): shares of a minus those of b.
    root
        Take square roots of the shares.

    Returns
    -------
    tuple
        Model name, or "a-b", -> part -> ``{"value", "error"}``; None for a part without entries.
    """
    events = np.arange(len(next(iter(counted.values()))))
    draws = bootstrap_counts(events, replicas, seed).astype(np.float64)
    value = {name: _shares(rows.sum(0), root) for name, rows in counted.items()}
    spread = {name: _shares(np.tensordot(draws, rows, 1), root) for name, rows in counted.items()}
    models = {name: with_errors(parts, value[name], spread[name]) for name in counted}
    deltas = {
        f"{a}-{b}": with_errors(parts, value[a] - value[b], spread[a] - spread[b]) for a, b in differences
    }
    return models, deltas


def _shares(sums: Floats, root: bool) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        shares: Floats = sums[..., 1] / sums[..., 0]
    return np.sqrt(shares) if root else shares
