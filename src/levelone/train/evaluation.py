"""Doublets: float twin, quantised model and baselines on the same test candidates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.files import atomic_path, sha256, write_text
from levelone.metrics.ranking import Floats, balance, compare
from levelone.quant.cost import network_cost
from levelone.recipe import Recipe
from levelone.train.pipeline import float_twin, load_sample, scores
from levelone.train.result import Progress
from levelone.zoo.kit.system import Sample
from levelone.zoo.pixelseed.system import PixelSeed

REPLICAS = 100
"""Bootstrap replicas behind each uncertainty."""
DIFFERENCES = (("quantised", "float"), ("quantised", "baseline"), ("float", "baseline"))


def evaluate(
    system: PixelSeed, recipe: Recipe, data: Path, run_dir: Path, *, progress: Progress | None = None
) -> dict[str, Any]:
    """See `levelone.train.evaluate`."""
    report = progress or (lambda line: None)
    test = load_sample(system, recipe, data, "test")
    report(f"evaluating on {len(test)} test candidates")
    module = system.load_module(recipe, run_dir / "module.pt")
    found: dict[str, NDArray[Any]] = {
        "float": scores(float_twin(system, recipe, run_dir), test),
        "quantised": scores(module, test),
    }
    train = load_sample(system, recipe, data, "train")
    report(f"training the baselines on {len(train)} candidates")
    found |= {name: score(test) for name, score in system.fit_baselines(recipe, train).items()}

    natural = log_odds(system.group_counts(data, "train"))
    found["layers_only"] = natural[test.group]
    shift = (natural - log_odds(_counts(train)))[test.group]
    metrics = {
        **_all_metrics(test, found, shift, recipe.seed),
        "data": {
            "file": data.name,
            "sha256": sha256(data),
            "trained_on": recipe.data.mixture,
            "train_candidates": len(train),
            "test_candidates": len(test),
            "test_events": len(np.unique(test.event)),
        },
        "bootstrap": {"replicas": REPLICAS, "unit": "event"},
        "cost": network_cost(module),
        "reference": system.published(),
        "seed": recipe.seed,
    }
    write_text(run_dir / "metrics.json", json.dumps(metrics, indent=1) + "\n")
    with atomic_path(run_dir / "scores.npz") as scratch, scratch.open("wb") as stream:
        np.savez_compressed(
            stream,
            float=found["float"],
            quantised=found["quantised"],
            baseline=found["baseline"],
            target=test.target,
            region=test.region,
            group=test.group,
            weight_balanced=balance(test.target, test.group),
            prior=shift,
        )
    return metrics


def log_odds(counts: NDArray[np.int64]) -> Floats:
    """Log of signal over background per group, from [groups, 2] counts, with one candidate added to each."""
    return np.asarray(np.log((counts[:, 1] + 1.0) / (counts[:, 0] + 1.0)))


def _counts(sample: Sample) -> NDArray[np.int64]:
    cell = sample.group.astype(np.int64) * 2 + sample.target
    return np.bincount(cell, minlength=2 * len(sample.group_names)).reshape(-1, 2)


def _all_metrics(
    test: Sample, found: dict[str, NDArray[Any]], shift: Floats, seed: int
) -> dict[str, dict[str, Any]]:
    """Models and differences for each mixture and region; `shift` is added for natural_prior."""
    trained = {name: score for name, score in found.items() if name != "layers_only"}
    mixtures: dict[str, tuple[dict[str, NDArray[Any]], Floats]] = {
        "natural": (found, np.ones(len(test))),
        "natural_prior": ({name: score + shift for name, score in trained.items()}, np.ones(len(test))),
        "balanced": (found, balance(test.target, test.group)),
    }
    models: dict[str, Any] = {name: {} for name in found}
    differences: dict[str, Any] = {f"{a}-{b}": {} for a, b in DIFFERENCES}
    for mixture, (these, weight) in mixtures.items():
        regions = {"all": np.ones(len(test), bool)}
        regions |= {name: test.region == code for code, name in enumerate(test.region_names)}
        for region, chosen in regions.items():
            values, deltas = compare(
                {name: score[chosen] for name, score in these.items()},
                test.target[chosen],
                weight[chosen],
                test.event[chosen],
                replicas=REPLICAS,
                seed=seed,
                differences=DIFFERENCES,
            )
            count = np.bincount(test.target[chosen], minlength=2)
            for name, value in values.items():
                sizes = {"signal": int(count[1]), "background": int(count[0])}
                models[name].setdefault(mixture, {})[region] = value | sizes
            for name, value in deltas.items():
                differences[name].setdefault(mixture, {})[region] = value
    return {"models": models, "differences": differences}
