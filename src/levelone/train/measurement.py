"""Voxel events: every model on the same test events, streamed from disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from levelone.files import atomic_path, sha256, write_text
from levelone.quant.cost import network_cost
from levelone.recipe import Recipe
from levelone.train.batches import as_batch, evaluation_batch
from levelone.train.loop import load_best
from levelone.train.objective import as_outputs
from levelone.train.pipeline import event_values, float_twin, limits
from levelone.train.result import Progress
from levelone.zoo.kit.system import Events
from levelone.zoo.kit.voxelsystem import Outputs, Predictor, VoxelSystem

Predictions = dict[str, dict[str, NDArray[np.float32]]]


def measure_events(
    system: VoxelSystem, recipe: Recipe, data: Path, run_dir: Path, *, progress: Progress | None = None
) -> dict[str, Any]:
    """See `levelone.train.evaluate`."""
    report = progress or (lambda line: None)
    sizes = limits(recipe)
    train = system.source(recipe, data, "train", sizes["train"])
    test = system.source(recipe, data, "test", sizes["test"])
    models: dict[str, Predictor] = {"float": predictor(system, float_twin(system, recipe, run_dir))}
    cost: dict[str, Any] = {}
    if system.reach(recipe) != "float":
        module = system.load_module(recipe, run_dir / "module.pt")
        models["quantised"] = predictor(system, module)
        cost = network_cost(module)
    for name, other in system.rivals(recipe).items():
        network = system.build_float(other)
        load_best(network, run_dir / "rivals" / name / "best.ckpt")
        models[name] = predictor(system, network)
    report(f"fitting the baselines on {len(train)} events")
    models |= system.fit_baselines(recipe, train)
    report(f"evaluating {len(models)} models on {len(test)} test events")
    predictions, truth = predict(models, test.batches(evaluation_batch(event_values(system, recipe))))
    metrics = {
        **system.measure(recipe, predictions, truth),
        "data": {
            "file": data.name,
            "sha256": sha256(data),
            "train_events": len(train),
            "test_events": len(test),
        },
        "cost": cost,
        "reference": system.published(),
        "seed": recipe.seed,
    }
    write_text(run_dir / "metrics.json", json.dumps(metrics, indent=1) + "\n")
    with atomic_path(run_dir / "scores.npz") as scratch, scratch.open("wb") as stream:
        arrays = {f"{m}/{output}": a for m, outputs in predictions.items() for output, a in outputs.items()}
        np.savez_compressed(stream, **arrays, **{f"truth/{n}": array for n, array in truth.items()})  # type: ignore[arg-type]
    return metrics


def predictor(system: VoxelSystem, network: nn.Module) -> Predictor:
    """A network in evaluation mode, as a function of events."""
    network.eval()

    def answer(events: Events) -> Outputs:
        with torch.no_grad():
            found = as_outputs(network(*as_batch(events)[0]))
        return {name: tensor.numpy() for name, tensor in zip(system.outputs, found, strict=True)}

    return answer


def predict(models: Mapping[str, Predictor], batches: Any) -> tuple[Predictions, dict[str, NDArray[Any]]]:
    """Outputs of every model and all truth columns, over all batches."""
    found: dict[str, dict[str, list[NDArray[np.float32]]]] = {name: {} for name in models}
    truth: dict[str, list[NDArray[Any]]] = {}
    for events in batches:
        for name, model in models.items():
            for output, array in model(events).items():
                found[name].setdefault(output, []).append(np.asarray(array, np.float32))
        for column, values in events.truth.items():
            truth.setdefault(column, []).append(values)
    joined = {
        name: {output: np.concatenate(parts) for output, parts in outputs.items()}
        for name, outputs in found.items()
    }
    return joined, {column: np.concatenate(parts) for column, parts in truth.items()}
