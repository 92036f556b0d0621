"""How events are divided into splits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "validation", "test")
SPLIT_SHARES = (0.7, 0.1, 0.2)
"""Share of the events in each split."""


def split_codes(events: int) -> NDArray[np.uint8]:
    """Split (index into `SPLITS`) of each of `events` events, uint8 [events], ascending.

    From three events on, no split is empty; fewer events are all training events.
    """
    if events < len(SPLITS):
        return np.zeros(events, np.uint8)
    counts = [max(1, round(share * events)) for share in SPLIT_SHARES]
    counts[0] = events - counts[1] - counts[2]
    return np.repeat(np.arange(len(SPLITS)), counts).astype(np.uint8)


def shuffled_split_codes(events: int) -> NDArray[np.uint8]:
    """`split_codes` in a random order, always the same one: for files that are ordered, or may be."""
    return np.random.default_rng(0).permutation(split_codes(events))


def spread(rows: NDArray[np.int64], limit: int | None) -> NDArray[np.int64]:
    """At most `limit` of `rows` [n], at equal distances: for files that are ordered, or may be."""
    if limit is None or limit >= len(rows):
        return rows
    return rows[np.arange(limit) * len(rows) // limit]


def split_sizes(codes: NDArray[np.uint8]) -> dict[str, int]:
    """How many of the events with these `codes` [n] are in each split."""
    counts = np.bincount(codes, minlength=len(SPLITS))
    return {name: int(count) for name, count in zip(SPLITS, counts, strict=True)}
