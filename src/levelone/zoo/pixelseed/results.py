"""How well models tell true from fake doublets: as found, and balanced within each pair of layers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.data.doublets import REGIONS
from levelone.metrics.ranking import Floats, balance, compare
from levelone.zoo.kit.events import Source
from levelone.zoo.kit.meter import PerEvent, Predictions, Truth
from levelone.zoo.pixelseed.source import log_odds

REPLICAS = 100
"""Bootstrap replicas behind each uncertainty."""
DIFFERENCES = (
    ("quantised", "float"),
    ("quantised", "baseline"),
    ("quantised", "baseline_profile"),
    ("float", "baseline"),
)
COLUMNS = ("target", "event", "group", "region", "abundance")
"""Truth columns that results are made of."""


class DoubletMeter(PerEvent):
    """Figures of every model in each mixture and region.

    ``models`` and ``differences`` are by mixture, then region: see `levelone.metrics.ranking.compare`.
    ``natural`` is the test split as found; ``balanced`` weights it so that both classes are equally frequent
    within each pair of layers; ``natural_prior`` is as found, with the log of true over fake doublets of each
    pair of layers, counted in the training events, added to every score: what one threshold per pair of
    layers does. A mixture or region without both classes is absent.

    Parameters
    ----------
    train
        The training doublets.
    mixture
        What they are a mixture of.
    seed
        Of the bootstrap.
    """

    def __init__(self, train: Source, mixture: str, seed: int) -> None:
        super().__init__(self._all, COLUMNS)
        self._mixture, self._seed = mixture, seed
        batches = (events.truth for events in train.batches(8192))
        self._cells = np.concatenate([truth["group"] * 2 + truth["target"] for truth in batches])

    def kept(self) -> dict[str, NDArray[Any]]:
        """Scores ``float``, ``quantised``, ``baseline`` [n], higher is more signal-like, and truth.

        ``target``, ``region``, ``group``, ``weight_balanced`` (weights that balance the classes within each
        pair of layers) and ``prior`` (what ``natural_prior`` adds), [n] each.
        """
        predictions, truth = self.predictions, self.truth
        scores = {name: predictions[name]["logit"][:, 0] for name in ("float", "quantised", "baseline")}
        return {
            **scores,
            **{name: truth[name] for name in ("target", "region", "group")},
            "weight_balanced": balance(truth["target"], truth["group"]),
            "prior": self._shift(truth),
        }

    def _all(self, predictions: Predictions, truth: Truth) -> dict[str, Any]:
        found = {name: outputs["logit"][:, 0] for name, outputs in predictions.items()}
        return {
            **figures(found, truth, self._shift(truth), self._seed),
            "data": {
                "trained_on": self._mixture,
                "train_candidates": len(self._cells),
                "test_candidates": len(truth["target"]),
                "test_events": len(np.unique(truth["event"])),
            },
            "bootstrap": {"replicas": REPLICAS, "unit": "event"},
        }

    def _shift(self, truth: Truth) -> Floats:
        """What turns the odds of the training mixture into those of the natural one, for each doublet."""
        groups = 1 + max(int(self._cells.max()) // 2, int(truth["group"].max()))
        counts = np.bincount(self._cells, minlength=2 * groups).reshape(groups, 2)
        return np.asarray(truth["abundance"] - log_odds(counts)[truth["group"]])


def figures(found: dict[str, NDArray[Any]], truth: Truth, shift: Floats, seed: int) -> dict[str, Any]:
    """Models and differences for each mixture and region.

    Parameters
    ----------
    found
        Model name -> scores, [n].
    shift
        [n], added to the scores for ``natural_prior``.
    """
    target, group, region = truth["target"], truth["group"], truth["region"]
    natural = np.ones(len(target))
    trained = {name: score + shift for name, score in found.items() if name != "layers_only"}
    mixtures: dict[str, tuple[dict[str, NDArray[Any]], Floats]] = {
        "natural": (found, natural),
        "natural_prior": (trained, natural),
        "balanced": (found, balance(target, group)),
    }
    regions = {"all": np.ones(len(target), bool)}
    regions |= {name: region == code for code, name in enumerate(REGIONS)}
    models: dict[str, Any] = {name: {} for name in found}
    differences: dict[str, Any] = {f"{a}-{b}": {} for a, b in DIFFERENCES}
    for mixture, (these, weight) in mixtures.items():
        for name, chosen in regions.items():
            values, deltas = compare(
                {model: score[chosen] for model, score in these.items()},
                target[chosen],
                weight[chosen],
                truth["event"][chosen],
                replicas=REPLICAS,
                seed=seed,
                differences=DIFFERENCES,
            )
            count = np.bincount(target[chosen], minlength=2)
            sizes = {"signal": int(count[1]), "background": int(count[0])}
            for model, value in values.items():
                models[model].setdefault(mixture, {})[name] = value | sizes
            for pair, value in deltas.items():
                differences[pair].setdefault(mixture, {})[name] = value
    return {"models": models, "differences": differences}
