"""Doublets as events in memory: what enters the network, the truth, and what results are split by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from levelone.data.doublets import FEATURE_NAMES, SPLITS, DoubletFile, Mixture
from levelone.data.opening import open_doublets
from levelone.errors import LeveloneError
from levelone.metrics.ranking import Floats
from levelone.recipe import misfit
from levelone.zoo.kit.events import MemorySource, Split
from levelone.zoo.pixelseed.features import expert_features, summary_features, with_shapes
from levelone.zoo.pixelseed.section import IMAGE_SHAPE

SATURATION_KE = np.float32(60.0)
"""Where the front end's charge measurement saturates (a typical pixel of a track holds 25 ke).
Without it, the large charges of rare delta electrons would make the steps of the image quantiser coarse."""


def read_doublets(
    path: Path,
    split: Split,
    mixture: Mixture,
    limit: int | None = None,
    seed: int = 0,
    *,
    rows: int = IMAGE_SHAPE[1],
    pairs: int = 0,
) -> MemorySource:
    """At most `limit` doublets of a split.

    The input ``images`` has the `rows` in the middle of each image, float [n, 2, rows, 16]; what the host
    computes is computed from whole images. The input ``pair`` has `pairs` columns, and is absent without any.

    Truth columns are ``target`` (uint8, 1: one particle made both hits), ``event`` (int64, number of the
    collision), ``group`` (int32, pair of layers), ``region`` (uint8), ``abundance`` (float64, `log_odds` of
    the doublet's pair of layers in all training events) and ``summary`` (float32 [n, columns], what the
    baselines are trained on). The images of training and validation are kept in half precision.

    Raises
    ------
    LeveloneError
        If the file cannot be read, has more pairs of layers, or the split lacks true or fake doublets.
    """
    with open_doublets(path) as file:
        if pairs and len(file.layer_pair_names) > pairs:
            raise misfit(
                "model.layer_pairs",
                f" = {pairs}, but {path} has {len(file.layer_pair_names)} pairs of layers",
                hint="give as many",
            )
        chosen = file.select(split, mixture=mixture, limit=limit, seed=seed)
        if len(chosen) == 0:
            raise LeveloneError(f"{path}: split {split!r} has no {mixture} doublets")
        doublets = file.read(chosen)
        abundance = log_odds(_training_counts(file))
    columns = {name: doublets.features[:, column] for column, name in enumerate(FEATURE_NAMES)}
    raw = with_shapes(columns, doublets.images)
    cut = (IMAGE_SHAPE[1] - rows) // 2
    images = np.minimum(doublets.images[:, :, cut : IMAGE_SHAPE[1] - cut], SATURATION_KE)
    inputs = {
        "images": images if split == "test" else images.astype(np.float16),
        "features": expert_features(raw),
    }
    if pairs:
        inputs["pair"] = (doublets.layer_pair[:, None] == np.arange(pairs)).astype(np.float16)
    return MemorySource(
        inputs=inputs,
        truth={
            "target": doublets.label,
            "event": doublets.event,
            "group": doublets.layer_pair.astype(np.int32),
            "region": doublets.region,
            "abundance": abundance[doublets.layer_pair],
            "summary": summary_features(raw),
        },
    )


def training_log_odds(path: Path) -> Floats:
    """`log_odds` of every pair of layers in all training events of a file, [pairs]."""
    with open_doublets(path) as file:
        return log_odds(_training_counts(file))


def log_odds(counts: NDArray[np.int64]) -> Floats:
    """Log of signal over background per group, from [groups, 2] counts, with one doublet added to each."""
    return np.asarray(np.log((counts[:, 1] + 1.0) / (counts[:, 0] + 1.0)))


def _training_counts(file: DoubletFile) -> NDArray[np.int64]:
    """How many doublets of the whole training split are fake and true in each pair of layers, [pairs, 2]."""
    index, pairs = file.index, len(file.layer_pair_names)
    chosen = index.split == SPLITS.index("train")
    cell = index.layer_pair[chosen].astype(np.int64) * 2 + index.label[chosen]
    return np.bincount(cell, minlength=2 * pairs).reshape(pairs, 2)
