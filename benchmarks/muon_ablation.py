"""What each part of the full muon architecture is worth: trained without it, several seeds each.

A table as in the published study (arXiv:2107.02119): each metric relative to the default of the same seed, in
percent, with the standard error over the seeds. Training continues where it was stopped. After every seed the
table so far is printed, and ``table.md`` and ``figures.json`` in their folder are written anew.

    python -m benchmarks.muon_ablation --data muons.h5 --out runs/ablation --seeds 3 --workers 2
"""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from levelone.files import sha256, write_text
from levelone.metrics.tracker import improvement
from levelone.recipe import Recipe, digest, load_recipe
from levelone.train import train_system
from levelone.train.batches import evaluation_batch, event_values
from levelone.train.measurement import measure, predictor
from levelone.train.pipeline import float_twin
from levelone.zoo.kit.meter import PerEvent
from levelone.zoo.muon import SYSTEM as MUON
from levelone.zoo.muon.section import ABLATIONS, GEV_PER_UNIT, OUTPUT

RECIPE = MUON.default_recipe.with_name("ablation.toml")
METRICS = {"improvement": "higher is better", "loss": "lower is better"}


def say(line: str) -> None:
    """News while it works, on standard error: standard output holds the table, or one JSON object."""
    print(line, file=sys.stderr, flush=True)


def measured(recipe: Recipe, data: Path, folder: Path) -> dict[str, float]:
    """Train the float network of one recipe and measure it on the test events.

    What was measured of the same recipe and the same events before is read back.
    """
    done = folder / "ablation.json"
    origin = digest([recipe.model_dump(mode="json"), sha256(data)])
    if done.is_file():
        found = json.loads(done.read_text())
        if found["origin"] == origin:
            return dict(found["figures"])
    folder.mkdir(parents=True, exist_ok=True)
    name = "/".join(folder.parts[-2:])
    train_system(MUON, recipe, data, folder, progress=lambda line: say(f"{name}: {line}"))
    network = predictor(MUON, float_twin(MUON, recipe, folder))
    source = MUON.source(recipe, data, "test", recipe.data.max_test)
    size = evaluation_batch(event_values(next(source.batches(1))))
    meter = PerEvent(lambda predictions, truth: {})
    measure({"float": network}, source.batches(size), meter)
    figures = figures_of(recipe, meter.truth["energy"], meter.predictions["float"][OUTPUT])
    write_text(done, json.dumps({"origin": origin, "figures": figures}) + "\n")
    return figures


def figures_of(recipe: Recipe, energy: NDArray[Any], predicted: NDArray[Any]) -> dict[str, float]:
    """The study's improvement, and the loss that the recipe trains with.

    Parameters
    ----------
    energy, predicted
        [n] in GeV, and what the network answers, [n, 1] in TeV.
    """
    answered = predicted.reshape(-1).astype(np.float64)
    truth = {"energy": torch.from_numpy(energy.astype(np.float64))}
    loss = MUON.event_loss(recipe, (torch.from_numpy(answered)[:, None],), truth)
    return {
        "improvement": improvement(energy.astype(np.float64), answered * GEV_PER_UNIT),
        "loss": float(loss.mean()),
    }


def one(ablation: str, seed: int, recipe: Path, keys: list[str], data: Path, out: Path) -> dict[str, float]:
    """`measured` of one network and seed."""
    keys = [*keys, f"model.ablation={ablation}", "model.reach=float", f"seed={seed}"]
    return measured(load_recipe(recipe, keys), data, out / ablation / str(seed))


def relative(values: list[float], default: list[float]) -> tuple[float, float]:
    """Mean change of `values` against `default`, and its standard error over the seeds, in percent.

    Differences are taken seed by seed: both are trained with the same seeds on the same events in the same
    order. They are divided by the mean default. The error is NaN for a single seed.
    """
    change = 100 * (np.asarray(values) - np.asarray(default)) / np.mean(default)
    error = change.std(ddof=1) / np.sqrt(len(change)) if len(change) > 1 else float("nan")
    return float(change.mean()), float(error)


def table(figures: dict[str, list[dict[str, float]]]) -> str:
    """The table in Markdown; of fewer seeds than the default, a network is compared with its first ones."""
    head = ["seeds", *(f"{name} ({which})" for name, which in METRICS.items())]
    lines = ["| without | " + " | ".join(head) + " |", "|---|" + "---|" * len(head)]
    for ablation, runs in figures.items():
        cells = [str(len(runs))]
        for metric in METRICS:
            values = [run[metric] for run in runs]
            if ablation == "none":
                spread = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
                cells.append(f"{np.mean(values):.4f} ± {spread:.4f}")
            else:
                default = [run[metric] for run in figures["none"][: len(runs)]]
                cells.append("{:+.1f} % ± {:.1f} %".format(*relative(values, default)))
        lines.append(f"| {ABLATIONS[ablation]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="voxel file of muons")
    parser.add_argument("--out", type=Path, required=True, help="folder of the trainings")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--recipe", type=Path, default=RECIPE)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--only", choices=list(ABLATIONS), action="append", help="some of the ablations")
    parser.add_argument("--workers", type=int, default=1, help="trainings at the same time, a core each")
    parser.add_argument("--json", action="store_true", help="print one JSON object: figures of every seed")
    options = parser.parse_args()
    chosen = ["none", *[a for a in (options.only or ABLATIONS) if a != "none"]]
    figures: dict[str, list[dict[str, float]]] = {}
    train = partial(one, recipe=options.recipe, keys=options.set, data=options.data, out=options.out)
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        trainings = [
            (ablation, pool.submit(train, ablation, seed))
            for seed in range(1, options.seeds + 1)
            for ablation in chosen
        ]
        for number, (ablation, training) in enumerate(trainings, start=1):
            figures.setdefault(ablation, []).append(training.result())
            if number % len(chosen) == 0:
                write_text(options.out / "table.md", table(figures) + "\n")
                write_text(options.out / "figures.json", json.dumps(figures, indent=1) + "\n")
                say(table(figures))
    print(json.dumps(figures) if options.json else table(figures))


if __name__ == "__main__":
    main()
