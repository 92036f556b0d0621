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
NETWORKS = ("float", "quantised")
LAYERS_ONLY = "layers_only"
COLUMNS = ("target", "event", "group", "region", "abundance")
"""Truth columns that results are made of."""


class DoubletMeter(PerEvent):
    """Figures of every model in each mixture and region.

    ``models`` and ``differences`` are by mixture, then region: see `levelone.metrics.ranking.compare`.
    ``natural`` is the test split as found; ``balanced`` weights it so that both classes are equally frequent
    within each pair of layers; ``natural_prior`` is as found, with the log of true over fake doublets of each
    pair of layers, counted in the training events, added to every score: what one threshold per pair of
    layers does. A mixture or region without both classes is absent.

    Networks that add these odds themselves are shown as they are in ``natural``, where all other models get
    them, too (``natural_prior`` is absent then), and without them in ``balanced``, where they mean nothing.

    Parameters
    ----------
    train
        The training doublets.
    mixture
        What they are a mixture of.
    seed
        Of the bootstrap.
    prior
        Whether the networks add the odds of the pairs of layers themselves.
    """

    def __init__(self, train: Source, mixture: str, seed: int, *, prior: bool = False) -> None:
        super().__init__(self._all, COLUMNS)
        self._mixture, self._seed, self._prior = mixture, seed, prior
        batches = (events.truth for events in train.batches(8192))
        self._cells = np.concatenate([truth["group"] * 2 + truth["target"] for truth in batches])

    def kept(self) -> dict[str, NDArray[Any]]:
        """Scores ``float``, ``quantised``, ``baseline`` [n] in the natural mixture, and truth.

        Higher is more signal-like. ``target``, ``region``, ``group``, ``weight_balanced`` (weights that
        balance the classes within each pair of layers) and ``prior`` (log odds of the pairs of layers, which
        every score holds if the networks add them themselves), [n] each.
        """
        truth = self.truth
        shift = self._shift(truth)
        natural = mixtures(self._scores(self.predictions), shift, prior=self._prior)["natural"]
        return {
            **{name: natural[name] for name in ("float", "quantised", "baseline")},
            **{name: truth[name] for name in ("target", "region", "group")},
            "weight_balanced": balance(truth["target"], truth["group"]),
            "prior": shift,
        }

    def _all(self, predictions: Predictions, truth: Truth) -> dict[str, Any]:
        shift = self._shift(truth)
        return {
            **figures(mixtures(self._scores(predictions), shift, prior=self._prior), truth, self._seed),
            "data": {
                "trained_on": self._mixture,
                "prior_in_network": self._prior,
                "train_candidates": len(self._cells),
                "test_candidates": len(truth["target"]),
                "test_events": len(np.unique(truth["event"])),
            },
            "bootstrap": {"replicas": REPLICAS, "unit": "event"},
        }

    def _scores(self, predictions: Predictions) -> dict[str, NDArray[Any]]:
        return {name: outputs["logit"][:, 0] for name, outputs in predictions.items()}

    def _shift(self, truth: Truth) -> Floats:
        """What turns the odds of the training mixture into those of the natural one, for each doublet."""
        groups = 1 + max(int(self._cells.max()) // 2, int(truth["group"].max()))
        counts = np.bincount(self._cells, minlength=2 * groups).reshape(groups, 2)
        return np.asarray(truth["abundance"] - log_odds(counts)[truth["group"]])


def mixtures(
    found: dict[str, NDArray[Any]], shift: Floats, *, prior: bool
) -> dict[str, dict[str, NDArray[Any]]]:
    """Scores of every model, [n], by the mixture in which they are to be judged.

    Parameters
    ----------
    found
        Model name -> what it answers, [n].
    shift
        What turns the odds of the training mixture into those of the natural one, [n].
    prior
        Whether the networks hold `shift` already.
    """
    others = {name: score for name, score in found.items() if name not in (*NETWORKS, LAYERS_ONLY)}
    alone = {LAYERS_ONLY: found[LAYERS_ONLY]} if LAYERS_ONLY in found else {}
    networks = {name: found[name] for name in NETWORKS if name in found}
    shifted = {name: score + shift for name, score in others.items()}
    if prior:
        evidence = {name: score - shift for name, score in networks.items()}
        return {"natural": {**networks, **shifted, **alone}, "balanced": {**evidence, **others, **alone}}
    added = {name: score + shift for name, score in networks.items()}
    return {"natural": found, "natural_prior": {**added, **shifted}, "balanced": found}


def figures(scores: dict[str, dict[str, NDArray[Any]]], truth: Truth, seed: int) -> dict[str, Any]:
    """Models and differences for each mixture and region; `scores` as of `mixtures`."""
    target, group, region = truth["target"], truth["group"], truth["region"]
    natural = np.ones(len(target))
    regions = {"all": np.ones(len(target), bool)}
    regions |= {name: region == code for code, name in enumerate(REGIONS)}
    models: dict[str, Any] = {name: {} for name in scores["natural"]}
    pairs = tuple(pair for pair in DIFFERENCES if set(pair) <= scores["natural"].keys())
    differences: dict[str, Any] = {f"{a}-{b}": {} for a, b in pairs}
    for mixture, these in scores.items():
        weight = balance(target, group) if mixture == "balanced" else natural
        for name, chosen in regions.items():
            values, deltas = compare(
                {model: score[chosen] for model, score in these.items()},
                target[chosen],
                weight[chosen],
                truth["event"][chosen],
                replicas=REPLICAS,
                seed=seed,
                differences=pairs,
            )
            count = np.bincount(target[chosen], minlength=2)
            sizes = {"signal": int(count[1]), "background": int(count[0])}
            for model, value in values.items():
                models[model].setdefault(mixture, {})[name] = value | sizes
            for pair, value in deltas.items():
                differences[pair].setdefault(mixture, {})[name] = value
    return {"models": models, "differences": differences}
