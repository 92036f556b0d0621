"""What the PixelSeed network is compared with: gradient boosting, and what the pair of layers alone tells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.zoo.kit.boosting import gather
from levelone.zoo.kit.events import Events, Predictor, Source
from levelone.zoo.kit.trees import classifier
from levelone.zoo.pixelseed.features import PLAIN_SUMMARY, SUMMARY

MIN_BASELINE = 20
"""Training doublets of each class that the baseline needs: it sets a tenth aside to know when to stop."""


ROUNDS = 400
"""Trees that are grown at most, one after another."""


def number_and_pair(events: Events) -> NDArray[np.float64]:
    """Number of the event, and log odds of a true doublet in the pair of layers, [n, 2]."""
    return np.stack([events.truth["event"], events.truth["abundance"]], axis=1).astype(np.float64)


def fit_all(train: Source, seed: int) -> dict[str, Predictor]:
    """Classical classifiers by name.

    ``baseline`` is the one to beat: it knows what a conventional selection would know. ``baseline_profile``
    knows the network's sub-pixel cluster lengths as well. ``layers_only`` knows nothing but the pair of
    layers.

    Raises
    ------
    LeveloneError
        If the training doublets hold too few of a class.
    """
    summary, target = gather(train, lambda events: events.truth["summary"], "target")
    fewest = int(np.bincount(target, minlength=2).min())
    if fewest < MIN_BASELINE:
        raise LeveloneError(
            f"data.max_train: {len(train)} training doublets hold {fewest} of one class; "
            f"the baseline needs {MIN_BASELINE} of each",
            hint="raise data.max_train, or use a file with more events",
        )

    def fit(columns: int) -> Predictor:
        model = classifier(max_iter=ROUNDS, early_stopping=True, n_iter_no_change=20, random_state=seed)
        model.fit(summary[:, :columns], target)
        return lambda events: {
            "logit": np.asarray(model.decision_function(events.truth["summary"][:, :columns]), np.float32)[
                :, None
            ]
        }

    return {
        "baseline": fit(PLAIN_SUMMARY),
        "baseline_profile": fit(len(SUMMARY)),
        "layers_only": lambda events: {"logit": events.truth["abundance"][:, None]},
    }
